"""Google's own clients, hosted for a function, reach what it declares and nothing else."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

READ, QUERY, TRANSACTION, WRITE = "read", "query", "read in a transaction", "write"
PUBLISH, ROW = "publish track-published", "read a row"
# entry, action, collection (for Firestore): what is missing and where it belongs, None if allowed
CASES: list[tuple[str, str, str, tuple[str, str] | None]] = [
    ("catalog", READ, "TRACKS", None),
    ("catalog", QUERY, "TRACKS", None),
    ("catalog", TRANSACTION, "TRACKS", None),
    ("uploads", WRITE, "UPLOADS", None),
    ("uploads", READ, "UPLOADS", None),
    ("catalog", READ, "USERS", ("Firestore collection 'users'", "reads")),
    ("catalog", QUERY, "USERS", ("Firestore collection 'users'", "reads")),
    ("catalog", TRANSACTION, "USERS", ("Firestore collection 'users'", "reads")),
    ("catalog", WRITE, "TRACKS", ("Firestore collection 'tracks'", "writes")),
    ("catalog", ROW, "", ("Bigtable table 'listening_history'", "reads")),
    ("catalog", PUBLISH, "", ("topic 'track-published'", "publishes")),
]


async def _act(action: str, collection: str) -> None:
    from google.cloud.firestore import AsyncTransaction, async_transactional

    from shared import topology
    from shared.platform import clients

    if action == ROW:
        await clients.table(topology.LISTENING_HISTORY).read_row(b"nobody")
        return
    if action == PUBLISH:
        topic = "projects/segue-local/topics/track-published"
        await clients.publisher().publish(topic=topic, messages=[{"data": b"{}"}])  # type: ignore[list-item]
        return
    documents = clients.collection(getattr(topology, collection))
    if action == READ:
        await documents.document("x").get()
    elif action == WRITE:
        await documents.document("x").set({"a": 1})
    elif action == QUERY:
        async for _ in documents.where("isrc", "==", "DEA123").stream():
            pass
    else:

        async def read(transaction: AsyncTransaction) -> None:
            await documents.document("x").get(transaction=transaction)

        await async_transactional(read)(clients.firestore().transaction())


async def _hosted() -> None:
    from emulators import iam
    from shared import topology

    iam.install()
    answers = []
    for entry, action, collection, _ in CASES:
        iam.caller.set(iam.Caller(topology.ENTRIES[entry]))
        try:
            await _act(action, collection)
            answers.append("allowed")
        except iam.UndeclaredAccess as refused:
            answers.append(str(refused))
    print(json.dumps(answers))


@pytest.fixture(scope="module")
def answers(settings_env: None, firestore: str, pubsub: str, bigtable: str) -> list[str]:
    """What each case came to, in a process of its own: the checks stay in it for good."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", str(Path(__file__))],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2])},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    said: list[str] = json.loads(done.stdout)
    return said


@pytest.mark.parametrize("number", range(len(CASES)))
def test_what_is_declared_passes_and_what_is_not_is_named(answers: list[str], number: int) -> None:
    entry, _, _, missing = CASES[number]
    if missing is None:
        assert answers[number] == "allowed"
    else:
        resource, where = missing
        assert f"'{entry}'" in answers[number]
        assert resource in answers[number]
        assert f"`{where}`" in answers[number]


if __name__ == "__main__":
    asyncio.run(_hosted())
