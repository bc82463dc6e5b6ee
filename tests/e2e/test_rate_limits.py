"""F285 over HTTP: rolling windows that two function hosts share."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import httpx
import pytest

from emulators import processes
from emulators.cloud import ROOT
from emulators.processes import answers, free_port
from shared.platform.ids import random_id
from tests.whole_cloud import WholeCloud

HOSTS = 2


@dataclass(frozen=True)
class Call:
    """A request of one rate class; it need not succeed otherwise, only be admitted."""

    limit: int
    method: str
    path: str


CALLS = {
    "standard": Call(100, "GET", "/v1/markets"),
    "search": Call(30, "GET", "/v1/search?q=a&type=track"),
    "player": Call(50, "GET", "/v1/me/player/devices"),
    "playlist changes": Call(25, "PUT", f"/v1/playlists/{random_id()}"),
}


@pytest.fixture(scope="module")
def hosts(whole_cloud: WholeCloud) -> Iterator[list[str]]:
    """Base URLs of two function hosts with the limits of production on the cloud's stores."""
    environment = {
        **os.environ,
        **whole_cloud.cloud.environment(),
        "SEGUE_RATE_LIMIT_SCALE": "1",
        "SEGUE_RATE_LIMIT_PATIENCE_S": "20",  # a busy machine is no failing store
    }
    logs = whole_cloud.cloud.state / "logs"
    children = []
    with ExitStack() as stack:
        for n in range(HOSTS):
            port = free_port()
            path = logs / f"limited-{n}.log"
            log = stack.enter_context(path.open("wb"))
            child = processes.popen(
                [sys.executable, "-m", "emulators.function_host", "--port", str(port)]
                + ["--only", "catalog,search,player,playlists"],
                env=environment,
                cwd=ROOT,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
            stack.callback(child.wait)
            stack.callback(child.terminate)
            children.append(
                (processes.Child(f"limited-{n}", child, logs / f"limited-{n}.log"), port)
            )
        for one, port in children:
            processes.wait_until_ready(one, answers(f"http://127.0.0.1:{port}/_healthz"))
        yield [f"http://127.0.0.1:{port}" for _, port in children]


async def warmed_up(client: httpx.AsyncClient, host: str, token: str) -> None:
    """Lets the host import what the requests need, in the window of somebody else."""
    for call in CALLS.values():
        headers = {"Authorization": f"Bearer {token}"}
        await client.request(call.method, host + call.path, json={}, headers=headers)


async def exhaust(client: httpx.AsyncClient, hosts: list[str], call: Call) -> tuple[int, float]:
    """Sends one request more than the limit, over both hosts at once; the wait that the refused
    one is told, and when that was."""
    responses = await asyncio.gather(
        *(
            client.request(call.method, hosts[n % HOSTS] + call.path, json={})
            for n in range(call.limit)
        )
    )
    assert [r.status_code for r in responses if r.status_code == 429] == []
    refused = await asyncio.gather(
        *(client.request(call.method, host + call.path, json={}) for host in hosts)
    )
    assert [r.status_code for r in refused] == [429] * HOSTS
    error = refused[0].json()["error"]
    assert (error["status"], error["message"]) == (429, "API rate limit exceeded")
    return max(int(r.headers["retry-after"]) for r in refused), time.monotonic()


async def test_each_class_refuses_one_more_than_its_limit_and_accepts_it_after_the_wait(
    whole_cloud: WholeCloud, hosts: list[str]
) -> None:
    headers = {"Authorization": f"Bearer {whole_cloud.token()}"}
    async with httpx.AsyncClient(headers=headers, timeout=60, trust_env=False) as client:
        await asyncio.gather(
            *(warmed_up(client, host, whole_cloud.token("mira")) for host in hosts)
        )
        waits = await asyncio.gather(*(exhaust(client, hosts, call) for call in CALLS.values()))
        for call, (wait_s, told_at) in zip(CALLS.values(), waits, strict=True):
            assert 1 <= wait_s <= 30
            await asyncio.sleep(max(0.0, told_at + wait_s - time.monotonic()))
            answer = await client.request(call.method, hosts[-1] + call.path, json={})
            assert answer.status_code != 429, call
