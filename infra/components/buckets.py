"""Storage: the topology's buckets, and one for the sources that functions are built from.

All lie in `storageLocation`. In a multi-region an object outlives a lost region (F314), and what
goes with a bucket stays where it is: Eventarc wants the trigger in the bucket's location and the
function anywhere, while a bucket can never be moved. The Transcoder reads and writes any location.
Only the lake lies with the warehouse, since BigQuery exports to its own location.

Audio carries no retention policy and no holds, though it never changes (F084): its paths hold the
hash of their content, so nothing has a reason to overwrite it, but a takedown must be able to
delete it at once, which a retention policy forbids until it has run out.
"""

from __future__ import annotations

from collections.abc import Sequence

import pulumi
import pulumi_gcp as gcp

from infra import names
from infra.components import child
from infra.components.keyrings import Keyrings
from infra.components.project import Project
from infra.config import StackConfig
from shared import topology

DAY_S = topology.DAY_S
SOFT_DELETED_DAYS = 7  # the service's minimum: time to notice that a deletion was a mistake
NONCURRENT_DAYS = 30
INCOMPLETE_UPLOAD_DAYS = 7  # a resumable session lives a week
# Storage classes by days after `cold_after_days`. Each step comes later than the minimum duration
# of the class before it, which is billed in any case: Nearline 30 days, Coldline 90.
# https://cloud.google.com/storage/docs/storage-classes
COLDER = (("NEARLINE", 0), ("COLDLINE", 60), ("ARCHIVE", 335))

PROBE = "health/probe"  # shared/delivery/service.py asks each CDN for it
PROBE_CACHE_CONTROL = "public, max-age=60"  # so that probes reach the origin now and then

# Whoever holds a signed URL may use it from any page. Content types and the like are no simple
# headers, so each must be named for a browser to send or see it.
_UPLOAD_HEADERS = (
    *("Content-Type", "Content-Range", "Location", "Range", "X-Upload-Content-Length"),
    *("X-Goog-Resumable", "X-Goog-Content-Length-Range", "X-Goog-If-Generation-Match"),
    "X-Goog-Meta-Segue",
)
_CORS_LIFE_S = 3600


class Buckets(pulumi.ComponentResource):
    """`buckets` holds the topology's by name; `sources` is for source archives."""

    def __init__(self, config: StackConfig, project: Project, keyrings: Keyrings) -> None:
        super().__init__("segue:storage:Buckets", "buckets")
        self._config, self._project = config, project
        lakes = {export.bucket for export in topology.LAKE_EXPORTS}
        self.buckets: dict[str, gcp.storage.Bucket] = {}
        for declared in topology.BUCKETS:
            location = config.warehouse_location if declared in lakes else config.storage_location
            key = keyrings.data_key(location, "storage") if declared.sensitive else None
            self.buckets[declared.name] = self._bucket(declared, location, key)
        for declared in topology.BUCKETS:
            if declared.signed:
                self._probe(self.buckets[declared.name])
        # Archives are named by their content, and one that is gone is uploaded again.
        self.sources = self._bucket(topology.Bucket("sources"), config.storage_location, None)

    def _bucket(
        self, declared: topology.Bucket, location: str, key: pulumi.Output[str] | None
    ) -> gcp.storage.Bucket:
        transient = declared.delete_after_days is not None
        soft_deleted_s = 0 if transient else SOFT_DELETED_DAYS * DAY_S
        encryption = None
        if key is not None:
            encryption = gcp.storage.BucketEncryptionArgs(default_kms_key_name=key)
        return gcp.storage.Bucket(
            declared.name,
            name=names.bucket(declared, self._config.project),
            project=self._config.project,
            location=location,
            uniform_bucket_level_access=True,
            public_access_prevention="enforced",
            versioning=gcp.storage.BucketVersioningArgs(enabled=declared.versioned),
            lifecycle_rules=lifecycle(declared),
            soft_delete_policy=gcp.storage.BucketSoftDeletePolicyArgs(
                retention_duration_seconds=soft_deleted_s
            ),
            cors=_cors(declared),
            encryption=encryption,
            force_destroy=not self._config.protect,
            opts=child(self, protect=self._config.protect, depends_on=self._project.ready),
        )

    def _probe(self, bucket: gcp.storage.Bucket) -> None:
        gcp.storage.BucketObject(
            "probe",
            bucket=bucket.name,
            name=PROBE,
            source=pulumi.StringAsset("segue\n"),
            content_type="text/plain",
            cache_control=PROBE_CACHE_CONTROL,
            opts=child(self),
        )


def lifecycle(declared: topology.Bucket) -> list[gcp.storage.BucketLifecycleRuleArgs]:
    """What becomes of a bucket's objects with time."""
    rules = [_rule("AbortIncompleteMultipartUpload", age=INCOMPLETE_UPLOAD_DAYS)]
    if declared.cold_after_days is not None:
        rules += [
            _rule("SetStorageClass", storage_class, age=declared.cold_after_days + later)
            for storage_class, later in COLDER
        ]
    if declared.delete_after_days is not None:
        rules.append(_rule("Delete", age=declared.delete_after_days))
    if declared.versioned:
        rules.append(
            _rule("Delete", days_since_noncurrent_time=NONCURRENT_DAYS, with_state="ARCHIVED")
        )
    return rules


def _rule(
    action: str,
    storage_class: str | None = None,
    *,
    age: int | None = None,
    days_since_noncurrent_time: int | None = None,
    with_state: str | None = None,
) -> gcp.storage.BucketLifecycleRuleArgs:
    return gcp.storage.BucketLifecycleRuleArgs(
        action=gcp.storage.BucketLifecycleRuleActionArgs(type=action, storage_class=storage_class),
        condition=gcp.storage.BucketLifecycleRuleConditionArgs(
            age=age,
            days_since_noncurrent_time=days_since_noncurrent_time,
            with_state=with_state,
        ),
    )


def _cors(declared: topology.Bucket) -> list[gcp.storage.BucketCorArgs]:
    """Browsers upload to buckets that a function watches. They play from CDNs, which send headers
    of their own: a copy that was fetched without an `Origin` would lack Cloud Storage's."""
    watched = [
        function.trigger.bucket
        for function in topology.EVENT_FUNCTIONS
        if isinstance(function.trigger, topology.ObjectTrigger)
    ]
    if declared in watched:
        return [_cross_origin(("POST", "PUT"), _UPLOAD_HEADERS)]
    return []


def _cross_origin(methods: Sequence[str], headers: Sequence[str]) -> gcp.storage.BucketCorArgs:
    return gcp.storage.BucketCorArgs(
        origins=["*"],
        methods=list(methods),
        response_headers=list(headers),
        max_age_seconds=_CORS_LIFE_S,
    )
