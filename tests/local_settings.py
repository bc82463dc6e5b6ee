"""Settings that tests run under: every `SEGUE_*` variable with a sane local value."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import pytest
from joserfc.jwk import ECKey

from shared.platform import auth, clients, secrets, service_auth
from shared.platform.settings import settings

PROJECT = "segue-local"
PUBLIC_URL = "http://127.0.0.1:8080"


@cache
def signing_key() -> ECKey:
    """The private key of this run's access tokens (kid `test-1`)."""
    return ECKey.generate_key("P-256", {"kid": "test-1", "use": "sig", "alg": "ES256"})


def signing_key_json() -> bytes:
    """The payload of the secret `token-signing-key`."""
    return json.dumps(signing_key().as_dict(private=True)).encode()


def variables(**changes: str) -> dict[str, str]:
    """The environment of a function; `changes` are whole variables."""
    cdns = [
        ("google", "cloud_cdn", 0.08),
        ("cloudfront", "cloudfront", 0.085),
        ("akamai", "akamai", 0.09),
    ]
    public: dict[str, Any] = {"keys": [signing_key().as_dict(private=False)]}
    return {
        "GOOGLE_CLOUD_PROJECT": PROJECT,
        "SEGUE_PROJECT": PROJECT,
        "SEGUE_PUBLIC_URL": PUBLIC_URL,
        "SEGUE_ACCOUNTS_URL": f"{PUBLIC_URL}/accounts",
        "SEGUE_IMAGES_URL": "http://127.0.0.1:8091",
        "SEGUE_TOKEN_JWKS": json.dumps(public),
        "SEGUE_CDNS": json.dumps(
            [
                {
                    "name": name,
                    "provider": provider,
                    "base_url": f"http://127.0.0.1:{8091 + number}",
                    "key_name": f"{name}-1",
                    "usd_per_gb": usd_per_gb,
                }
                for number, (name, provider, usd_per_gb) in enumerate(cdns)
            ]
        ),
        "SEGUE_SERVICE_ACCOUNT": f"segue@{PROJECT}.iam.gserviceaccount.com",
        "SEGUE_SERVICE_AUDIENCE": PUBLIC_URL,
        "SEGUE_OIDC_CERTS_URL": "http://127.0.0.1:8099/oidc/certs",
        "SEGUE_OIDC_ISSUER": "https://accounts.google.com",
        "SEGUE_TASKS_URL": PUBLIC_URL,
        "SEGUE_UPLOAD_ACCOUNT": f"uploads@{PROJECT}.iam.gserviceaccount.com",
        "SEGUE_STORAGE_URL": "http://127.0.0.1:9023",
        "SEGUE_TRANSCODER_ENDPOINT": "127.0.0.1:9030",
        "SEGUE_SECRET_MANAGER_ENDPOINT": "127.0.0.1:9031",
        "SEGUE_KMS_ENDPOINT": "127.0.0.1:9032",
        "SEGUE_TASKS_ENDPOINT": "127.0.0.1:9033",
        "SEGUE_RATE_LIMIT_SCALE": "0",  # tests of the limits switch them on
        **changes,
    }


def forget_settings() -> None:
    """Drops what this process derived from its settings; call after changing a variable."""
    settings.cache_clear()
    auth._keys.cache_clear()
    auth._verified.clear()
    service_auth._certificates.clear()
    clients._per_loop.clear()
    clients._per_process.clear()
    secrets._payloads.clear()


@contextmanager
def environment(**changes: str) -> Iterator[pytest.MonkeyPatch]:
    """Runs the body under `variables(**changes)`."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in variables(**changes).items():
            patch.setenv(name, value)
        forget_settings()
        yield patch
    forget_settings()
