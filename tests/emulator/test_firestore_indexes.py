"""Every query of the product stands on an index of the topology, and every index serves one.

The emulator answers queries that the service would refuse, so the local cloud's check is put under
the stores themselves: all functions of `shared/` that build a query are found in the source, and
run here.
"""

from __future__ import annotations

import ast
import asyncio
import json
import os
import random
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
BUILDING = {"where", "order_by", "collection_group"}


def builders() -> set[str]:
    """`path:function` of every function in shared/ that filters or orders a query."""
    found = set()
    for path in sorted((ROOT / "shared").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                continue
            called = {
                call.func.attr
                for call in ast.walk(node)
                if isinstance(call, ast.Call)
                and isinstance(call.func, ast.Attribute)
                and not (isinstance(call.func.value, ast.Name) and call.func.value.id == "np")
            }
            if called & BUILDING:
                found.add(f"{path.relative_to(ROOT)}:{node.name}")
    return found


async def _query_everything() -> None:
    """Each store's queries, over an empty database but for what makes a query differ."""
    from shared.abuse import store as abuse
    from shared.abuse.slices import SLICES, slice_of
    from shared.accounts import store as accounts
    from shared.analysis import store as analysis
    from shared.catalog import store as catalog
    from shared.ingestion.duplicate import Recording
    from shared.ingestion.store import fingerprints, uploads
    from shared.library import store as library
    from shared.library.models import SavedItem
    from shared.playlists import store as playlists
    from shared.playlists.models import Playlist
    from shared.podcasts import store as podcasts
    from shared.search import store as search
    from shared.social.store import follows

    now = datetime.now(UTC)
    for number in (0, SLICES - 1):  # the last one has no end
        await abuse.verdicts(slice_of(number))
    await accounts.clients_of("somebody")
    await analysis.read_cell("a", 5)
    await catalog.read_album_tracks("album")
    await catalog.read_artist_albums("artist", 5)
    await catalog.read_artist_tracks(["artist"], 5)
    await catalog.read_artist_tracks(["artist", "another"], 5)
    await catalog.read_recordings("DEA123", 5)
    await catalog.read_genre_artists("jazz", 5)
    await catalog.read_top_genres(5)
    await catalog.read_newest_albums("2026-01-01", 5)
    items = tuple(random.Random(1).getrandbits(32) for _ in range(400))
    await fingerprints.similar(Recording("track", 60_000, "DEA123", items))
    [page async for page in uploads.published()]
    [page async for page in uploads.published(now)]
    await library.save("somebody", "track", {"item": now})
    await library.page("somebody", "track", 5)
    await library.page("somebody", "track", 5, offset=1)
    await library.page("somebody", "track", 5, after=SavedItem("item", now))
    playlist = Playlist(id="playlist", owner_id="somebody", name="x", created_at=now)
    await playlists.create(playlist)
    held = await playlists.read("playlist")
    assert held is not None
    await playlists.read_items(held)
    await playlists.read_changes(held, 0)
    await playlists.read_removed("playlist", 0)
    await playlists.load(playlist, ())
    await podcasts.read_episode_ids("show", 5)
    [change async for change in search.read_changes(now)]
    [page async for page in catalog.scan_tracks()]
    await follows.follow("somebody", "artist", ["artist"], public=True)
    await follows.following("somebody", "artist", 5, 0)
    await follows.following_after("somebody", "artist", 5, "artist")


async def _hosted() -> None:
    from emulators import firestore_indexes, iam
    from shared import topology

    iam.install()
    everything = topology.Job(
        name="everything", reads=topology.COLLECTIONS, writes=topology.COLLECTIONS
    )
    iam.caller.set(iam.Caller(everything))
    used: set[tuple[str, tuple[str, ...]]] = set()
    ran: set[str] = set()
    check = firestore_indexes.index_of

    def noted(query: Any) -> firestore_indexes.Standing | None:
        standing = check(query)
        if standing is not None and standing.declared:
            used.add((standing.collection, standing.index))
        return standing

    def profile(frame: FrameType, event: str, _: object) -> None:
        path = frame.f_code.co_filename
        if event == "call" and path.startswith(f"{ROOT}/shared/"):
            ran.add(f"{path.removeprefix(f'{ROOT}/')}:{frame.f_code.co_name}")

    firestore_indexes.index_of = noted
    sys.setprofile(profile)
    await _query_everything()
    sys.setprofile(None)
    print(json.dumps({"ran": sorted(ran), "used": sorted(used)}))


@pytest.fixture(scope="module")
def report(settings_env: None, firestore: str) -> dict[str, Any]:
    """What ran and what it stood on, from a process of its own: the check stays in it for good."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", str(Path(__file__))],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    said: dict[str, Any] = json.loads(done.stdout)
    return said


def test_every_function_that_builds_a_query_was_run_under_the_check(report: dict[str, Any]) -> None:
    assert builders()
    assert builders() <= set(report["ran"])


def test_every_declared_index_serves_a_query(report: dict[str, Any]) -> None:
    from shared import topology

    used = {(collection, tuple(index)) for collection, index in report["used"]}
    declared = {(one.name, index) for one in topology.COLLECTIONS for index in one.indexes}
    assert used == declared


if __name__ == "__main__":
    asyncio.run(_hosted())
