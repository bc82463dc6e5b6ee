"""Keys: where they lie, who may use them, and that nobody destroys them by mistake."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pulumi
import pulumi_gcp as gcp
import pytest

from infra.components.keyrings import Keyrings
from infra.components.project import Project
from infra.runtime import Tree, run_on_mocks
from infra.stacks import example
from shared import topology
from tests.infra.provider_types import faults

RING = "gcp:kms/keyRing:KeyRing"
KEY = "gcp:kms/cryptoKey:CryptoKey"
GRANT = "gcp:kms/cryptoKeyIAMMember:CryptoKeyIAMMember"
DAY_S = 86_400


def made(stack: str, use: Callable[[Keyrings], dict[str, Any]] = lambda keyrings: {}) -> Tree:
    """The keys of a stack, and what `use` makes with them."""

    def program() -> dict[str, Any]:
        config = example(stack)
        return use(Keyrings(config, Project(config)))

    return run_on_mocks(program, stack=stack)


def place_of(tree: Tree, key: str) -> str:
    """The location in which a key (by logical name) lies."""
    ring = tree.one(KEY, key).inputs["keyRing"].removesuffix("-id")
    return str(tree.one(RING, ring).inputs["location"])


@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_the_provider_takes_every_input(stack: str) -> None:
    tree = made(stack, lambda keyrings: {"id": keyrings.data_key("US", "storage")})
    assert [fault for r in tree.resources if r.custom for fault in faults(r)] == []


@pytest.mark.parametrize(
    ("location", "place"),
    [
        ("US", "us"),
        ("EU", "europe"),
        ("nam5", "us"),
        ("eur3", "europe"),
        ("asia-east1", "asia-east1"),
    ],
)
def test_data_is_encrypted_by_a_key_beside_it(location: str, place: str) -> None:
    tree = made("prod", lambda keyrings: {"id": keyrings.data_key(location, "storage")})
    assert tree.outputs["id"] == f"data-{place}-id"
    assert place_of(tree, f"data-{place}") == place
    ring = tree.one(RING, f"segue-{place}")
    assert ring.inputs["name"] == topology.KMS_KEY_RING


def test_one_key_serves_a_place_and_one_grant_an_agent() -> None:
    def use(keyrings: Keyrings) -> dict[str, Any]:
        asked = [("US", "storage"), ("us", "bigquery"), ("nam5", "firestore"), ("US", "storage")]
        return {str(n): keyrings.data_key(*each) for n, each in enumerate(asked)}

    tree = made("prod", use)
    assert set(tree.outputs.values()) == {"data-us-id"}
    grants = tree.of_type(GRANT)
    assert len(grants) == 3
    assert len({grant.inputs["member"] for grant in grants}) == 3
    for grant in grants:
        assert grant.inputs["cryptoKeyId"] == "data-us-id"
        assert grant.inputs["role"] == "roles/cloudkms.cryptoKeyEncrypterDecrypter"


def test_what_is_encrypted_waits_until_its_service_may_use_the_key() -> None:
    def use(keyrings: Keyrings) -> dict[str, Any]:
        gcp.storage.Bucket(
            "held",
            location="US",
            encryption=gcp.storage.BucketEncryptionArgs(
                default_kms_key_name=keyrings.data_key("US", "storage")
            ),
        )
        return {}

    tree = made("prod", use)
    bucket = tree.one("gcp:storage/bucket:Bucket", "held")
    assert tree.one(GRANT, "data-us-storage").urn in bucket.dependencies


@pytest.mark.parametrize(("stack", "protection"), [("dev", "SOFTWARE"), ("prod", "HSM")])
def test_the_topologys_keys_are_reached_from_every_region(stack: str, protection: str) -> None:
    tree = made(
        stack,
        lambda keyrings: {
            "location": keyrings.application_location,
            **{name: key.name for name, key in keyrings.application_keys.items()},
        },
    )
    location = tree.outputs.pop("location")
    assert tree.outputs == {key.name: key.name for key in topology.CRYPTO_KEYS}
    for declared in topology.CRYPTO_KEYS:
        key = tree.one(KEY, declared.name)
        assert key.inputs["name"] == declared.name
        assert key.inputs["versionTemplate"]["protectionLevel"] == protection
        assert key.inputs["rotationPeriod"] == f"{declared.rotation_days * DAY_S}s"
        assert place_of(tree, declared.name) == location == "global"
    # No service of Google's has business with them.
    assert not tree.of_type(GRANT)


@pytest.mark.parametrize(("stack", "protected"), [("dev", False), ("prod", True)])
def test_a_destroyed_key_can_be_had_back_for_a_month(stack: str, protected: bool) -> None:
    tree = made(stack, lambda keyrings: {"id": keyrings.data_key("us-central1", "storage")})
    keys = tree.of_type(KEY)
    assert len(keys) == 1 + len(topology.CRYPTO_KEYS)
    for key in keys:
        assert key.protect is protected
        assert key.inputs["destroyScheduledDuration"] == f"{30 * DAY_S}s"


def test_a_key_that_cannot_rotate_by_itself_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    signing = topology.CryptoKey("receipts", purpose="ASYMMETRIC_SIGN")
    monkeypatch.setattr(topology, "CRYPTO_KEYS", (signing,))
    with pytest.raises((ValueError, pulumi.RunError), match="receipts has the purpose"):
        made("dev")
