"""What makes event functions run: push subscriptions, Eventarc triggers, task queues.

Event functions stand in every region, and are called in one of them (`eventsRegion`): a message has
one subscription, and so one effect. When that region is lost, `pulumi up` with another one moves
subscriptions, triggers and jobs; what was not acknowledged is delivered there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_gcp as gcp

from infra import names
from infra.components import child
from infra.components.project import Project
from infra.components.topics import Topics
from infra.config import StackConfig
from infra.environment import run_url
from shared import topology

MIN_BACKOFF_S = 10
MAX_BACKOFF_S = 600  # the most that Pub/Sub takes
TASK_BACKOFF_S = (5, 3600)


@dataclass(frozen=True, slots=True)
class Wired:
    """What triggers connect. Mappings go by the topology's names."""

    services: Mapping[str, Mapping[str, pulumi.Output[str]]]  # by function and region
    callers: Mapping[str, gcp.serviceaccount.Account]
    topics: Topics
    buckets: Mapping[str, gcp.storage.Bucket]


class Queues(pulumi.ComponentResource):
    """Cloud Tasks queues, one of each in every region; `queues[name][region]`."""

    def __init__(self, config: StackConfig, project: Project) -> None:
        super().__init__("segue:triggers:Queues", "queues")
        shortest, longest = TASK_BACKOFF_S
        self.queues = {
            queue.name: {
                region: gcp.cloudtasks.Queue(
                    f"{queue.name}-{region}",
                    name=queue.name,
                    project=config.project,
                    location=region,
                    rate_limits=gcp.cloudtasks.QueueRateLimitsArgs(
                        max_dispatches_per_second=queue.max_dispatches_per_second,
                        max_concurrent_dispatches=queue.max_concurrent,
                    ),
                    retry_config=gcp.cloudtasks.QueueRetryConfigArgs(
                        max_attempts=queue.max_attempts,
                        min_backoff=f"{shortest}s",
                        max_backoff=f"{longest}s",
                        max_doublings=8,
                    ),
                    stackdriver_logging_config=gcp.cloudtasks.QueueStackdriverLoggingConfigArgs(
                        sampling_ratio=config.keep_successes
                    ),
                    opts=child(self, depends_on=project.ready),
                )
                for region in config.regions
            }
            for queue in topology.QUEUES
        }


class Triggers(pulumi.ComponentResource):
    """Subscriptions and Eventarc triggers of event functions, and who may call a function."""

    def __init__(self, config: StackConfig, project: Project, wired: Wired) -> None:
        super().__init__("segue:triggers:Triggers", "triggers")
        self._config, self._project, self._wired = config, project, wired
        for queue in topology.QUEUES:
            for region in config.regions:
                self._may_call(topology.ENTRIES[queue.target], region)
        self._watching: list[pulumi.Resource] = []  # what Google's own agents need for Eventarc
        for function in topology.EVENT_FUNCTIONS:
            for region in config.regions:
                self._may_call(function, region)
            if isinstance(function.trigger, topology.TopicTrigger):
                self._subscribe(function, function.trigger)
            else:
                self._watch(function, function.trigger)

    def _may_call(self, entry: topology.Entry, region: str) -> None:
        gcp.cloudrunv2.ServiceIamMember(
            f"{entry.name}-{region}-caller",
            project=self._config.project,
            location=region,
            name=self._wired.services[entry.name][region],
            role="roles/run.invoker",
            member=self._wired.callers[entry.name].member,
            opts=child(self),
        )

    def _subscribe(self, function: topology.EventFunction, trigger: topology.TopicTrigger) -> None:
        config, wired = self._config, self._wired
        caller = wired.callers[function.name]
        # Pub/Sub signs as the caller account (it may, of its own, only in newer projects).
        signs = gcp.serviceaccount.IAMMember(
            f"{function.name}-pubsub-signs",
            service_account_id=caller.name,
            role="roles/iam.serviceAccountTokenCreator",
            member=self._project.agent("pubsub"),
            opts=child(self),
        )
        url = pulumi.Output.all(
            self._project.number, wired.services[function.name][config.events_in]
        ).apply(lambda made: run_url(made[1], made[0], config.events_in))
        subscription = gcp.pubsub.Subscription(
            names.subscription(trigger.topic, function),
            name=names.subscription(trigger.topic, function),
            project=config.project,
            topic=wired.topics.topics[trigger.topic.name].id,
            ack_deadline_seconds=trigger.ack_deadline_s,
            message_retention_duration=f"{trigger.topic.retention_days * topology.DAY_S}s",
            expiration_policy=gcp.pubsub.SubscriptionExpirationPolicyArgs(ttl=""),  # never
            push_config=gcp.pubsub.SubscriptionPushConfigArgs(
                push_endpoint=url.apply(lambda base: f"{base}/"),
                oidc_token=gcp.pubsub.SubscriptionPushConfigOidcTokenArgs(
                    service_account_email=caller.email, audience=url
                ),
            ),
            retry_policy=gcp.pubsub.SubscriptionRetryPolicyArgs(
                minimum_backoff=f"{MIN_BACKOFF_S}s", maximum_backoff=f"{MAX_BACKOFF_S}s"
            ),
            dead_letter_policy=wired.topics.dead_letter_policy(
                trigger.topic.name, trigger.max_attempts
            ),
            opts=child(self, depends_on=[signs]),
        )
        wired.topics.may_forward(subscription, function.name, self)

    def _watch(self, function: topology.EventFunction, trigger: topology.ObjectTrigger) -> None:
        """Eventarc makes topic and subscription itself, without a dead-letter topic: a master that
        its function never took is found in the bucket by jobs/redrive_masters."""
        config, wired = self._config, self._wired
        caller = wired.callers[function.name]
        bucket = wired.buckets[trigger.bucket.name]
        # Eventarc has neither of these on anything smaller than a project.
        # https://cloud.google.com/eventarc/standard/docs/run/route-trigger-cloud-storage
        receives = gcp.projects.IAMMember(
            f"{function.name}-receives",
            project=config.project,
            role="roles/eventarc.eventReceiver",
            member=caller.member,
            opts=child(self, hooks=self._project.settled),
        )
        if not self._watching:
            self._watching = [
                gcp.projects.IAMMember(
                    f"{agent}-{role.rpartition('.')[2]}",
                    project=config.project,
                    role=role,
                    member=self._project.agent(agent),
                    opts=child(self, hooks=self._project.settled),
                )
                for agent, role in (
                    ("storage", "roles/pubsub.publisher"),
                    # It has this role by itself, but minutes after its first trigger was refused.
                    ("eventarc", "roles/eventarc.serviceAgent"),
                )
            ]
        gcp.eventarc.Trigger(
            function.name,
            name=names.service(function),
            project=config.project,
            location=bucket.location.apply(str.lower),  # the bucket's own, or no event arrives
            service_account=caller.email,
            matching_criterias=[
                gcp.eventarc.TriggerMatchingCriteriaArgs(
                    attribute="type", value="google.cloud.storage.object.v1.finalized"
                ),
                gcp.eventarc.TriggerMatchingCriteriaArgs(attribute="bucket", value=bucket.name),
            ],
            destination=gcp.eventarc.TriggerDestinationArgs(
                cloud_run_service=gcp.eventarc.TriggerDestinationCloudRunServiceArgs(
                    service=wired.services[function.name][config.events_in],
                    region=config.events_in,
                    path="/",
                )
            ),
            opts=child(self, depends_on=[receives, *self._watching], hooks=self._project.patient),
        )
