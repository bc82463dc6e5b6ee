"""Google's signed URL prefixes: `URLPrefix=…&Expires=…&KeyName=…&Signature=…`.

The signed text is the query itself up to `&Signature`. The prefix includes scheme and host.
Base64 is URL-safe and padded, as in Google's own samples.
Sources: cloud.google.com/cdn/docs/using-signed-urls, cloud.google.com/media-cdn/docs/
generate-signatures.
"""

from __future__ import annotations

import base64
import hmac

from shared.delivery.signing.keys import Ed25519SigningKey, HmacKey


def cloud_cdn(url_prefix: str, expiry: int, key_name: str, key: HmacKey) -> str:
    """Query that opens `url_prefix` (`https://host/path/`) until `expiry` (epoch seconds);
    HMAC-SHA1, which is all Cloud CDN knows."""
    policy = _policy(url_prefix, expiry, key_name)
    return _signed(policy, hmac.digest(key.secret, policy.encode(), "sha1"))


def media_cdn(url_prefix: str, expiry: int, key_name: str, key: Ed25519SigningKey) -> str:
    """Query that opens `url_prefix` until `expiry`, signed with Ed25519; `key_name` is the
    keyset's."""
    policy = _policy(url_prefix, expiry, key_name)
    return _signed(policy, key.private.sign(policy.encode()))


def _policy(url_prefix: str, expiry: int, key_name: str) -> str:
    encoded = base64.urlsafe_b64encode(url_prefix.encode()).decode()
    return f"URLPrefix={encoded}&Expires={expiry}&KeyName={key_name}"


def _signed(policy: str, signature: bytes) -> str:
    return f"{policy}&Signature={base64.urlsafe_b64encode(signature).decode()}"
