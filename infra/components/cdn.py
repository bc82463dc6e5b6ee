"""Cloud CDN in front of the topology's buckets, at `cdn.<domain>/<bucket>/<object>`.

All buckets are private, and two of Google's accounts fill the cache, which keeps audio shut:

- `https-lb` fills what anyone may have (images, covers, previews).
- `cloud-cdn-fill` fills for requests whose signature Cloud CDN has verified. It alone may read
  the signed buckets. Cloud CDN lets a request without a signature pass, but then asks Cloud Storage
  in nobody's name, and Cloud Storage refuses. Granting a signed bucket to `https-lb` would open it.

https://docs.cloud.google.com/cdn/docs/setting-up-cdn-with-bucket#enable_private_bucket_access
https://docs.cloud.google.com/cdn/docs/using-signed-urls#security_considerations
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_gcp as gcp

from infra import cdn_keys
from infra.components import child
from infra.components.buckets import PROBE, PROBE_CACHE_CONTROL
from infra.components.project import Project
from infra.config import StackConfig
from shared import topology

NEGATIVE_TTL_S = 10  # F099; what is asked for too early is there a moment later
STALE_S = topology.DAY_S  # how long a copy may serve on while its bucket does not answer
HSTS = ("Strict-Transport-Security", f"max-age={365 * topology.DAY_S}")

# The balancer adds these to each answer on its way out. Were they Cloud Storage's, a copy that was
# fetched without an Origin (by the priming of the cache) would lack them in front of a browser.
MEDIA_HEADERS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "GET, HEAD, OPTIONS",
    "Access-Control-Allow-Headers": "Range, If-Range, If-None-Match",
    "Access-Control-Expose-Headers": (
        "Accept-Ranges, Age, Content-Length, Content-Range, Content-Type, Date, ETag, Retry-After"
    ),
    "Access-Control-Max-Age": str(topology.DAY_S),
    "Timing-Allow-Origin": "*",
    "X-Content-Type-Options": "nosniff",
    HSTS[0]: HSTS[1],
}


@dataclass(frozen=True, slots=True)
class Share:
    """A part of a bucket that is cached alike: below `prefix` of the CDN's paths, which is
    `rewritten` before the bucket is asked."""

    name: str
    bucket: topology.Bucket
    prefix: str
    rewritten: str
    ttl_s: int


def shares(bucket: topology.Bucket) -> tuple[Share, ...]:
    """How `bucket` is cached, the narrower prefix first. Of signed buckets, the object that the
    probes ask for is kept for a minute alone, or they would never see that the origin is lost.

    Raises ValueError for a bucket that does not say for how long it may be cached.
    """
    prefix = f"/{bucket.name}/"
    whole = Share(bucket.name, bucket, prefix, "/", max_age_s(bucket.cache_control, bucket))
    if not bucket.signed:
        return (whole,)
    folder = f"{PROBE.partition('/')[0]}/"
    ttl_s = max_age_s(PROBE_CACHE_CONTROL, bucket)
    probe = Share(f"{bucket.name}-probe", bucket, prefix + folder, f"/{folder}", ttl_s)
    return probe, whole


def max_age_s(cache_control: str | None, bucket: topology.Bucket) -> int:
    """The lifetime in a Cache-Control header."""
    found = re.search(r"\bmax-age=(\d+)", cache_control or "")
    if found is None:
        raise ValueError(
            f"bucket {bucket.name} is behind the CDN: give it a cache_control with a max-age"
        )
    return int(found[1])


class Cdn(pulumi.ComponentResource):
    """`backends` by share, in the order in which their prefixes are tried; `fallback` answers what
    no prefix matches. `ready` is what must be there before the backends are used."""

    def __init__(
        self,
        config: StackConfig,
        project: Project,
        buckets: Mapping[str, gcp.storage.Bucket],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("segue:edge:Cdn", "cdn", None, opts)
        self._config, self._project = config, project
        self.backends: dict[Share, gcp.compute.BackendBucket] = {}
        self.ready: list[pulumi.Resource] = []
        signing = next((cdn for cdn in config.cdns if cdn.provider == "cloud_cdn"), None)
        for declared in topology.BUCKETS:
            if not declared.cdn or (declared.signed and signing is None):
                continue  # without Cloud CDN among the CDNs, others serve the audio
            made = {share: self._backend(share, buckets) for share in shares(declared)}
            self.backends |= made
            fillable: list[pulumi.Resource] = list(made.values())
            if declared.signed:
                assert signing is not None
                keys = cdn_keys.shared(config, signing)
                fillable = [self._key(s, b, k, keys[k]) for s, b in made.items() for k in keys]
            self._grant(declared, buckets, fillable)
        public = [made for share, made in self.backends.items() if not share.bucket.signed]
        if not public:
            raise ValueError("no bucket of the topology is public behind the CDN")
        # Its objects lie in folders, so that a path without a bucket's name finds none: 404.
        self.fallback = public[0]

    def _backend(
        self, share: Share, buckets: Mapping[str, gcp.storage.Bucket]
    ) -> gcp.compute.BackendBucket:
        signed = share.bucket.signed
        return gcp.compute.BackendBucket(
            share.name,
            name=share.name,
            project=self._config.project,
            bucket_name=buckets[share.bucket.name].name,
            description=f"{share.prefix} of the CDN",
            enable_cdn=True,
            compression_mode="DISABLED",  # what lies here is compressed already
            custom_response_headers=[f"{name}:{value}" for name, value in MEDIA_HEADERS.items()],
            cdn_policy=gcp.compute.BackendBucketCdnPolicyArgs(
                # Private objects are answered with `Cache-Control: private`, and what Transcoder
                # writes has no header of ours: how long to keep them, the topology knows.
                cache_mode="FORCE_CACHE_ALL",
                default_ttl=share.ttl_s,
                client_ttl=share.ttl_s,
                # Else an hour: signed answers are kept for a time of their own.
                signed_url_cache_max_age_sec=share.ttl_s if signed else None,
                negative_caching=True,
                negative_caching_policies=[
                    gcp.compute.BackendBucketCdnPolicyNegativeCachingPolicyArgs(
                        code=404, ttl=NEGATIVE_TTL_S
                    )
                ],
                request_coalescing=True,
                serve_while_stale=STALE_S if share.ttl_s >= STALE_S else 0,
            ),
            opts=child(self, depends_on=self._project.ready),
        )

    def _key(
        self, share: Share, backend: gcp.compute.BackendBucket, name: str, payload: str
    ) -> gcp.compute.BackendBucketSignedUrlKey:
        return gcp.compute.BackendBucketSignedUrlKey(
            f"{share.name}-{name}",
            name=name,
            project=self._config.project,
            backend_bucket=backend.name,
            key_value=pulumi.Output.secret(payload),
            opts=child(self),
        )

    def _grant(
        self,
        declared: topology.Bucket,
        buckets: Mapping[str, gcp.storage.Bucket],
        fillable: list[pulumi.Resource],
    ) -> None:
        """Google makes the one account with the first signing key, the other with the first backend
        bucket: before that, no role can be granted to it."""
        gcp.storage.BucketIAMMember(
            f"{declared.name}-fill",
            bucket=buckets[declared.name].name,
            role="roles/storage.objectViewer",
            member=self._project.agent("cdn" if declared.signed else "balancer"),
            opts=child(self, depends_on=fillable, hooks=self._project.patient),
        )
        self.ready += fillable
