"""Secrets: numbered versions, rotation that breaks nothing, and no payload in the open."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import Any

import pulumi
import pytest

from infra.components.accounts import Accounts
from infra.components.project import Project
from infra.components.secrets import Secrets, _pem
from infra.config import RETIRED, StackConfig, required_keys
from infra.keys import make
from infra.runtime import SECRET, Resource, Tree, run_on_mocks
from infra.stacks import example
from shared import topology
from tests.infra.provider_types import faults

HELD = "gcp:secretmanager/secret:Secret"
VERSION = "gcp:secretmanager/secretVersion:SecretVersion"
ACCOUNT_KEY = "gcp:serviceaccount/key:Key"
TOKENS = topology.TOKEN_SIGNING_KEY.name
UPLOADS = topology.UPLOAD_SIGNING_KEY.name
STACKS = pytest.mark.parametrize("stack", ["dev", "prod"])


@dataclass(frozen=True)
class Run:
    config: StackConfig
    tree: Tree

    @property
    def in_use(self) -> dict[str, int]:
        return dict(self.tree.outputs)

    def versions(self, name: str) -> list[Resource]:
        """Versions of a secret, in the order in which they were declared."""
        return [r for r in self.tree.of_type(VERSION) if r.inputs["secret"] == f"{name}-id"]


def run(stack: str, **changes: Any) -> Run:
    config = example(stack).model_copy(update=changes)

    def program() -> dict[str, Any]:
        project = Project(config)
        return dict(Secrets(config, project, Accounts(config, project)).versions)

    return Run(config, run_on_mocks(program, stack=stack))


def rotated(stack: str, name: str, *payloads: str, **changes: Any) -> Run:
    """The stack with these payloads of the secret `name`."""
    return run(stack, keys={**example(stack).keys, name: payloads}, **changes)


@STACKS
def test_the_provider_takes_every_input(stack: str) -> None:
    tree = run(stack).tree
    assert [fault for r in tree.resources if r.custom for fault in faults(r)] == []


@STACKS
def test_every_secret_is_made_with_a_version_in_use(stack: str) -> None:
    done = run(stack)
    wanted = {*required_keys(done.config.cdns), UPLOADS}
    assert {r.inputs["secretId"] for r in done.tree.of_type(HELD)} == wanted
    assert done.in_use == dict.fromkeys(wanted, 1)
    for name in wanted:
        assert len(done.versions(name)) == 1
    # What entries make for themselves at run time is theirs.
    assert not any(name.startswith(topology.TRANSCODE_KEYS.name) for name in wanted)


@STACKS
def test_no_payload_stands_in_the_open(stack: str) -> None:
    done = run(stack)
    for version in done.tree.of_type(VERSION):
        assert version.inputs["secretData"] == SECRET
        assert "secretData" in version.secrets
    text = json.dumps([r.inputs for r in done.tree.resources])
    for payloads in done.config.keys.values():
        assert not any(payload in text for payload in payloads)


@pytest.mark.parametrize(("stack", "protected"), [("dev", False), ("prod", True)])
def test_secrets_are_everywhere_and_are_not_deleted_by_mistake(stack: str, protected: bool) -> None:
    for secret in run(stack).tree.of_type(HELD):
        assert secret.inputs["replication"] == {"auto": {}}
        assert secret.protect is secret.inputs["deletionProtection"] is protected
        assert secret.inputs["versionDestroyTtl"] == f"{30 * 86_400}s"


def test_a_new_payload_is_the_next_version_and_made_after_the_last() -> None:
    done = rotated("dev", TOKENS, make(TOKENS, ()), make(TOKENS, ()), make(TOKENS, ()))
    first, second, third = done.versions(TOKENS)
    assert [v.name for v in (first, second, third)] == [f"{TOKENS}-{n}" for n in (1, 2, 3)]
    assert first.urn in second.dependencies
    assert second.urn in third.dependencies
    assert done.in_use[TOKENS] == 3


def test_every_version_holds_its_own_payload(monkeypatch: pytest.MonkeyPatch) -> None:
    held: dict[str, pulumi.Input[str]] = {}
    add = Secrets._add

    def watched(
        self: Secrets, secret: Any, name: str, number: int, payload: Any, after: Any
    ) -> Any:
        held[f"{name}-{number}"] = payload
        return add(self, secret, name, number, payload, after)

    monkeypatch.setattr(Secrets, "_add", watched)
    config = example("dev")
    config = config.model_copy(update={"keys": {**config.keys, TOKENS: ("a", RETIRED, "c")}})

    def program() -> dict[str, Any]:
        project = Project(config)
        Secrets(config, project, Accounts(config, project))
        return held

    outputs = run_on_mocks(program, stack="dev").outputs
    assert (outputs[f"{TOKENS}-1"], outputs[f"{TOKENS}-3"]) == ("a", "c")
    assert outputs[f"{UPLOADS}-1"].startswith("-----BEGIN PRIVATE KEY-----")


def test_an_older_version_can_stay_in_use() -> None:
    payloads = (make(TOKENS, ()), make(TOKENS, ()))
    done = rotated("dev", TOKENS, *payloads, keys_in_use={TOKENS: 1})
    assert done.in_use[TOKENS] == 1
    assert len(done.versions(TOKENS)) == 2


def test_a_retired_version_goes_and_the_others_keep_their_numbers() -> None:
    done = rotated("dev", TOKENS, RETIRED, make(TOKENS, ()))
    (left,) = done.versions(TOKENS)
    assert left.name == f"{TOKENS}-2"
    assert done.in_use[TOKENS] == 2


def test_the_key_of_an_account_becomes_a_version() -> None:
    done = run("dev")
    (key,) = done.tree.of_type(ACCOUNT_KEY)
    (version,) = done.versions(UPLOADS)
    assert key.urn in version.dependencies
    account = key.inputs["serviceAccountId"]
    assert account == topology.UPLOAD_SIGNING_KEY.account_key


def test_the_key_before_stays_good_until_the_next() -> None:
    done = run("dev", upload_key_generation=3)
    assert {key.name for key in done.tree.of_type(ACCOUNT_KEY)} == {"uploads-2", "uploads-3"}
    older, newer = done.versions(UPLOADS)
    assert [older.name, newer.name] == [f"{UPLOADS}-2", f"{UPLOADS}-3"]
    assert older.urn in newer.dependencies
    assert done.in_use[UPLOADS] == 3


def test_the_private_key_is_taken_out_of_the_credentials_file() -> None:
    pem = "-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----\n"
    file = {"type": "service_account", "private_key": pem}
    assert _pem(base64.b64encode(json.dumps(file).encode()).decode()) == pem
