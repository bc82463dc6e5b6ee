"""Topics: checked by their schemas, kept in our regions, with an end for what cannot be handled."""

from __future__ import annotations

from typing import Any

import pulumi_gcp as gcp
import pytest

from infra.components.keyrings import Keyrings
from infra.components.project import Project
from infra.components.topics import Topics, schema_definition
from infra.runtime import run_on_mocks
from infra.stacks import example
from shared import topology
from tests.infra.data_tree import STACKS, by_name, data_tree, waits_for
from tests.infra.provider_types import faults

TOPIC = "gcp:pubsub/topic:Topic"
SCHEMA = "gcp:pubsub/schema:Schema"
SUBSCRIPTION = "gcp:pubsub/subscription:Subscription"
MAY_PUBLISH = "gcp:pubsub/topicIAMMember:TopicIAMMember"
MAY_FORWARD = "gcp:pubsub/subscriptionIAMMember:SubscriptionIAMMember"


@pytest.mark.parametrize("stack", STACKS)
def test_the_provider_takes_every_input(stack: str) -> None:
    _, tree = data_tree(stack)
    made = tree.of_type(TOPIC, SCHEMA, SUBSCRIPTION, MAY_PUBLISH, MAY_FORWARD)
    assert [fault for resource in made for fault in faults(resource)] == []


@pytest.mark.parametrize("stack", STACKS)
def test_every_topic_has_a_dead_letter_topic_and_both_stay_in_our_regions_under_our_key(
    stack: str,
) -> None:
    config, tree = data_tree(stack)
    found = by_name(tree, TOPIC)
    names = {name for one in topology.TOPICS for name in (one.name, one.dead_letter)}
    assert set(found) == names
    for one in found.values():
        regions = one.inputs["messageStoragePolicy"]["allowedPersistenceRegions"]
        assert regions == list(config.regions)
        # A key in one region would take every topic with it.
        assert one.inputs["kmsKeyName"] == "data-global-id"
        assert waits_for(tree, one, "data-global-pubsub")


def test_messages_can_be_replayed_for_as_long_as_the_topic_declares() -> None:
    _, tree = data_tree("prod")
    kept = by_name(tree, TOPIC)["playback-events"].inputs["messageRetentionDuration"]
    assert kept == f"{7 * 86_400}s"


def test_messages_are_held_to_the_schema_that_the_product_publishes_by() -> None:
    _, tree = data_tree("prod")
    schemas = {one.inputs["name"]: one.inputs for one in tree.of_type(SCHEMA)}
    assert set(schemas) == {one.schema for one in topology.TOPICS if one.schema}
    for name, inputs in schemas.items():
        assert inputs["type"] == "PROTOCOL_BUFFER"
        # Pub/Sub takes a file with one message and no imports.
        assert inputs["definition"].count("\nmessage ") == 1
        assert f"message {name} {{" in inputs["definition"]
        assert "\nimport " not in inputs["definition"]
    topics = by_name(tree, TOPIC)
    for declared in topology.TOPICS:
        settings = topics[declared.name].inputs.get("schemaSettings")
        if declared.schema is None:  # another service of Google's writes them
            assert settings is None
        else:
            assert settings == {"schema": f"{declared.schema}-id", "encoding": "JSON"}
        assert "schemaSettings" not in topics[declared.dead_letter].inputs


def test_a_schema_without_a_file_is_noticed_before_anything_is_made() -> None:
    with pytest.raises(FileNotFoundError, match="never_written"):
        schema_definition("NeverWritten")


def test_dead_letters_are_kept_for_a_month_by_a_subscription_that_never_expires() -> None:
    _, tree = data_tree("prod")
    found = by_name(tree, SUBSCRIPTION)
    for declared in topology.TOPICS:
        kept = found[f"{declared.dead_letter}.kept"].inputs
        assert kept["topic"] == f"{declared.dead_letter}-id"
        assert kept["messageRetentionDuration"] == "2678400s"
        assert kept["expirationPolicy"] == {"ttl": ""}
        assert "deadLetterPolicy" not in kept
        assert "pushConfig" not in kept


def test_pubsub_may_publish_dead_letters_and_nothing_else() -> None:
    _, tree = data_tree("prod")
    granted = {
        one.inputs["topic"]
        for one in tree.of_type(MAY_PUBLISH)
        if "gcp-sa-pubsub" in one.inputs["member"]
    }
    assert granted == {declared.dead_letter for declared in topology.TOPICS}


def test_a_policy_waits_until_pubsub_may_use_the_dead_letter_topic() -> None:
    def program() -> dict[str, Any]:
        config = example("dev")
        project = Project(config)
        topics = Topics(config, project, Keyrings(config, project))
        subscription = gcp.pubsub.Subscription(
            "a-subscription",
            topic=topics.topics["track-published"].id,
            dead_letter_policy=topics.dead_letter_policy("track-published", 7),
        )
        topics.may_forward(subscription, "a-subscription", topics)
        return {}

    tree = run_on_mocks(program, stack="dev")
    made = tree.one(SUBSCRIPTION, "a-subscription")
    policy = made.inputs["deadLetterPolicy"]
    assert policy == {"deadLetterTopic": "track-published-dead-id", "maxDeliveryAttempts": 7}
    assert waits_for(tree, made, "track-published-dead-pubsub-publishes")
    forwards = tree.one(MAY_FORWARD, "a-subscription-pubsub-forwards").inputs
    assert forwards["role"] == "roles/pubsub.subscriber"
    assert "gcp-sa-pubsub" in forwards["member"]
