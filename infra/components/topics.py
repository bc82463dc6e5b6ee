"""Pub/Sub: the topology's topics, the schemas of their messages, and what becomes of dead letters.

Every topic has a dead-letter topic with a subscription `<topic>-dead.kept`, which nobody reads: it
keeps each message for 31 days, until an operator has looked at it. It is the end of the line and
has no dead-letter topic of its own.

Messages name people, so all are encrypted by a key of ours. It is a global key: topics are global,
and with a key in one region they would all fail with it.
https://cloud.google.com/pubsub/docs/encryption
"""

from __future__ import annotations

import re
from pathlib import Path

import pulumi
import pulumi_gcp as gcp

from infra.components import child
from infra.components.keyrings import Keyrings
from infra.components.project import Project
from infra.config import StackConfig
from shared import topology

KEPT_DAYS = 31  # the most that Pub/Sub keeps an unacknowledged message
KEY_LOCATION = "global"
SCHEMAS = Path(topology.__file__).parent / "schemas"


def schema_definition(message: str) -> str:
    """The .proto file that defines the Protobuf message `message`: `TrackPublished` stands in
    `track_published.proto`. Raises FileNotFoundError."""
    snake = re.sub(r"(?<!^)(?=[A-Z])", "_", message).lower()
    return (SCHEMAS / f"{snake}.proto").read_text()


class Topics(pulumi.ComponentResource):
    """`topics` and `dead_letters` hold them by the name of the topology's topic."""

    def __init__(self, config: StackConfig, project: Project, keyrings: Keyrings) -> None:
        super().__init__("segue:pubsub:Topics", "topics")
        self._config, self._project = config, project
        self._key = keyrings.data_key(KEY_LOCATION, "pubsub")
        self.topics: dict[str, gcp.pubsub.Topic] = {}
        self.dead_letters: dict[str, gcp.pubsub.Topic] = {}
        self._forwarding: dict[str, gcp.pubsub.TopicIAMMember] = {}
        for declared in topology.TOPICS:
            self.topics[declared.name] = self._topic(
                declared.name,
                f"{declared.retention_days * topology.DAY_S}s",
                declared.schema and self._schema(declared.schema),
            )
            dead = self._topic(declared.dead_letter, None, None)
            self.dead_letters[declared.name] = dead
            self._keep(declared, dead)
            self._forwarding[declared.name] = gcp.pubsub.TopicIAMMember(
                f"{declared.dead_letter}-pubsub-publishes",
                project=config.project,
                topic=dead.name,
                role="roles/pubsub.publisher",
                member=project.agent("pubsub"),
                opts=child(self),
            )

    def dead_letter_policy(
        self, topic: str, max_attempts: int
    ) -> gcp.pubsub.SubscriptionDeadLetterPolicyArgs:
        """For a subscription to the topic `topic`: what `max_attempts` (5..100) could not deliver
        goes to its dead-letter topic. Pub/Sub needs `may_forward` on the subscription too."""
        made = pulumi.Output.all(self.dead_letters[topic].id, self._forwarding[topic].id)
        return gcp.pubsub.SubscriptionDeadLetterPolicyArgs(
            dead_letter_topic=made.apply(lambda ids: str(ids[0])),
            max_delivery_attempts=max_attempts,
        )

    def may_forward(
        self, subscription: gcp.pubsub.Subscription, name: str, parent: pulumi.Resource
    ) -> None:
        """Lets Pub/Sub take a message off `subscription` that it has put on the dead-letter topic;
        `name` is the subscription's logical name."""
        gcp.pubsub.SubscriptionIAMMember(
            f"{name}-pubsub-forwards",
            project=self._config.project,
            subscription=subscription.name,
            role="roles/pubsub.subscriber",
            member=self._project.agent("pubsub"),
            opts=child(parent),
        )

    def _schema(self, message: str) -> gcp.pubsub.Schema:
        return gcp.pubsub.Schema(
            message,
            name=message,
            project=self._config.project,
            type="PROTOCOL_BUFFER",
            definition=schema_definition(message),
            opts=child(self, depends_on=self._project.ready),
        )

    def _topic(
        self, name: str, retention: str | None, schema: gcp.pubsub.Schema | str | None
    ) -> gcp.pubsub.Topic:
        settings = None
        if isinstance(schema, gcp.pubsub.Schema):
            settings = gcp.pubsub.TopicSchemaSettingsArgs(schema=schema.id, encoding="JSON")
        return gcp.pubsub.Topic(
            name,
            name=name,
            project=self._config.project,
            kms_key_name=self._key,
            message_retention_duration=retention,
            message_storage_policy=gcp.pubsub.TopicMessageStoragePolicyArgs(
                allowed_persistence_regions=list(self._config.regions)
            ),
            schema_settings=settings,
            opts=child(self, depends_on=self._project.ready),
        )

    def _keep(self, declared: topology.Topic, dead: gcp.pubsub.Topic) -> None:
        name = f"{declared.dead_letter}.kept"
        gcp.pubsub.Subscription(
            name,
            name=name,
            project=self._config.project,
            topic=dead.id,
            ack_deadline_seconds=600,
            message_retention_duration=f"{KEPT_DAYS * topology.DAY_S}s",
            expiration_policy=gcp.pubsub.SubscriptionExpirationPolicyArgs(ttl=""),  # never
            opts=child(self),
        )
