"""What the Transcoder's own service agent may touch: it runs our jobs in Google's name.

There are no job templates. Two of a track's three jobs carry what is its own (the version of its
key, the bounds of its preview), so a template could serve the third alone; and that one's encodings
must be those of the function that starts it, because the names of its results carry their version
(LADDER_VERSION). A release shifts traffic by steps, so two versions run side by side, while a
template can be replaced but not changed and would serve both. Sent along with the job, the
configuration is of the same version as the code by construction.
"""

from __future__ import annotations

import pulumi
import pulumi_gcp as gcp

from infra.components import child
from infra.components.buckets import Buckets
from infra.components.project import Project
from infra.components.topics import Topics
from infra.config import StackConfig
from shared import topology

READS = (topology.MASTERS,)
WRITES = (topology.STAGING, topology.AUDIO)
NOTIFIES = topology.TRANSCODE_FINISHED


class Transcoding(pulumi.ComponentResource):
    """The agent's grants; without them jobs fail when they start, not when they are made."""

    def __init__(
        self, config: StackConfig, project: Project, buckets: Buckets, topics: Topics
    ) -> None:
        super().__init__("segue:transcoder:Transcoding", "transcoding")
        agent = project.agent("transcoder")
        for bucket, role in (
            *((bucket, "roles/storage.objectViewer") for bucket in READS),
            *((bucket, "roles/storage.objectUser") for bucket in WRITES),
        ):
            gcp.storage.BucketIAMMember(
                f"{bucket.name}-transcoder",
                bucket=buckets.buckets[bucket.name].name,
                role=role,
                member=agent,
                opts=child(self, hooks=project.patient),
            )
        gcp.pubsub.TopicIAMMember(
            f"{NOTIFIES.name}-transcoder",
            project=config.project,
            topic=topics.topics[NOTIFIES.name].name,
            role="roles/pubsub.publisher",
            member=agent,
            opts=child(self, hooks=project.patient),
        )
        # Each track's key is a secret that lives while its job does, so the grant goes by name.
        prefix = project.number.apply(
            lambda number: f"projects/{number}/secrets/{topology.TRANSCODE_KEYS.name}-"
        )
        gcp.projects.IAMMember(
            f"{topology.TRANSCODE_KEYS.name}-transcoder",
            project=config.project,
            role="roles/secretmanager.secretAccessor",
            member=agent,
            condition=gcp.projects.IAMMemberConditionArgs(
                title=f"{topology.TRANSCODE_KEYS.name} only",
                description="Keys of the tracks that are being encoded",
                expression=prefix.apply(lambda start: f'resource.name.startsWith("{start}")'),
            ),
            opts=child(self, hooks=project.patient),
        )
