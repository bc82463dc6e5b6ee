"""What each seed offers: bounded reads, cached by the services that make them.

An artist offers their own tracks, those of the most popular artists of their genres, and what
sounds like their most popular tracks; a track offers the same by its artists and what sounds like
itself; a genre offers its most popular artists' tracks and what sounds like those. Each offers what
is liked by the people who like its tracks besides, as far as that has been learned (`index`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from shared.analysis import service as analysis
from shared.analysis.models import AudioFeatures
from shared.catalog import service as catalog
from shared.catalog.models import Track
from shared.recommendations import serving
from shared.recommendations.models import Candidate, Origin, Seed, Values
from shared.recommendations.patience import within
from shared.recommendations.products.choosing import known_rows
from shared.recommendations.scoring import centre

# Of all seeds together: they share what one request may read.
OWN_TRACKS = 60
LIKE_TRACKS = 150
ALIKE_TRACKS = 50
TOGETHER_TRACKS = 50
REFERENCE_TRACKS = 10  # whose mean is how a seed sounds
BUNDLE_S = 0.3  # so long they are waited for, on an instance that has just started
GENRES = 2  # of an artist
LIKE_ARTISTS = 20


@dataclass(frozen=True, slots=True)
class Pool:
    """What a seed offers, each track with how it came in, and how the seed itself sounds."""

    seed: Seed
    candidates: dict[str, Candidate]
    origins: dict[str, Origin]
    middle: Values


async def pool_of(seed: Seed, seeds: int) -> Pool:
    """What `seed` offers, one of `seeds` that share the reads; a seed that is not in the catalog
    offers nothing."""
    artist_ids, references = await _start(seed)
    own = [
        track
        for artist_id in (artist_ids if seed.kind != "genre" else ())
        for track in await catalog.get_artist_tracks(artist_id)
    ][: OWN_TRACKS // seeds]
    like_ids = artist_ids if seed.kind == "genre" else await _like(artist_ids)
    like = await catalog.get_tracks_of_artists(like_ids, LIKE_TRACKS // seeds)
    references = references or list(own or like)[:REFERENCE_TRACKS]
    middle = centre(one.values for one in await _candidates(references))
    alike = await _alike(middle, ALIKE_TRACKS // seeds)
    together = await _liked_together([one.id for one in references], TOGETHER_TRACKS // seeds)

    origins: dict[str, Origin] = {}
    offered: dict[str, Track] = {}
    for tracks, origin in (
        (own, "by seed artist"),
        (like, "of genre" if seed.kind == "genre" else "of like artists"),
        (alike, "sounds alike"),
        (together, "liked by the same people"),
    ):
        for track in tracks:
            offered.setdefault(track.id, track)
            origins.setdefault(track.id, origin)  # type: ignore[arg-type]
    candidates = {one.track.id: one for one in await _candidates(list(offered.values()))}
    return Pool(seed, candidates, origins, middle)


async def _start(seed: Seed) -> tuple[list[str], list[Track]]:
    """The artists from whom a seed starts, and the tracks that are how it sounds, where those
    are not simply the artists' own."""
    match seed.kind:
        case "artist":
            return [seed.id], []
        case "genre":
            artists = await catalog.get_genre_artists(seed.id)
            return [one.id for one in artists[:LIKE_ARTISTS]], []
        case "track":
            (track,) = await catalog.get_tracks([seed.id])
            return (list(track.artist_ids), [track]) if track else ([], [])


async def _like(artist_ids: Sequence[str]) -> list[str]:
    """The most popular artists of the artists' genres."""
    found: dict[str, None] = {}
    artists = [one for one in await catalog.get_artists(artist_ids) if one]
    for genre in list(dict.fromkeys(g for one in artists for g in one.genres))[:GENRES]:
        for artist in (await catalog.get_genre_artists(genre))[:LIKE_ARTISTS]:
            found.setdefault(artist.id)
    return [one for one in found if one not in artist_ids][:LIKE_ARTISTS]


async def _alike(middle: Values, limit: int) -> list[Track]:
    """Tracks that sound like `middle`."""
    if not middle:
        return []
    point = AudioFeatures(id="", duration_ms=1, **middle)
    near = await analysis.get_neighbours(point)
    return [one for one in await catalog.get_tracks([f.id for f in near[:limit]]) if one]


async def _liked_together(track_ids: Sequence[str], limit: int) -> list[Track]:
    """The neighbours of these tracks, those of each in turn; none before anything is learned, or
    where that cannot be had."""
    bundle = await within(BUNDLE_S, serving.bundle(), None, "the bundle")
    if bundle is None:
        return []
    near = [bundle.neighbours(row) for row in known_rows(bundle, track_ids)]
    rows = dict.fromkeys(
        one[place][0] for place in range(limit) for one in near if place < len(one)
    )
    ids = [bundle.item(row).track_id for row in rows]
    return [one for one in await catalog.get_tracks(ids[:limit]) if one]


async def _candidates(tracks: Sequence[Track]) -> list[Candidate]:
    features = await analysis.get_features([one.id for one in tracks])
    return [Candidate(track, one) for track, one in zip(tracks, features, strict=True)]
