"""What is recommended to somebody who asks: from seeds, on the radio, after what has ended, and the
lists that were made ahead."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from datetime import UTC, datetime

from shared.catalog import service as catalog
from shared.platform.auth import Principal
from shared.platform.errors import InvalidInput, NotFound, Unavailable
from shared.platform.events import publish
from shared.platform.ids import random_id
from shared.platform.parameters import parse_uri
from shared.recommendations import serving, store, taste
from shared.recommendations.items import Bundle, Taste
from shared.recommendations.lists import ListedTrack, Made, MadeList, listed
from shared.recommendations.models import (
    MAX_SEEDS,
    Candidate,
    Reason,
    Recommendations,
    Seed,
    SeedPool,
    Tuning,
)
from shared.recommendations.patience import within as patiently
from shared.recommendations.periods import PRODUCTS, Product, day_number, local_time
from shared.recommendations.pools import pool_of
from shared.recommendations.products import autoplay, radio
from shared.recommendations.products.choosing import Order, known_rows
from shared.recommendations.scoring import centre, choose, within
from shared.recommendations.similar import similar_to, write_similar
from shared.recommendations.taste import Listener
from shared.signals.models import Signal, SignalKind

__all__ = [
    "autoplay_after",
    "genre_seeds",
    "give_feedback",
    "made_for",
    "made_list",
    "radio_from",
    "recommend",
    "similar_to",
    "write_similar",
]

SIGNALS_S = 0.5  # so long a list waits to know who listens
PROFILE_S = 0.3  # and of that for what they follow, and what their account says
RADIO_KINDS = ("track", "artist", "album", "playlist", "genre")
CONTEXT_KINDS = ("track", "album", "artist", "playlist")
FEEDBACK_KINDS = ("track", "artist", "album", "playlist")


async def recommend(
    seeds: Sequence[Seed], limit: int, tuning: Tuning, market: str | None = None
) -> Recommendations:
    """At most `limit` (1..100) tracks that are near to the seeds (1..5) and to the targets, best
    first; with `market` only what is released there. The same question has the same answer while
    the catalog and what is known of listening stay as they are.

    A seed that is not in the catalog offers nothing. Seed tracks themselves are not recommended.
    Raises InvalidInput for no seed or too many.
    """
    seeds = list(dict.fromkeys(seeds))
    if not seeds:
        raise InvalidInput("seed_artists, seed_genres, seed_tracks: name at least one seed")
    if len(seeds) > MAX_SEEDS:
        raise InvalidInput(
            f"seed_artists, seed_genres, seed_tracks: at most {MAX_SEEDS} seeds in all"
        )
    pools = await asyncio.gather(*(pool_of(seed, len(seeds)) for seed in seeds))
    asked = {seed.id for seed in seeds if seed.kind == "track"}

    candidates: dict[str, Candidate] = {}
    reasons: dict[str, list[Reason]] = {}
    sizes = []
    for pool in pools:
        offered = [one for one in pool.candidates.values() if one.track.id not in asked]
        fitting = [one for one in offered if within(one.values, tuning)]
        released = [one for one in fitting if one.track.is_released_in(market or None)]
        sizes.append(SeedPool(pool.seed, len(offered), len(fitting), len(released)))
        for one in released:
            candidates[one.track.id] = one
            reason = Reason(pool.seed, pool.origins[one.track.id])
            reasons.setdefault(one.track.id, []).append(reason)
    middle = centre(pool.middle for pool in pools)
    chosen = choose(list(candidates.values()), reasons, tuning.target, middle, limit)
    return Recommendations(chosen, tuple(sizes))


async def genre_seeds() -> tuple[str, ...]:
    """The genres that can be seeds, in alphabetical order: those of the catalog's most popular
    artists."""
    return await catalog.get_genres()


# --- for one person ---------------------------------------------------------------------------


async def made_for(user_id: str) -> list[tuple[Made, MadeList]]:
    """The lists that are valid now, in the order of `PRODUCTS`, each with what it was made of."""
    shelved = await store.read_shelved(user_id, _now_ms())
    return [
        (made, one)
        for product in PRODUCTS
        if (made := shelved.made.get(product)) is not None
        for one in made.lists
    ]


async def made_list(caller: Principal, list_id: str) -> tuple[Made, MadeList, Taste]:
    """One of them, and for whom it is shown now. Raises NotFound for a list that nobody has, or
    that this person has not yet."""
    if product := product_of(list_id):
        made, listener = await asyncio.gather(
            store.read_made(caller.require_user(), product, _now_ms()), _listener(caller)
        )
        for one in made.lists if made else ():
            if made is not None and one.id == list_id:
                return made, one, listener.taste
    raise NotFound(
        f"There is no list {list_id[:40]!r} for you yet; lists are made within an hour or two of"
        " listening, see /v1/me/made-for-you"
    )


def product_of(list_id: str) -> Product | None:
    """The product whose list it is."""
    return next((one for one in PRODUCTS if list_id == one or list_id.startswith(f"{one}-")), None)


async def radio_from(caller: Principal, seed: str) -> tuple[ListedTrack, ...]:
    """At most `radio.TRACKS` tracks that go on from `seed`, the next one first. What the person
    did a second ago counts: a skip changes the next track. Raises InvalidInput for what is no
    seed, NotFound for one that is not there."""
    kind, seed_id = _parsed("seed", seed, RADIO_KINDS)
    user_id = caller.require_user()
    bundle, listener, track_ids = await asyncio.gather(
        _bundle(), _listener(caller), _tracks_of(user_id, kind, seed_id)
    )
    seeds = radio.seed_rows(bundle, kind, seed_id.replace("_", " "), track_ids)
    if not seeds:
        seeds = radio.seed_rows(bundle, kind, seed_id, track_ids)
    if not seeds:
        raise NotFound(f"seed: nothing is known of {seed!r} yet; new tracks are within an hour")
    found = await radio.make(
        bundle, listener, seeds, today=_today(listener), order=await _order(bundle, listener)
    )
    return listed(found)


async def autoplay_after(caller: Principal, context_uri: str) -> tuple[ListedTrack, ...]:
    """At most `autoplay.TRACKS` tracks to go on with when the context has ended, the next one
    first; none where nothing is known of its tracks. Raises InvalidInput for what is no context,
    NotFound for one that is not there."""
    kind, context_id = _parsed("context_uri", context_uri, CONTEXT_KINDS)
    bundle, listener, track_ids = await asyncio.gather(
        _bundle(), _listener(caller), _tracks_of(caller.require_user(), kind, context_id)
    )
    found = await autoplay.make(
        bundle,
        listener,
        known_rows(bundle, track_ids),
        today=_today(listener),
        order=await _order(bundle, listener),
    )
    return listed(found)


async def give_feedback(caller: Principal, uri: str, kind: SignalKind) -> None:
    """Tells that something is not for the person (`hide`), that it is after all (`unhide`), or
    complains about it (`report`). When it returns, that is stored; lists that are made a moment
    later know it. Raises InvalidInput, Unavailable."""
    from google.api_core.exceptions import GoogleAPICallError, RetryError

    of, item_id = _parsed("uri", uri, FEEDBACK_KINDS)
    signal = Signal(
        event_id=random_id(),
        user_id=caller.require_user(),
        kind=kind,
        ts=datetime.now(UTC),
        track_id=item_id if of == "track" else None,
        subject_uri=None if of == "track" else uri,
        country=caller.country or None,
        suspected=caller.suspected or None,
    )
    try:
        await publish([signal])
    except (GoogleAPICallError, RetryError) as error:
        raise Unavailable("That could not be stored; please send it again.") from error


# --- what stands behind -----------------------------------------------------------------------


async def _bundle() -> Bundle:
    found = await serving.bundle()
    if found is None:
        raise Unavailable("Nothing has been learned of listening yet; please try again later.")
    return found


async def _listener(caller: Principal) -> Listener:
    user_id, country = caller.require_user(), caller.country or None
    unknown = taste.unknown(user_id, country)
    reading = taste.read(user_id, country, patience_s=PROFILE_S)
    return await patiently(SIGNALS_S, reading, unknown, "the signals")


async def _order(bundle: Bundle, listener: Listener) -> Order:
    return (await serving.ordering())(bundle, listener)


async def _tracks_of(user_id: str, kind: str, item_id: str) -> Sequence[str]:
    """The tracks of a context in their order."""
    match kind:
        case "track":
            return (item_id,)
        case "album":
            return [one.id for one in await catalog.all_album_tracks(item_id)]
        case "artist":
            return [one.id for one in await catalog.get_artist_tracks(item_id)]
        case "playlist":
            from shared.playlists import service as playlists

            uris = await playlists.item_uris(user_id, item_id)
            return [uri[14:] for uri in uris if uri.startswith("spotify:track:")]
        case _:
            return ()


def _parsed(name: str, uri: str, kinds: Sequence[str]) -> tuple[str, str]:
    kind, item_id = parse_uri(uri)
    if kind not in kinds:
        raise InvalidInput(f"{name}: {uri[:100]!r} is none of {', '.join(kinds)}")
    return kind, item_id


def _today(listener: Listener) -> int:
    return day_number(local_time(datetime.now(UTC), listener.taste.country).date())


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
