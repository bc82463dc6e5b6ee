"""Training and refreshing as Cloud Run starts them, held to what their entries declare: what
serves, what autoplay goes on with, what is refused, and what an operator takes back."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from shared import topology
from shared.artifacts import store as artifacts
from shared.artifacts.releases import Refused
from shared.platform import clients
from shared.platform.errors import Unavailable
from shared.recommendations import similar
from shared.recommendations.collaborative import factors
from shared.recommendations.collaborative.interactions import Interactions
from shared.recommendations.index.artifact import BUNDLES
from shared.recommendations.index.bundle import MappedBundle
from shared.recommendations.index.serving import Serving
from shared.recommendations.training import service, spark_runs
from shared.recommendations.training.model import TRAINED
from tests import local_settings
from tests.emulator.recommendations.worlds import load_catalogue
from tests.emulator.warehouse import bigquery_and_storage, insert
from tests.unit.recommendations.bundles import a_world, an_item, track_id

WORLD = a_world()
PEOPLE, LIKED = 24, 12


@pytest.fixture(scope="module", autouse=True)
def _cloud(
    settings_env: pytest.MonkeyPatch, logs: Path, firestore: str, bigtable: str
) -> Iterator[None]:
    with bigquery_and_storage(logs, "training"):
        asyncio.run(load_catalogue(WORLD))
        insert(topology.PLAYBACK_EVENTS_TABLE, plays())
        yield


@pytest.fixture(autouse=True)
async def _empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No training and no bundle, and none on this machine."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    for bucket in (topology.MODELS, topology.TRAININGS):
        for name in await names(bucket):
            await asyncio.to_thread(clients.bucket(bucket).blob(name).delete)


def plays() -> list[dict[str, Any]]:
    """Everybody hears every second track to its end, the one half the even ones."""
    began = datetime.now(UTC).replace(microsecond=0) - timedelta(days=3)
    found = []
    for person in range(PEOPLE):
        for place in range(LIKED):
            row = (2 * (place + person) + person % 2) % len(WORLD)
            at = began + timedelta(hours=person, minutes=4 * place)
            for kind, moment in (("play_started", at), ("completed", at + timedelta(minutes=3))):
                found.append(
                    {
                        "event_id": f"{kind}-{place}",
                        "type": kind,
                        "user_id": f"listener{person:014}",
                        "track_id": track_id(row),
                        "session_id": f"s{person}",
                        "position_ms": 0 if kind == "play_started" else 180_000,
                        "ts": moment.isoformat(),
                    }
                )
    return found


async def names(bucket: topology.Bucket) -> list[str]:
    def listed() -> list[str]:
        return [one.name for one in clients.bucket(bucket).list_blobs()]

    return await asyncio.to_thread(listed)


async def job(name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    def run() -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "emulators.job_host", name, *arguments],
            env={**os.environ, "OMP_NUM_THREADS": "1"},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    return await asyncio.to_thread(run)


async def refreshed(*arguments: str) -> dict[str, Any]:
    done = await job("refresh_embeddings", *arguments)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


async def serving() -> MappedBundle:
    bundle = await Serving().bundle()
    assert bundle is not None
    return bundle


async def current(artifact: Any) -> str | None:
    pointer = (await artifacts.read_pointer(artifact.folder, artifact.bucket)).pointer
    return pointer and pointer.current


async def test_what_autoplay_goes_on_with_is_there_once_a_bundle_serves() -> None:
    trained = await job("train_embeddings")
    assert trained.returncode == 0, trained.stderr
    written = json.loads(trained.stdout)["bundle"]["autoplay_written"]
    assert written >= len(WORLD)  # other tests have tracks, too
    for row in range(len(WORLD)):
        assert await similar.similar_to([track_id(row)]), row

    debut = an_item(len(WORLD))
    await load_catalogue(replace(WORLD, items=(*WORLD.items, debut)))
    assert await similar.similar_to([debut.track_id]) == []
    assert (await refreshed())["autoplay_written"] == 1  # the others keep their neighbours
    assert await similar.similar_to([debut.track_id])

    # A run that was stopped before it had written all leaves that to the next.
    await similar.note_written_of("another training")
    assert (await refreshed())["autoplay_written"] == written + 1
    assert (await refreshed())["autoplay_written"] == 1


async def test_where_it_cannot_be_written_the_bundle_serves_and_the_next_run_goes_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def fails(*_: object) -> int:
        raise OSError("away")

    with monkeypatch.context() as broken:
        broken.setattr(similar, "write_similar", fails)
        with pytest.raises(service.Unfinished, match="serves, but what autoplay"):
            await service.refresh()
    version = (await serving()).version
    assert (await service.refresh()).autoplay_written >= len(WORLD)
    assert (await serving()).version > version


async def test_it_is_written_anew_before_it_is_forgotten() -> None:
    await similar.note_written_of("a training")
    now_ms = time.time_ns() // 1_000_000
    assert await similar.written_of(now_ms) == "a training"
    assert await similar.written_of(now_ms + similar.RENEWED_AFTER_MS + 60_000) is None
    table = next(one for one in topology.RECOMMENDATIONS.families if one.name == "list")
    assert (table.max_age_s or 0) * 1000 > similar.RENEWED_AFTER_MS


async def test_who_liked_what_lies_where_no_function_reads() -> None:
    await service.train(days=7)
    assert any(name.endswith("user_ids.txt") for name in await names(topology.TRAININGS))
    assert not any("user_ids" in name or "people" in name for name in await names(topology.MODELS))
    assert topology.TRAININGS.sensitive
    readers = {
        entry.name
        for entry in topology.ENTRIES.values()
        if topology.TRAININGS in (*entry.reads, *entry.writes)
    }
    assert readers == {"train_embeddings", "refresh_embeddings"}


async def test_a_training_whose_bundle_is_refused_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    await service.train(days=7)
    before, bundle = await current(TRAINED), await current(BUNDLES)
    files = await names(topology.TRAININGS)

    async def refused(*_: object, **__: object) -> None:
        raise Refused("its index finds too little")

    monkeypatch.setattr(service.bundles, "release", refused)
    with pytest.raises(Refused, match="finds too little"):
        await service.train(days=7)
    assert (await current(TRAINED), await current(BUNDLES)) == (before, bundle)
    assert await names(topology.TRAININGS) == files


async def test_an_operator_takes_a_bundle_back() -> None:
    older, newer = [(await refreshed())["version"] for _ in range(2)]
    assert (await serving()).version == newer
    done = await job("refresh_embeddings", "--use", older)
    assert done.returncode == 0, done.stderr
    assert (await serving()).version == older
    # Nothing that is newer is fallen back to.
    pointer = (await artifacts.read_pointer(BUNDLES.folder)).pointer
    assert pointer is not None
    assert newer not in pointer.previous
    unknown = await job("refresh_embeddings", "--use", "20200101T000000Z-00000000")
    assert unknown.returncode == 1
    assert "There is no recommendation bundle" in unknown.stderr
    assert older in unknown.stderr
    assert newer in unknown.stderr
    assert (await refreshed())["serves"]


async def test_an_operator_takes_a_training_back() -> None:
    older, newer = [(await service.train(days=7)).version for _ in range(2)]
    assert await current(TRAINED) == newer
    done = await job("train_embeddings", "--use", older)
    assert done.returncode == 0, done.stderr
    assert await current(TRAINED) == older
    # What goes with every track was written of the newer one.
    assert (await refreshed())["autoplay_written"] >= len(WORLD)
    await artifacts.delete_version(TRAINED.folder, newer, TRAINED.bucket)
    with pytest.raises(Refused, match=f"There is no trained embeddings '{newer}'"):
        await service.use_training(newer)


# --- Spark --------------------------------------------------------------------------------------


class Dataproc(ThreadingHTTPServer):
    """Answers as `projects.locations.batches` does, and factorises as Spark would, from the bucket
    and to it."""

    def __init__(self, fails: bool = False) -> None:
        super().__init__(("127.0.0.1", 0), _Batches)
        self.fails = fails
        self.batches: dict[str, dict[str, Any]] = {}

    def run(self, body: dict[str, Any]) -> None:
        """Writes the factors."""
        given = body["pysparkBatch"]["args"]
        asked = dict(zip(given[::2], given[1::2], strict=True))
        source, target = (asked[one].split("/", 3)[3] for one in ("--input", "--output"))
        bucket = clients.bucket(topology.TRAININGS)
        with tempfile.TemporaryDirectory() as folder:
            for blob in bucket.list_blobs(prefix=f"{source}/"):
                blob.download_to_filename(f"{folder}/in.parquet")
            table = parquet.read_table(f"{folder}/in.parquet")
            user, item, confidence = (table.column(one).to_numpy() for one in table.column_names)
            interactions = Interactions.from_arrays(
                *([str(n) for n in range(one.max() + 1)] for one in (user, item)),
                user,
                item,
                confidence,
            )
            made = factors.factorize(interactions, factors.Factorization(), seed=1)
            for side, vectors in (("users", made.users), ("items", made.items)):
                kinds = pa.schema([("id", pa.int32()), ("features", pa.list_(pa.float32()))])
                columns = {"id": np.arange(len(vectors)), "features": list(vectors)}
                parquet.write_table(pa.table(columns, schema=kinds), f"{folder}/out.parquet")
                bucket.blob(f"{target}/{side}/part-0.snappy.parquet").upload_from_filename(
                    f"{folder}/out.parquet"
                )
                bucket.blob(f"{target}/{side}/_SUCCESS").upload_from_string(b"")


class _Batches(BaseHTTPRequestHandler):
    server: Dataproc

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        path, _, batch_id = self.path.partition("?batchId=")
        if not self.server.fails:
            self.server.run(body)
        state = {"state": "FAILED", "stateMessage": "no quota"} if self.server.fails else {}
        self.server.batches[f"{path}/{batch_id}"] = {"body": body, "state": "SUCCEEDED", **state}
        self._answer({})

    def do_GET(self) -> None:
        self._answer(self.server.batches[self.path])

    def _answer(self, document: dict[str, Any]) -> None:
        content = json.dumps(document).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@pytest.fixture
def dataproc(monkeypatch: pytest.MonkeyPatch) -> Iterator[Dataproc]:
    server = Dataproc()
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    bucket = f"{local_settings.PROJECT}-trainings"
    for name, value in {
        "SEGUE_DATAPROC_ENDPOINT": f"http://127.0.0.1:{server.server_port}",
        "SEGUE_SPARK_PROGRAM": f"gs://{bucket}/programs/spark.py",
        "SEGUE_SPARK_ACCOUNT": "spark-training@p.iam.gserviceaccount.com",
        "SEGUE_SPARK_SUBNETWORK": "projects/p/regions/us-central1/subnetworks/s",
    }.items():
        monkeypatch.setenv(name, value)
    local_settings.forget_settings()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()
    monkeypatch.undo()
    local_settings.forget_settings()


async def test_spark_s_factors_go_the_way_of_ours(dataproc: Dataproc) -> None:
    done = await job("train_embeddings", "--engine", "spark")
    assert done.returncode == 0, done.stderr
    trained = json.loads(done.stdout)
    assert trained["quality"] is not None
    assert trained["bundle"]["serves"]
    assert trained["bundle"]["from_people"] == len({one["track_id"] for one in plays()})
    ((name, batch),) = dataproc.batches.items()
    assert name.startswith(f"/v1/projects/{local_settings.PROJECT}/locations/")
    asked = batch["body"]
    assert asked["pysparkBatch"]["mainPythonFileUri"].endswith("/programs/spark.py")
    execution = asked["environmentConfig"]["executionConfig"]
    assert execution["serviceAccount"] == "spark-training@p.iam.gserviceaccount.com"
    assert execution["stagingBucket"] == f"{local_settings.PROJECT}-trainings"
    # Nothing of who liked what is left for Spark.
    left = await names(topology.TRAININGS)
    assert not any(one.startswith(f"{spark_runs.FOLDER}/") for one in left)


async def test_a_batch_that_fails_changes_nothing(dataproc: Dataproc) -> None:
    dataproc.fails = True
    with pytest.raises(Unavailable, match="FAILED: no quota"):
        await service.train(days=7, engine="spark")
    assert await names(topology.TRAININGS) == []
    assert await names(topology.MODELS) == []


async def test_where_there_is_no_spark_it_says_what_to_set() -> None:
    done = await job("train_embeddings", "--engine", "spark")
    assert done.returncode == 1
    assert "SEGUE_SPARK_PROGRAM" in done.stderr
    assert "segue:sparkTraining" in done.stderr
    assert "nothing was changed" in done.stderr
