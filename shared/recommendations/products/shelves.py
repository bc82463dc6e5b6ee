"""The shelves of home (F204): what stands on each, before it is looked up and shown. Pure.

| shelf | what stands there |
|---|---|
| recently-played | the tracks played last |
| jump-back-in | the albums, artists and playlists played from last |
| made-for-you | the lists that were made for the person |
| because-1, because-2 | what goes with a track they have just played |
| new-releases | the last four weeks of artists whom they follow, play or may like |
| popular | what is played most where they are |

Only `because` could be ranked as radio is (F195): what is new goes by whose it is, what is popular
by how often it is played. But to rank 80 candidates takes 6 ms of an instance's time for each
shelf, ten times as long as to make it, and it promises what goes with a track more than what goes
with a person; so its order is that of the neighbours, under the rules.

A play from a shelf has the context `segue:shelf:<its name>`, or that of the list, album, artist or
playlist that stood on it; by these it is known what a shelf is worth (`shared.experiments.bandit`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from shared.recommendations.items import Bundle, Scored, Taste, Why
from shared.recommendations.lists import ListedTrack, Made, MadeList, listed
from shared.recommendations.periods import Product
from shared.recommendations.products import because, release_radar
from shared.recommendations.rules import HOME_SHELF, apply
from shared.recommendations.taste import Listener

TRACKS = 12  # on a shelf
CONTEXTS = 8
BECAUSE = 2
POPULAR_READ = 100
IMPERSONAL = ("popular",)  # shelves that are alike for everybody in a country
CONTEXT_KINDS = ("album", "artist", "playlist")

ShelfKind = Literal["tracks", "contexts", "lists"]


@dataclass(frozen=True, slots=True)
class Shelf:
    """A shelf with tracks, with URIs of contexts, or with made lists; `reasons` says whether the
    tracks are recommended, or the person's own."""

    name: str
    title: str
    tracks: tuple[ListedTrack, ...] = ()
    contexts: tuple[str, ...] = ()
    lists: tuple[MadeList, ...] = ()
    is_recommended: bool = True

    @property
    def uri(self) -> str:
        """The context of plays from it."""
        return f"segue:shelf:{self.name}"


def fill(
    bundle: Bundle | None,
    listener: Listener,
    made: Mapping[Product, Made],
    *,
    today: int,
) -> list[Shelf]:
    """The shelves that have something on them, in the order that stands while nothing has been
    learned. Without a bundle they are the person's own and what was made before."""
    taste = listener.taste
    lists = tuple(one for each in made.values() for one in each.lists)
    shelves = [
        _recently_played(taste),
        Shelf("made-for-you", "Made for you", lists=lists),
        *(_because(bundle, taste, today) if bundle else ()),
        Shelf("jump-back-in", "Jump back in", contexts=contexts_of(listener), is_recommended=False),
    ]
    if bundle is not None:
        shelves += [
            Shelf("new-releases", "New releases for you", _fresh(bundle, taste, made, today)),
            Shelf("popular", "Popular in your country", listed(_popular(bundle, taste, today))),
        ]
    return [one for one in shelves if one.tracks or one.contexts or one.lists]


def contexts_of(listener: Listener) -> tuple[str, ...]:
    """The URIs of the albums, artists and playlists that somebody played from last, newest first,
    without what they have hidden."""
    found: dict[str, None] = {}
    for one in listener.signals:
        if one.kind == "play" and one.context_uri is not None:
            kind = one.context_uri.split(":")[1]
            is_hidden = one.context_uri.rpartition(":")[2] in listener.taste.hidden
            is_context = one.context_uri.startswith("spotify:") and kind in CONTEXT_KINDS
            if is_context and not is_hidden:
                found[one.context_uri] = None
    return tuple(found)[:CONTEXTS]


def _recently_played(taste: Taste) -> Shelf:
    own = Why("because_you_played")
    tracks = tuple(
        ListedTrack(one, 1 - place / TRACKS, "neighbours", own)
        for place, one in enumerate(taste.recent[:TRACKS])
    )
    return Shelf("recently-played", "Recently played", tracks, is_recommended=False)


def _because(bundle: Bundle, taste: Taste, today: int) -> Sequence[Shelf]:
    shelves = []
    for number, row in enumerate(because.subjects(bundle, taste, BECAUSE), 1):
        title = f"Because you listened to {bundle.item(row).name}"
        found = because.make(bundle, taste, row, today=today)
        shelves.append(Shelf(f"because-{number}", title, listed(found)))
    return shelves


def _fresh(
    bundle: Bundle, taste: Taste, made: Mapping[Product, Made], today: int
) -> tuple[ListedTrack, ...]:
    """The head of the week's Release Radar; one is made quickly for somebody who has none."""
    radar = made.get("release-radar")
    if radar is not None and radar.lists:
        return radar.lists[0].tracks[:TRACKS]
    like_of = release_radar.QUICK_LIKE_OF
    return listed(release_radar.make(bundle, taste, today=today, like_of=like_of)[:TRACKS])


def _popular(bundle: Bundle, taste: Taste, today: int) -> list[Scored]:
    rows = bundle.popular(taste.country, POPULAR_READ)
    why = Why("popular_here")
    offered = [
        Scored(row, bundle.item(row), 1 - place / len(rows), "popular", why)
        for place, row in enumerate(rows)
    ]
    # Popular is what it says: no room is kept for what is not.
    policy = replace(HOME_SHELF, heard="any", tail_share=0.0, fresh_share=0.0)
    return apply(offered, taste, policy, TRACKS, today=today).items
