"""CloudFront signed URLs with a custom policy, whose wildcard resource covers a prefix.

`Hash-Algorithm=SHA256` must be said: without it CloudFront checks SHA-1. Base64 with `+=/`
exchanged for `-_~`.
Source: docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/
private-content-creating-signed-url-custom-policy.html and PrivateCFSignatureCodeAndExamples.html.
"""

from __future__ import annotations

import base64
import json

from shared.delivery.signing.keys import PolicySigningKey

_URL_SAFE = bytes.maketrans(b"+=/", b"-_~")


def custom_policy(url_prefix: str, expiry: int, key_pair_id: str, key: PolicySigningKey) -> str:
    """Query that opens everything below `url_prefix` (`https://host/path/`) until `expiry`
    (epoch seconds)."""
    policy = json.dumps(
        {
            "Statement": [
                {
                    "Resource": f"{url_prefix}*",
                    "Condition": {"DateLessThan": {"AWS:EpochTime": expiry}},
                }
            ]
        },
        separators=(",", ":"),  # CloudFront wants no white space
    ).encode()
    return (
        f"Policy={_encode(policy)}&Signature={_encode(key.sign(policy))}"
        f"&Key-Pair-Id={key_pair_id}&Hash-Algorithm=SHA256"
    )


def _encode(raw: bytes) -> str:
    return base64.b64encode(raw).translate(_URL_SAFE).decode()
