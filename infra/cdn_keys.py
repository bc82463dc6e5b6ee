"""The keys with which our own CDNs check signatures, as Google takes them.

A key is rotated without a listener noticing: its new version stands beside the old one before
anything is signed with it, and the old one stays until the last of its tokens has expired.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator

from infra.config import RETIRED, CdnConfig, StackConfig


def name(cdn: CdnConfig, version: int) -> str:
    """What stands as `KeyName` in tokens that `version` of the CDN's key has signed.

    A key of Cloud CDN's has one value for life, so each version is a key of its own. Elsewhere the
    name is the provider's: Media CDN's keyset holds every version, CloudFront's key id is new
    with each key, the others tell keys apart by trying.
    """
    return f"{cdn.key_name}-{version}" if cdn.provider == "cloud_cdn" else cdn.key_name


def shared(config: StackConfig, cdn: CdnConfig) -> dict[str, str]:
    """Cloud CDN's keys: name -> 16 bytes in URL-safe base64."""
    return {name(cdn, version): payload for version, payload in _in_force(config, cdn)}


def public(config: StackConfig, cdn: CdnConfig) -> dict[str, str]:
    """Media CDN's keys: id -> the Ed25519 public key in unpadded URL-safe base64, newest first."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    found = {}
    for version, payload in reversed(list(_in_force(config, cdn))):
        seed = base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))
        raw = Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()
        found[f"version-{version}"] = base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
    return found


def _in_force(config: StackConfig, cdn: CdnConfig) -> Iterator[tuple[int, str]]:
    """(version, payload) of every version that is not retired."""
    for version, payload in enumerate(config.keys[cdn.secret], start=1):
        if payload != RETIRED:
            yield version, payload
