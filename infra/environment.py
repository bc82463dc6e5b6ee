"""The environment that functions and jobs find: the counterpart of `LocalCloud.environment`.

`tests/infra` holds it to `shared.platform.settings.Settings`, which reads it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from infra import cdn_keys, names
from infra.config import StackConfig
from shared import topology

# Stands for what Cloud Run puts between a service's name and its domain: the project's number and
# the region in one of its two addresses, a hash in the other. Eventarc decides which it names.
_ANY = "*"


@dataclass(frozen=True, slots=True)
class Made:
    """What is only known once other resources are made."""

    project_number: str
    secret_versions: Mapping[str, int]  # secret -> version in use


def run_url(service: str, project_number: str, region: str) -> str:
    """The address that Cloud Run gives a service before it is made.

    https://cloud.google.com/run/docs/triggering/https-request#deterministic
    """
    label = f"{service}-{project_number}"
    if len(label) > 63:
        raise ValueError(f"{service}: too long for an address of Cloud Run's; rename")
    return f"https://{label}.{region}.run.app"


def environment(
    config: StackConfig, entry: topology.Entry, region: str, key_location: str, made: Made
) -> dict[str, str]:
    """Variables of `entry` in `region`; `key_location` is where the application's keys lie."""
    cdns = [
        {
            "name": cdn.name,
            "provider": cdn.provider,
            "base_url": config.base_url(cdn),
            "key_name": cdn_keys.name(cdn, made.secret_versions[cdn.secret]),
            "key_version": made.secret_versions[cdn.secret],
            "usd_per_gb": cdn.usd_per_gb,
        }
        for cdn in config.cdns
    ]
    versions = {
        secret.name: made.secret_versions[secret.name]
        for secret in topology.SECRETS
        if not secret.dynamic
    }
    uploads = topology.UPLOAD_SIGNING_KEY.account_key
    assert uploads is not None
    spanner = {
        "SEGUE_SEARCH_ENGINE": "spanner",
        "SEGUE_SPANNER_DATABASE": names.search_database(config.project),
    }
    spark = {
        "SEGUE_TRAINING_ENGINE": "spark",
        "SEGUE_SPARK_PROGRAM": names.spark_program(config.project),
        "SEGUE_SPARK_ACCOUNT": names.email(names.SPARK_ACCOUNT, config.project),
        "SEGUE_SPARK_SUBNETWORK": config.spark_subnetwork,
    }
    return {
        "GOOGLE_CLOUD_PROJECT": config.project,
        "SEGUE_PROJECT": config.project,
        "SEGUE_REGION": region,
        "SEGUE_REGIONS": json.dumps(config.regions),
        "SEGUE_PUBLIC_URL": config.url,
        "SEGUE_ACCOUNTS_URL": f"{config.url}/accounts",
        "SEGUE_IMAGES_URL": f"https://{config.cdn_domain}",
        "SEGUE_TOKEN_JWKS": json.dumps(config.token_jwks()),
        "SEGUE_CDNS": json.dumps(cdns),
        "SEGUE_SECRET_VERSIONS": json.dumps(versions),
        "SEGUE_SERVICE_ACCOUNT": names.email(names.caller_id(entry), config.project),
        "SEGUE_SERVICE_AUDIENCE": f"https://{names.service(entry)}-{_ANY}.run.app",
        "SEGUE_TASKS_URL": run_url("{service}", made.project_number, region),
        "SEGUE_TASKS_ACCOUNT": names.email("call-{service}", config.project),
        "SEGUE_UPLOAD_ACCOUNT": names.email(uploads, config.project),
        "SEGUE_KMS_LOCATION": key_location,
        "SEGUE_BIGTABLE_TRANSACTIONS_PROFILE": names.transactions_profile(region),
        **(spanner if config.search_engine == "spanner" else {}),
        **(spark if config.spark_training else {}),
    }
