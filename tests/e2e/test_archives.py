"""Every function and job out of its own archive, with its own requirements and nothing else, served
as Cloud Functions serves it and asked as clients ask."""

from __future__ import annotations

import base64
import json
import sys
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from emulators import demo, demo_catalogue, seed, token
from emulators.cloud import PROJECT, REGION, ROOT, SERVICE_ACCOUNT
from emulators.eventing.oidc import TokenIssuer
from emulators.processes import free_port
from infra.archives import Archive, function_archive, jobs_context
from infra.imports import Import, reach
from shared import topology
from shared.resources import Auth
from tests import contract
from tests.deployed import Deployment, Deployments
from tests.operations import ROWS, Row
from tests.sample import World

HTTP = [function.name for function in topology.HTTP_FUNCTIONS]
EVENT = [function.name for function in topology.EVENT_FUNCTIONS]
JOBS = [job.name for job in topology.JOBS]
ISSUER = "https://accounts.google.com"
PRIMED = "manifest.mpd"
UNKNOWN = "0" * 22


@pytest.fixture(scope="module")
def deployments(tmp_path_factory: pytest.TempPathFactory) -> Deployments:
    """Deployments in a folder outside of the repository."""
    return Deployments(tmp_path_factory.mktemp("deployed"))


@pytest.fixture(scope="module")
def service_token(world: World) -> str:
    """The Authorization header of Pub/Sub, Eventarc and Cloud Tasks."""
    cloud = world.cloud.cloud
    return TokenIssuer(cloud.state / "eventing", ISSUER, SERVICE_ACCOUNT, cloud.url).bearer()


# --- requirements ---------------------------------------------------------------------------


@pytest.mark.parametrize("name", [*HTTP, *EVENT])
def test_whatever_a_function_may_import_is_in_its_environment(
    deployments: Deployments, name: str
) -> None:
    archive = function_archive(name)
    imports = reach(ROOT, [f"functions/{name}/main.py"]).others
    deployments.of(archive).environment.import_all([*imports, *_credentials(archive)])


def test_whatever_the_jobs_may_import_is_in_their_environment(deployments: Deployments) -> None:
    archive = jobs_context()
    imports = reach(ROOT, [f"jobs/{name}/main.py" for name in JOBS]).others
    deployments.of(archive).environment.import_all([*imports, *_credentials(archive)])


def _credentials(archive: Archive) -> list[Import]:
    """What Google's clients import to be somebody; for the emulators they are nobody."""
    if b"google-auth==" not in archive.files["requirements.txt"]:
        return []
    modules = ("compute_engine", "transport.grpc", "transport.requests")
    return [Import(f"google.auth.{module}") for module in modules]


# --- HTTP functions -------------------------------------------------------------------------


def _rows(name: str) -> list[Row]:
    """The operations of a function that stand behind an access token."""
    (function,) = (one for one in topology.HTTP_FUNCTIONS if one.name == name)
    keys = {
        contract.key_of(method, route.path)
        for route in function.routes
        for method in route.methods
        if route.auth is Auth.BEARER
    }
    return [row for row in ROWS if row.key in keys]


def _accounts(api: httpx.Client, world: World, _: str) -> None:
    """A person signs in and an app gets their tokens."""
    issued = token.mint(
        accounts_url=f"{api.base_url}/accounts",
        username=seed.DEMO_USER,
        password=seed.DEMO_PASSWORD,
        client_id=seed.WEB_PLAYER_CLIENT,
        redirect_uri=f"{world.cloud.url}/callback",
        scope="user-read-email",
    )
    assert issued["access_token"]


def _prime_cdn(api: httpx.Client, world: World, service_token: str) -> None:
    cdn = _manifest(world)["cdns"][0]
    prefix = urlsplit(cdn["base_url"]).path
    path, body = "/tasks/prime-cdn", {"cdn": cdn["cdn"], "prefix": prefix, "paths": [PRIMED]}
    assert api.post(path, json=body).status_code == 401
    answer = api.post(path, json=body, headers={"authorization": service_token})
    assert (answer.status_code, answer.json()) == (200, {"primed": 1})


def _web_player(api: httpx.Client, _: World, __: str) -> None:
    page = api.get("/").raise_for_status().text
    script = page.partition('src="')[2].partition('"')[0]
    assert "javascript" in api.get(script).raise_for_status().headers["content-type"]


def _api_docs(api: httpx.Client, world: World, _: str) -> None:
    document = api.get("/openapi.json").raise_for_status().json()
    assert document["servers"] == [{"url": world.cloud.url}]
    assert "<html" in api.get("/docs").raise_for_status().text


def _playback(api: httpx.Client, world: World, _: str) -> None:
    """A stock player's playlist, whose token is in the path."""
    path = urlsplit(_manifest(world, protocol="hls")["manifest_url"]).path
    assert api.get(path).raise_for_status().text.startswith("#EXTM3U")


# What the routes that no access token guards answer, by function.
UNGUARDED: dict[str, Callable[[httpx.Client, World, str], None]] = {
    "accounts": _accounts,
    "api_docs": _api_docs,
    "playback": _playback,
    "prime_cdn": _prime_cdn,
    "web_player": _web_player,
}


def _manifest(world: World, **query: str) -> dict[str, Any]:
    query["track_id"] = world.values["track"]
    answer = world.api.get("/v1/playback/manifest", params=query)
    manifest: dict[str, Any] = answer.raise_for_status().json()
    return manifest


@pytest.mark.parametrize("name", HTTP)
def test_an_http_function_answers_out_of_its_archive(
    deployments: Deployments, world: World, service_token: str, tmp_path: Path, name: str
) -> None:
    rows, unguarded = _rows(name), UNGUARDED.get(name)
    assert rows or unguarded, f"write a request for {name} into UNGUARDED"
    for row in rows:  # an instance that is new has what was built, such as a bundle, at once
        world.prepare(row.before)
    with _serving(deployments, world, name, tmp_path) as (deployed, url):
        headers = dict(world.api.headers)
        with httpx.Client(base_url=url, headers=headers, timeout=60, trust_env=False) as api:
            for row in rows:
                world.prepare(row.before)
                # Home gives up by its deadline on what an instance that is new still loads.
                gives_up = row.path == "/v1/me/home"
                row.check(api, world.values, patience_s=60 if gives_up else 0)
        with httpx.Client(base_url=url, timeout=60, trust_env=False) as anyone:
            if unguarded is not None:
                unguarded(anyone, world, service_token)
            if rows:
                assert rows[0].send(anyone, world.values).status_code == 401
    _opened_nothing_else(deployed, least_processes=2)  # the server and the worker that answers


# --- event functions ------------------------------------------------------------------------


def _of_topic(event: dict[str, Any]) -> tuple[dict[str, str], dict[str, Any]]:
    """Headers and body of a Pub/Sub push."""
    data = base64.b64encode(json.dumps(event).encode()).decode()
    return {}, {"message": {"data": data, "messageId": "1"}, "subscription": "of-a-test"}


def _master_again(world: World) -> tuple[dict[str, str], dict[str, Any]]:
    """Eventarc tells of a master that was received long ago."""
    bucket = f"{PROJECT}-{topology.MASTERS.name}"
    url = f"http://{world.cloud.emulator('storage')}/storage/v1/b/{bucket}/o"
    master = httpx.get(url, trust_env=False).raise_for_status().json()["items"][0]
    kind = "google.cloud.storage.object.v1.finalized"
    return {"ce-type": kind, "ce-id": "1", "ce-specversion": "1.0", "ce-source": bucket}, master


def _unknown_master(_: World) -> tuple[dict[str, str], dict[str, Any]]:
    bucket = f"{PROJECT}-{topology.MASTERS.name}"
    event = {"upload_id": UNKNOWN, "bucket": bucket, "name": "never.wav", "generation": 1}
    return _of_topic(event)


def _unknown_job(_: World) -> tuple[dict[str, str], dict[str, Any]]:
    name = f"projects/{PROJECT}/locations/{REGION}/jobs/{uuid.uuid4()}"
    return _of_topic({"job": {"name": name, "state": "SUCCEEDED"}})


def _track_again(world: World) -> tuple[dict[str, str], dict[str, Any]]:
    """A track that was published long ago."""
    version = urlsplit(_manifest(world)["cdns"][0]["base_url"]).path.strip("/").split("/")[1]
    event = {
        "event_id": str(uuid.uuid4()),
        "track_id": world.values["track"],
        "asset_version": version,
        "content_hash": "0" * 64,
        "album_id": world.values["album"],
        "artist_ids": [world.values["artist"]],
        "published_at": datetime.now(UTC).isoformat(),
    }
    return _of_topic(event)


def _play(world: World) -> tuple[dict[str, str], dict[str, Any]]:
    event = {
        "event_id": str(uuid.uuid4()),
        "type": "progress",
        "user_id": "of-a-test",
        "track_id": world.values["track"],
        "session_id": str(uuid.uuid4()),
        "position_ms": 31_000,
        "ts": datetime.now(UTC).isoformat(),
        "country": "DE",
        "tier": "free",
    }
    return _of_topic(event)


def _saved(world: World) -> tuple[dict[str, str], dict[str, Any]]:
    event = {
        "event_id": str(uuid.uuid4()),
        "user_id": "of-a-test",
        "kind": "save",
        "ts": datetime.now(UTC).isoformat(),
        "track_id": world.values["track"],
    }
    return _of_topic(event)


def _burn(_: World) -> tuple[dict[str, str], dict[str, Any]]:
    """Monitoring tells that an error budget burns; nothing is being rolled out."""
    incident = {"incident_id": str(uuid.uuid4()), "state": "open", "policy_name": "of a test"}
    return _of_topic({"version": "1.2", "incident": incident})


@dataclass(frozen=True, slots=True)
class Pushed:
    """An event for a function, and what it says of one that can never succeed."""

    make: Callable[[World], tuple[dict[str, str], dict[str, Any]]]
    buried: str | None = None


PUSHED = {
    "receive_master": Pushed(_master_again),
    "validate_master": Pushed(_unknown_master, buried=f"upload {UNKNOWN} was never noted"),
    "publish_track": Pushed(_unknown_job, buried="is not one of ours"),
    "queue_cdn_priming": Pushed(_track_again),
    "record_history": Pushed(_play),
    "record_signal": Pushed(_saved),
    "halt_rollouts": Pushed(_burn),
}


@pytest.mark.parametrize("name", EVENT)
def test_an_event_function_takes_a_push_out_of_its_archive(
    deployments: Deployments, world: World, service_token: str, tmp_path: Path, name: str
) -> None:
    assert name in PUSHED, f"write an event for {name} into PUSHED"
    headers, body = PUSHED[name].make(world)
    with _serving(deployments, world, name, tmp_path) as (deployed, url):
        refused = httpx.post(url, json=body, headers=headers, trust_env=False)
        assert refused.status_code == 401
        headers["authorization"] = service_token
        taken = httpx.post(url, json=body, headers=headers, timeout=60, trust_env=False)
        assert taken.status_code == 204, taken.text
    told = [line for line in _log(tmp_path).read_text().splitlines() if "event buried" in line]
    buried = PUSHED[name].buried
    assert len(told) == (buried is not None), told
    assert buried is None or buried in told[0]
    _opened_nothing_else(deployed, least_processes=2)


# --- jobs -----------------------------------------------------------------------------------


def _catalogue(world: World, folder: Path) -> list[str]:
    """A file with an artist whom the catalogue has, picture and all, just like that."""
    held = world.cloud.cloud.state / demo.FOLDER
    lines = map(json.loads, (held / demo_catalogue.NAME).read_text().splitlines())
    known = next(line for line in lines if line.get("id") == world.values["artist"])
    file = folder / "catalogue.jsonl"
    file.write_text(json.dumps({**known, "image": str(held / known["image"])}))
    return [str(file)]


def _accounts_file(_: World, folder: Path) -> list[str]:
    person = {
        "username": "of-a-test",
        "password": "correct horse battery staple",
        "email": "of-a-test@segue.example",
        "country": "DE",
        "display_name": "Of a test",
    }
    file = folder / "accounts.json"
    file.write_text(json.dumps({"users": [person]}))
    return ["--file", str(file)]


def _withdrawn(world: World, _: Path) -> list[str]:
    return ["track", world.values["track"], "--show"]


def _one_listener(world: World, _: Path) -> list[str]:
    """Somebody who listens for a day."""
    return ["--url", world.cloud.url, "--people", "1", "--days", "1", "--seed", "4711"]


# Arguments of jobs that run by hand; those with a schedule have none.
BY_HAND: dict[str, Callable[[World, Path], list[str]]] = {
    "load_catalogue": _catalogue,
    "seed_accounts": _accounts_file,
    "simulate_listeners": _one_listener,
    "withdraw_content": _withdrawn,
}


@pytest.mark.parametrize("name", JOBS)
def test_a_job_runs_out_of_the_context_of_their_image(
    deployments: Deployments, world: World, tmp_path: Path, name: str
) -> None:
    (job,) = (one for one in topology.JOBS if one.name == name)
    assert job.schedule or name in BY_HAND, f"write arguments for {name} into BY_HAND"
    arguments = [] if job.schedule else BY_HAND[name](world, tmp_path)
    deployed = deployments.of(jobs_context())
    done = deployed.run(
        [f"jobs/{name}/main.py", *arguments],
        # As the image sets it (infra/Dockerfile).
        {**deployed.variables(world.cloud.cloud.environment()), "PYTHONPATH": str(deployed.folder)},
    )
    assert done.returncode == 0, done.stderr
    _opened_nothing_else(deployed, least_processes=1)


# --- what they share ------------------------------------------------------------------------


@contextmanager
def _serving(
    deployments: Deployments, world: World, name: str, folder: Path
) -> Iterator[tuple[Deployment, str]]:
    """The function `name` and where it answers."""
    deployed = deployments.of(function_archive(name))
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    environment = world.cloud.cloud.environment()
    if name == "accounts":  # its own address is what its tokens and pages are of
        environment["SEGUE_ACCOUNTS_URL"] = f"{url}/accounts"
    with deployed.served(deployed.variables(environment), _log(folder), port):
        yield deployed, url


def _log(folder: Path) -> Path:
    return folder / "log.txt"


def _opened_nothing_else(deployed: Deployment, least_processes: int) -> None:
    """Its processes opened no file of the repository and imported nothing that is not in the
    archive, its environment or Python itself."""
    by_process = deployed.opened()
    opened = {path for paths in by_process.values() for path in paths}
    assert not [path for path in opened if path.is_relative_to(ROOT)]
    allowed = (deployed.folder, deployed.environment.home, Path(sys.base_prefix))
    modules = [path for path in opened if path.suffix == ".py"]
    assert not [path for path in modules if not any(path.is_relative_to(one) for one in allowed)]
    own = {path.relative_to(deployed.folder) for path in opened if deployed.folder in path.parents}
    assert own
    assert {path.as_posix() for path in own} <= set(deployed.archive.files)
    assert len(by_process) >= least_processes
