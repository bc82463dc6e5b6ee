"""Bad configuration stops before any resource, with one message that names every mistake."""

from __future__ import annotations

import json
import runpy
from typing import Any

import pulumi
import pytest
from pulumi.runtime.settings import get_monitor

from infra import keys, stacks
from infra.config import RETIRED, TOKEN_SIGNING_KEY, ConfigError, StackConfig, required_keys
from infra.runtime import run_on_mocks

PROGRAM = str(stacks.ROOT / "infra" / "__main__.py")


def given(stack: str = "prod", **changed: Any) -> dict[str, Any]:
    """The values of a committed stack with throwaway keys, some of them changed (None: absent)."""
    _, values = stacks.values(stack)
    held = {name: list(versions) for name, versions in stacks.example(stack).keys.items()}
    values = {**values, "keys": held, **changed}
    return {name: value for name, value in values.items() if value is not None}


def refusal(project: str | None = "segue-test", **changed: Any) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        StackConfig.parse("prod", project, given(**changed))
    lines = str(caught.value).splitlines()
    assert "nox -s keys" in lines[-1]
    return [line.strip() for line in lines[1:-1]]


@pytest.mark.parametrize("stack", stacks.names())
def test_committed_stacks_are_good(stack: str) -> None:
    config = stacks.example(stack)
    assert config.stack == stack
    assert config.key_version(TOKEN_SIGNING_KEY) == 1


def test_every_mistake_is_named_at_once() -> None:
    found = refusal(
        project=None,
        domain="not a domain",
        regions=["us-central1", "us-central9"],
        residency={"us": "nam9"},
        eventsRegion="europe-west4",
        maxInstances="many",
        alertEmails=["nobody"],
        colour="blue",
        bigtable={"minNodes": 5, "maxNodes": 2},
        storageLocation=None,
    )
    expected = {
        "gcp:project: missing",
        "segue:domain:",
        "segue:regions: unknown location 'us-central9'",
        "segue:residency.us: unknown location 'nam9'",
        "segue:eventsRegion: 'europe-west4' is not among the regions",
        "segue:maxInstances:",
        "segue:alertEmails: 'nobody' is not an address",
        "segue:colour: is no setting of a stack",
        "segue:bigtable: maxNodes is below minNodes",
        "segue:storageLocation: missing",
    }
    for mistake in expected:
        assert [line for line in found if line.startswith(mistake)], mistake
    assert len(found) == len(expected)


def test_a_stack_without_its_keys_names_each() -> None:
    cdns = stacks.example("prod").cdns
    found = refusal(keys=None)
    assert found == [f"segue:keys.{name}: missing" for name in sorted(required_keys(cdns))]


@pytest.mark.parametrize(
    ("name", "payload", "mistake"),
    [
        ("token-signing-key", '{"kty": "RSA"}', "private EC P-256 key"),
        ("cdn-key-google", "c2hvcnQ=", "16 bytes"),
        ("cdn-key-media", "c2hvcnQ=", "Ed25519"),
        ("cdn-key-cloudfront", "hello", "PEM"),
        ("cdn-key-akamai", "xyz", "32 bytes in hex"),
        ("cdn-key-fastly", "00ff", "32 bytes in hex"),
        ("playback-token-key", "too-short", "32 characters"),
    ],
)
def test_a_key_of_the_wrong_form_is_refused_unseen(name: str, payload: str, mistake: str) -> None:
    found = refusal(keys={**given()["keys"], name: [payload]})
    assert len(found) == 1
    assert found[0].startswith(f"segue:keys.{name}[0]: ")
    assert mistake in found[0]
    assert payload not in found[0]


def test_cdns_say_where_they_are() -> None:
    cdns = [
        {"name": "a", "provider": "akamai", "keyName": "k", "usdPerGb": 1},
        {
            **{"name": "g", "provider": "cloud_cdn", "keyName": "k", "usdPerGb": 1},
            "baseUrl": "https://cdn.example.com",
        },
        {"name": "g", "provider": "cloud_cdn", "keyName": "k", "usdPerGb": 1},
    ]
    keys_of = {"cdn-key-a": ["0" * 64], "cdn-key-g": ["AAAAAAAAAAAAAAAAAAAAAA=="]}
    others = {k: v for k, v in given()["keys"].items() if not k.startswith("cdn-key")}
    found = refusal(cdns=cdns, keys={**others, **keys_of})
    assert any("segue:cdns.a.baseUrl: missing" in line for line in found)
    assert any("segue:cdns.g.baseUrl: the stack itself" in line for line in found)
    assert any("cloud_cdn stands twice" in line for line in found)
    assert any("a name stands twice" in line for line in found)


def test_a_cdn_holds_three_keys() -> None:
    cdns = stacks.example("prod").cdns
    four = [keys.make("cdn-key-google", cdns) for _ in range(4)]
    found = refusal(keys={**given()["keys"], "cdn-key-google": four})
    assert found == [
        "segue:keys.cdn-key-google: 4 versions are in force, and the CDN holds 3; retire the oldest"
    ]
    four[0] = RETIRED
    StackConfig.parse("prod", "segue-test", given(keys={**given()["keys"], "cdn-key-google": four}))


def test_a_key_that_nothing_asks_for_is_a_mistake() -> None:
    found = refusal(keys={**given()["keys"], "tokn-signing-key": ["x" * 40]})
    assert found == [
        "segue:keys.tokn-signing-key: neither a secret of the topology nor a CDN's key"
    ]


def rotated() -> dict[str, list[str]]:
    held: dict[str, list[str]] = given()["keys"]
    held[TOKEN_SIGNING_KEY].append(keys.make(TOKEN_SIGNING_KEY, ()))
    return held


def test_while_keys_rotate_tokens_of_both_are_good() -> None:
    config = StackConfig.parse(
        "prod", "segue-test", given(keys=rotated(), keysInUse={TOKEN_SIGNING_KEY: 1})
    )
    published = config.token_jwks()["keys"]
    assert [key["kid"] for key in published] == [
        json.loads(key)["kid"] for key in config.keys[TOKEN_SIGNING_KEY]
    ]
    assert all("d" not in key for key in published)
    assert config.key_version(TOKEN_SIGNING_KEY) == 1


def test_a_retired_key_is_no_longer_published() -> None:
    held = rotated()
    held[TOKEN_SIGNING_KEY][0] = RETIRED
    config = StackConfig.parse("prod", "segue-test", given(keys=held))
    assert len(config.token_jwks()["keys"]) == 1
    assert config.key_version(TOKEN_SIGNING_KEY) == 2


def test_a_key_in_use_cannot_be_retired() -> None:
    held = rotated()
    held[TOKEN_SIGNING_KEY][0] = RETIRED
    found = refusal(keys=held, keysInUse={TOKEN_SIGNING_KEY: 1})
    assert found == ["segue:keys.token-signing-key: version 1 is in use and retired"]
    assert "no version 3" in refusal(keys=held, keysInUse={TOKEN_SIGNING_KEY: 3})[0]


def test_a_configuration_does_not_show_its_keys() -> None:
    config = stacks.example("prod")
    shown = repr(config)
    assert all(payload not in shown for versions in config.keys.values() for payload in versions)


def as_pulumi_holds_them(project: str | None, values: dict[str, Any]) -> dict[str, str]:
    """Pulumi hands strings as they are, everything else as JSON."""
    held = {
        f"segue:{name}": value if isinstance(value, str) else json.dumps(value)
        for name, value in values.items()
    }
    return held | ({"gcp:project": project} if project else {})


def test_nothing_is_made_of_a_stack_with_mistakes() -> None:
    def program() -> None:
        runpy.run_path(PROGRAM, run_name="__main__")

    config = as_pulumi_holds_them(None, given(regions=["us-central9"], keys=None))
    with pytest.raises(pulumi.RunError) as caught:
        run_on_mocks(program, stack="prod", config=config)
    assert getattr(get_monitor(), "registered", None) == []
    message = str(caught.value)
    assert "gcp:project: missing" in message
    assert "us-central9" in message
    assert "segue:keys.token-signing-key: missing" in message
