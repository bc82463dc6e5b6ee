"""Delivery against Firestore, Secret Manager and three edge processes in front of a bucket."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from emulators.processes import free_port
from shared.delivery import service, store
from shared.delivery.models import CdnHealth, PrimingTask, SignedDelivery
from shared.platform.errors import InvalidInput, Unavailable
from shared.platform.settings import CdnProvider
from tests import local_settings
from tests.emulator.conftest import store_secret
from tests.emulator.test_edge import BODY, Bucket, edge_process
from tests.emulator.test_edge import bucket as bucket  # the fixture
from tests.unit.delivery.cdn_keys import pair

FLEET: tuple[tuple[str, CdnProvider, float], ...] = (
    ("google", "cloud_cdn", 0.08),
    ("cloudfront", "cloudfront", 0.085),
    ("akamai", "akamai", 0.09),
)


@pytest.fixture(scope="module")
def edges(
    bucket: Bucket, firestore: str, secrets: str, settings_env: pytest.MonkeyPatch, logs: Path
) -> Iterator[dict[str, str]]:
    """URL by CDN name; `SEGUE_CDNS` names these edges, plus `nowhere`, which is down."""
    from contextlib import ExitStack

    before = local_settings.variables()["SEGUE_CDNS"]
    with ExitStack() as stack:
        urls = {}
        for name, provider, _ in FLEET:
            urls[name], _ = stack.enter_context(edge_process(provider, bucket.url, logs))
            store_secret(secrets, f"cdn-key-{name}", pair(provider).payload)
        store_secret(secrets, "cdn-key-nowhere", pair("segue").payload)
        use_fleet(settings_env, urls)
        yield urls
    settings_env.setenv("SEGUE_CDNS", before)
    local_settings.forget_settings()
    store.forget()


def use_fleet(environment: pytest.MonkeyPatch, urls: dict[str, str]) -> None:
    fleet = [
        {
            "name": name,
            "provider": provider,
            "base_url": urls[name],
            "key_name": "key-1",
            "usd_per_gb": usd_per_gb,
        }
        for name, provider, usd_per_gb in FLEET
    ]
    fleet.append(
        {
            "name": "nowhere",
            "provider": "segue",
            "base_url": f"http://127.0.0.1:{free_port()}",
            "key_name": "key-1",
            "usd_per_gb": 0.01,
        }
    )
    environment.setenv("SEGUE_CDNS", json.dumps(fleet))
    local_settings.forget_settings()
    store.forget()


def order(delivery: SignedDelivery) -> list[str]:
    return [one.signed.cdn for one in delivery.candidates]


async def test_health_comes_back_as_it_was_written(firestore: str) -> None:
    name = f"cdn-{uuid4().hex[:8]}"
    written = CdnHealth(name, False, 37, 0.925, datetime.now(UTC), ((5, 5), (3, 5)))
    await store.write_health(written)
    assert (await store.read_health(fresh=True))[name] == written


async def test_a_malformed_health_document_counts_as_not_measured(firestore: str) -> None:
    from shared.platform import clients
    from shared.topology import CDN_HEALTH

    name = f"cdn-{uuid4().hex[:8]}"
    await clients.collection(CDN_HEALTH).document(name).set({"is_healthy": True})
    assert name not in await store.read_health(fresh=True)


async def test_probes_find_the_dead_cdn_and_listeners_are_kept_from_it(
    edges: dict[str, str],
) -> None:
    health = {one.cdn: one for one in await service.probe_cdns()}
    assert {name for name, one in health.items() if one.is_healthy} == set(edges)
    assert health["nowhere"].availability == 0
    store.forget()
    delivery = await service.signed_prefixes("/audio/t/v/", "listener")
    assert sorted(order(delivery)) == sorted(edges)
    assert [one.cdn.name for one in delivery.decision.skipped] == ["nowhere"]
    assert timedelta(minutes=50) < delivery.expires_at - datetime.now(UTC) <= timedelta(hours=1)


async def test_an_edge_that_fails_is_skipped_after_the_next_probe_and_comes_back(
    edges: dict[str, str],
) -> None:
    fault = {"kind": "status", "status": 503, "count": 5}
    async with httpx.AsyncClient(base_url=edges["google"], trust_env=False) as client:
        await client.post("/_edge/faults", json=fault)
        await service.probe_cdns()
        assert (await client.get("/_edge/faults")).json()["consumed"]
    store.forget()
    assert "google" not in order(await service.signed_prefixes("/audio/t/v/", "listener"))
    for _ in range(3):
        await service.probe_cdns()
    store.forget()
    assert "google" in order(await service.signed_prefixes("/audio/t/v/", "listener"))


async def test_every_token_of_a_delivery_opens_its_cdn(
    edges: dict[str, str], bucket: Bucket
) -> None:
    track = uuid4().hex
    bucket.put("audio", f"{track}/v/a.m4s")
    delivery = await service.signed_prefixes(f"/audio/{track}/v/", "listener")
    async with httpx.AsyncClient(trust_env=False) as client:
        for one in delivery.candidates:
            if one.signed.cdn in edges:
                assert (await client.get(one.signed.url("a.m4s"))).content == BODY


async def test_a_cdn_without_a_key_is_left_out(
    edges: dict[str, str], settings_env: pytest.MonkeyPatch
) -> None:
    fleet = json.loads(local_settings.variables()["SEGUE_CDNS"])
    one = fleet[0] | {"name": "keyless"}
    settings_env.setenv("SEGUE_CDNS", json.dumps([one]))
    local_settings.forget_settings()
    try:
        with pytest.raises(Unavailable):
            await service.signed_prefixes("/audio/t/v/", "listener")
    finally:
        use_fleet(settings_env, edges)


async def test_priming_follows_playlists_and_fills_the_edge(
    edges: dict[str, str], bucket: Bucket
) -> None:
    track = uuid4().hex
    files = {
        "master.m3u8": b"#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\naac_160.m3u8\n",
        "aac_160.m3u8": b'#EXTM3U\n#EXT-X-MAP:URI="init.m4s"\n#EXTINF:6,\n0.m4s\n'
        b"#EXTINF:6,\n1.m4s\n#EXTINF:6,\n2.m4s\n",
        **dict.fromkeys(("init.m4s", "0.m4s", "1.m4s", "2.m4s", "vorbis_320.ogg"), BODY),
    }
    for name, body in files.items():
        bucket.put("audio", f"{track}/v/{name}", body)
    task = PrimingTask(
        cdn="google", prefix=f"/audio/{track}/v/", paths=("master.m3u8", "vorbis_320.ogg")
    )
    assert await service.prime(task) == 6
    signed = (await service.signed_prefixes(task.prefix, "listener")).candidates
    google = next(one.signed for one in signed if one.signed.cdn == "google")
    async with httpx.AsyncClient(trust_env=False) as client:
        found = {name: (await client.get(google.url(name))).headers["x-cache"] for name in files}
    assert found.pop("2.m4s") == "MISS"
    assert set(found.values()) == {"HIT"}


async def test_priming_that_cannot_work_says_so(edges: dict[str, str]) -> None:
    missing = f"/audio/{uuid4().hex}/v/"
    with pytest.raises(Unavailable, match="answered 404"):
        await service.prime(PrimingTask(cdn="google", prefix=missing, paths=("a.m3u8",)))
    with pytest.raises(Unavailable, match="did not answer"):
        await service.prime(PrimingTask(cdn="nowhere", prefix=missing, paths=("a.m3u8",)))
    with pytest.raises(InvalidInput):
        await service.prime(PrimingTask(cdn="unknown", prefix=missing, paths=("a",)))
    with pytest.raises(InvalidInput):
        await service.prime(PrimingTask(cdn="google", prefix="/audio/*/", paths=("a",)))


def test_the_job_measures_every_cdn_within_what_it_declares(edges: dict[str, str]) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "emulators.job_host", "probe_cdn_health"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    lines = [json.loads(line) for line in ended.stderr.splitlines() if line.startswith("{")]
    seen = {line["message"]: line["is_healthy"] for line in lines if "is_healthy" in line}
    assert seen == {"probed nowhere": False, **{f"probed {name}": True for name in edges}}
