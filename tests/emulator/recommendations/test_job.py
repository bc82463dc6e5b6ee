"""`make_recommendations` as Cloud Run starts it, held to what its entry declares, and killed."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from shared.platform.ids import random_id
from shared.recommendations import store
from shared.recommendations.lists import Made
from tests.emulator.recommendations.worlds import listen, release_bundle
from tests.unit.recommendations.bundles import a_world

PEOPLE = 240
WORLD = a_world()
WEEKLY = ("--product", "discover-weekly")


@pytest.fixture(scope="module", autouse=True)
def _stores(storage: str, bigtable: str, firestore: str) -> None:
    """What the job finds."""


def start(*arguments: str, **variables: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "emulators.job_host", "make_recommendations", *arguments]
    return subprocess.Popen(
        command,
        env={**os.environ, **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


async def ended(job: subprocess.Popen[str]) -> tuple[int, Any, str]:
    """Exit code, summary (None where there is none) and log."""
    out, log = await asyncio.to_thread(job.communicate, timeout=300)
    return job.returncode, json.loads(out) if out.strip() else None, log


async def test_without_a_bundle_it_says_what_to_run() -> None:
    code, summary, log = await ended(start(*WEEKLY))
    assert (code, summary) == (3, None), log
    assert "train_embeddings" in log


@pytest.mark.parametrize("arguments", [("--product", "daily"), ("--force",), ("--budget-s", "x")])
async def test_wrong_options_say_what_is_right(arguments: tuple[str, ...]) -> None:
    code, _, log = await ended(start(*arguments))
    assert code == 2
    assert "usage" in log


async def test_killed_half_way_and_begun_again_everybody_has_one_list(tmp_path: Path) -> None:
    await release_bundle(WORLD, tmp_path)
    people = [random_id() for _ in range(PEOPLE)]
    await asyncio.gather(
        *(listen(one, range(place % 20, 60, 7)) for place, one in enumerate(people))
    )

    now_ms = time.time_ns() // 1_000_000

    async def made() -> dict[str, Made]:
        """The present week's lists; on a Sunday evening there are the next week's, too."""
        lists = [store.read_made(one, "discover-weekly", now_ms) for one in people]
        found = dict(zip(people, await asyncio.gather(*lists), strict=True))
        return {one: made for one, made in found.items() if made is not None}

    job = start(*WEEKLY)
    while len(before := await made()) < PEOPLE // 4:
        assert job.poll() is None, await ended(job)
        await asyncio.sleep(0.02)
    job.kill()
    await ended(job)
    before = await made()
    assert PEOPLE // 4 <= len(before) < PEOPLE

    # Two tasks now, as there are several in the cloud.
    tasks = [
        start(*WEEKLY, CLOUD_RUN_TASK_INDEX=str(index), CLOUD_RUN_TASK_COUNT="2")
        for index in range(2)
    ]
    found = await asyncio.gather(*(ended(task) for task in tasks))
    assert [code for code, _, _ in found] == [0, 0], found
    after = await made()
    assert set(after) == set(people)
    assert {one: after[one] for one in before} == before
    assert sum(summary["failed"] + summary["stood"] for _, summary, _ in found) == 0

    code, summary, _ = await ended(start(*WEEKLY))
    assert (code, summary["made"]) == (0, {})
    assert await made() == after
