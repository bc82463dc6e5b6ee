"""Home (F204, F219): shelves made at the moment they are looked at, in 0.8 s whatever fails.

Everything is asked for at once, and each for no longer than it has patience: the bundle, the
person's signals and follows, the lists that were made ahead. What comes is put on shelves, ordered
by the bandit, looked up in the catalog and kept as the last good home. Where something does not
come, the answer is the first of these that there is:

1. the person's last good home, as it was answered then (of at most `LAST_GOOD_DAYS`);
2. whatever shelves could be made without what is missing;
3. the last good home of everybody in the country: what is popular there;
4. no shelves. That is still an answer, with which an app can show its search.

Last good homes lie in Bigtable, and the newest of them in this instance too, so no one dependency
takes them all away. They are as they were answered, without what the person has hidden since and
what their filter is for, as far as their signals can be read: a track that was withdrawn since is
still named on one, and refused when it is played.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, cast

from cachetools import LRUCache

from shared.experiments import bandit
from shared.experiments import service as experiments
from shared.experiments.bandit import Beta, Choice
from shared.experiments.models import Assignment, Exposure
from shared.experiments.shelves import posteriors
from shared.platform.auth import Principal
from shared.platform.caching import to_bytes
from shared.recommendations import serving, store, taste, views
from shared.recommendations.items import Bundle, Taste
from shared.recommendations.patience import within
from shared.recommendations.periods import day_number, local_time
from shared.recommendations.products import shelves
from shared.recommendations.products.shelves import Shelf
from shared.recommendations.ranking.impressions import entry
from shared.recommendations.rules import is_wanted
from shared.recommendations.shapes import HomeObject, ShelfObject
from shared.recommendations.store import Shelved
from shared.recommendations.taste import Listener

KEPT_FOR_S = 1_800  # before a person's last good home is stored again
LAST_GOOD_DAYS = 7
PEOPLE_KEPT, COUNTRIES_KEPT = 2_000, 300  # last good homes here, some 10 kB each
EXPERIMENT = "home-shelf-order"  # its variant `fixed` has the order of `shelves.fill`
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Patience:
    """How long an instance that is warm waits for what (s): in all; for the bundle, the signals and
    the lists; for follows and the account; until when for what the catalog says; for the order of
    shelves; for what is everybody's; and for the storing of a last good home, beside the answer.
    (The first request of an instance waits for the import of its clients besides.)"""

    deadline_s: float = 0.8
    gather_s: float = 0.3
    profile_s: float = 0.25
    shown_by_s: float = 0.5
    order_s: float = 0.05
    common_s: float = 0.1
    keep_s: float = 0.05


PATIENCE = Patience()


@dataclass(frozen=True, slots=True)
class Home:
    """What is answered, and what to tell of it (`experiments.service.expose`)."""

    body: HomeObject
    exposures: Sequence[Exposure] = ()


_Order = tuple[Assignment | None, Mapping[str, Beta]]
_AS_GIVEN: _Order = (None, {})


@dataclass(frozen=True, slots=True)
class _Kept:
    body: bytes  # compressed
    at_ms: int


_of_people: LRUCache[str, _Kept] = LRUCache(PEOPLE_KEPT)
_of_countries: LRUCache[str, _Kept] = LRUCache(COUNTRIES_KEPT)


async def home_of(caller: Principal) -> Home:
    """The home of a person. Raises Unauthenticated for an app's own token, and nothing else."""
    user_id, country = caller.require_user(), caller.country or None
    try:
        async with asyncio.timeout(PATIENCE.deadline_s - PATIENCE.keep_s):
            return await _home(caller, user_id, country)
    except TimeoutError:
        _log.warning("home took longer than its deadline")
    except Exception:
        _log.exception("home failed")
    return Home(_empty() if (held := _here(user_id, country)) is None else held)


async def _home(caller: Principal, user_id: str, country: str | None) -> Home:
    began, now = time.monotonic(), datetime.now(UTC)
    now_ms = int(now.timestamp() * 1000)
    reading = taste.read(user_id, country, patience_s=PATIENCE.profile_s)
    bundle, listener, shelved, (given, learned) = await asyncio.gather(
        within(PATIENCE.gather_s, serving.bundle(), None, "the bundle"),
        within(PATIENCE.gather_s, reading, None, "the signals"),
        within(PATIENCE.gather_s, store.read_shelved(user_id, now_ms), None, "made lists"),
        within(PATIENCE.order_s, _ordering(caller, country), _AS_GIVEN, "the order of shelves"),
    )
    known = listener or taste.unknown(user_id, country)
    filled = _filled(bundle, known, shelved, now)
    fixed = given is not None and given.variant == "fixed"
    choices = bandit.ordered(
        [one.name for one in filled],
        {} if fixed else learned,
        bandit.generator_of(user_id, now),
    )
    by_name = {one.name: one for one in filled}
    shown = await within(
        PATIENCE.shown_by_s - (time.monotonic() - began),
        _shown(caller, [by_name[one.arm] for one in choices], shelved, known),
        None,
        "what the catalog says",
    )
    body: HomeObject | None = None
    if shown:
        body = {"made_at": views.rfc3339(now_ms), "is_last_good": False, "shelves": shown}
        if bundle and listener and listener.is_whole and shelved:
            await _keep(user_id, country, body, shelved, now_ms)
            return Home(body, _told(caller, choices, by_name, shown, given))
    last = await _last_good(user_id, country, shelved, body, now_ms) or _empty()
    return Home(_wanted(last, listener) if listener else last)


async def _shown(
    caller: Principal, ordered: Sequence[Shelf], shelved: Shelved | None, listener: Listener
) -> list[ShelfObject]:
    made = shelved.made.values() if shelved else ()
    return await views.shelf_objects(ordered, made, listener.taste, caller.country or None)


def _filled(
    bundle: Bundle | None, listener: Listener, shelved: Shelved | None, now: datetime
) -> list[Shelf]:
    made = shelved.made if shelved else {}
    today = day_number(local_time(now, listener.taste.country).date())
    try:
        return shelves.fill(bundle, listener, made, today=today)
    except Exception:
        _log.exception("shelves could not be filled from bundle %s", bundle and bundle.version)
        return shelves.fill(None, listener, made, today=today)


async def _ordering(caller: Principal, country: str | None) -> _Order:
    user_id = caller.require_user()
    return await asyncio.gather(
        experiments.assigned(EXPERIMENT, user_id, country=country, tier=caller.tier), posteriors()
    )


def _told(
    caller: Principal,
    choices: Sequence[Choice],
    by_name: Mapping[str, Shelf],
    shown: Sequence[ShelfObject],
    given: Assignment | None,
) -> list[Exposure]:
    """What stood where, for what is learned of shelves; nothing of what is suspected to be a
    machine (F286)."""
    if caller.suspected:
        return []
    user_id = caller.require_user()
    names = [one["id"] for one in shown]
    propensities = {one.arm: one.propensity for one in choices}
    stood = [Choice(name, place, propensities[name]) for place, name in enumerate(names)]
    items = {one["id"]: _entries(by_name[one["id"]], one) for one in shown}
    told = experiments.impressions(user_id, stood, items, "home", given)
    if given is not None:
        told += experiments.exposure(given, user_id, "home")
    return told


def _entries(shelf: Shelf, shown: ShelfObject) -> list[str]:
    """What stood on a shelf: recommended tracks with their scores, ids of all else."""
    recommended = {one.track_id: entry(one) for one in shelf.tracks if shelf.is_recommended}
    return [recommended.get(one["id"], one["id"]) for one in shown["items"]]


# --- the last good home -------------------------------------------------------------------------


async def _keep(
    user_id: str, country: str | None, body: HomeObject, shelved: Shelved, now_ms: int
) -> None:
    """Keeps a good home here, and now and then in Bigtable too."""
    packed = zlib.compress(to_bytes(body))
    _of_people[user_id] = _Kept(packed, now_ms)
    writes = []
    if now_ms - shelved.home_at_ms > KEPT_FOR_S * 1000:
        writes.append(store.write_home(user_id, None, to_bytes(body), now_ms))
    everybodys = [
        {**one, "items": [item for item in one["items"] if not item.get("explicit")]}
        for one in body["shelves"]
        if one["id"] in shelves.IMPERSONAL
    ]
    everybodys = [one for one in everybodys if one["items"]]
    held = _of_countries.get(country or "")
    if everybodys and (held is None or now_ms - held.at_ms > KEPT_FOR_S * 1000):
        common = to_bytes({**body, "shelves": everybodys})
        _of_countries[country or ""] = _Kept(zlib.compress(common), now_ms)
        writes.append(store.write_home(None, country, common, now_ms))
    for write in writes:
        task = asyncio.ensure_future(write)
        task.add_done_callback(_complain)
        _writing.add(task)
    if _writing:
        await asyncio.wait(set(_writing), timeout=PATIENCE.keep_s)


_writing: set[asyncio.Future[None]] = set()


def _complain(task: asyncio.Future[None]) -> None:
    _writing.discard(task)
    if not task.cancelled() and (error := task.exception()) is not None:
        _log.warning("a last good home is not stored: %r", error)


async def _last_good(
    user_id: str,
    country: str | None,
    shelved: Shelved | None,
    made: HomeObject | None,
    now_ms: int,
) -> HomeObject | None:
    """The best that there is instead of a whole home; see above."""
    if shelved is not None and shelved.home is not None and _is_recent(shelved.home_at_ms, now_ms):
        return _again(shelved.home)
    if (own := _of_people.get(user_id)) is not None and _is_recent(own.at_ms, now_ms):
        return _again(zlib.decompress(own.body))
    if made is not None:
        return made
    if (here := _here(user_id, country)) is not None:
        return here
    body, at_ms = await within(
        PATIENCE.common_s, store.read_home(country), (None, 0), "a last good home"
    )
    return _again(body) if body is not None and _is_recent(at_ms, now_ms) else None


def _here(user_id: str, country: str | None) -> HomeObject | None:
    """What this instance itself remembers."""
    held = _of_people.get(user_id) or _of_countries.get(country or "")
    if held is None or not _is_recent(held.at_ms, time.time_ns() // 1_000_000):
        return None
    return _again(zlib.decompress(held.body))


def _is_recent(at_ms: int, now_ms: int) -> bool:
    return now_ms - at_ms < LAST_GOOD_DAYS * 24 * 3600 * 1000


def _again(body: bytes) -> HomeObject:
    return {**cast(HomeObject, json.loads(body)), "is_last_good": True}


def _wanted(home: HomeObject, listener: Listener) -> HomeObject:
    """A home as it was answered, without what the person does not want to see any more. Where their
    account is not known, it is for the filter that they had then."""
    of = listener.taste if listener.is_whole else replace(listener.taste, allows_explicit=True)
    if of.allows_explicit and not of.hidden:
        return home
    shown: list[ShelfObject] = [
        {**one, "items": [item for item in one["items"] if _is_wanted(item, of)]}
        for one in home["shelves"]
    ]
    return {**home, "shelves": [one for one in shown if one["items"]]}


def _is_wanted(item: Mapping[str, Any], of: Taste) -> bool:
    ids = [item["id"], *(artist["id"] for artist in item.get("artists", ()))]
    if album := item.get("album"):
        ids.append(album["id"])
    return is_wanted(of, bool(item.get("explicit")), *ids)


def _empty() -> HomeObject:
    return {
        "made_at": views.rfc3339(time.time_ns() // 1_000_000),
        "is_last_good": False,
        "shelves": [],
    }
