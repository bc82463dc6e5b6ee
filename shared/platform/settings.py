"""One frozen `Settings`, read once from the environment.

Google's client libraries find their emulators through their own variables
(`FIRESTORE_EMULATOR_HOST` and the like); those without one are named here as endpoints. Local and
cloud differ in these values only.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, field_validator

CdnProvider = Literal["cloud_cdn", "media_cdn", "cloudfront", "akamai", "fastly", "segue"]


_CLOUD_RUNS = frozenset({"task_index", "task_count"})


def _variable(name: str) -> str:
    return f"{'CLOUD_RUN' if name in _CLOUD_RUNS else 'SEGUE'}_{name.upper()}"


class SettingsError(RuntimeError):
    """The environment is incomplete or invalid; the message names every variable at fault."""


class Cdn(BaseModel):
    """One content delivery network in front of the audio bucket."""

    model_config = ConfigDict(frozen=True)

    name: str = Field(pattern=r"^[a-z][a-z0-9-]{0,30}$")
    provider: CdnProvider
    base_url: str = Field(pattern=r"^https?://[^/]+$")
    key_name: str  # the provider's name or id of the key; rotated by adding a CDN key version
    key_version: int = Field(default=1, ge=1)  # of the secret `cdn-key-<name>`
    usd_per_gb: float = Field(gt=0)


@dataclass(frozen=True, slots=True)
class TaskTarget:
    """A function that Cloud Tasks calls: its base URL, and the account and audience of the token
    that it wants to see."""

    url: str
    account: str
    audience: str


class Settings(BaseModel):
    """Everything that differs between two deployments. See `from_env`."""

    model_config = ConfigDict(frozen=True)

    project: str
    region: str = "us-central1"
    regions: tuple[str, ...] = ()  # all that hold the functions; empty: `region` alone
    public_url: str = Field(pattern=r"^https?://.+[^/]$")
    accounts_url: str = Field(pattern=r"^https?://.+[^/]$")  # also the tokens' issuer
    images_url: str = Field(pattern=r"^https?://.+[^/]$")  # CDN host of the images and previews
    token_jwks: dict[str, list[dict[str, str]]]  # public keys of access tokens
    cdns: tuple[Cdn, ...] = Field(min_length=1)
    secret_versions: dict[str, int] = {}  # secret name -> numbered version, 1 where absent
    service_account: str  # the account that push, Eventarc and Tasks sign as
    # The `aud` of their tokens; `*` stands for what Cloud Run makes up in a function's address.
    service_audience: str
    oidc_certs_url: str = "https://www.googleapis.com/oauth2/v3/certs"
    oidc_issuer: str = "https://accounts.google.com"
    tasks_url: str  # at which Cloud Tasks calls our functions; `{service}` stands for their name
    tasks_account: str = ""  # that tasks are signed as, `{service}` too; empty: `service_account`
    upload_account: str = ""  # account in signed upload URLs
    storage_url: str = "https://storage.googleapis.com"
    transcoder_endpoint: str | None = None
    secret_manager_endpoint: str | None = None
    kms_endpoint: str | None = None
    kms_location: str = ""  # where the application's keys lie; empty: `region`
    tasks_endpoint: str | None = None
    pubsub_endpoint: str | None = None
    bigtable_endpoint: str | None = None
    bigtable_transactions_profile: str = ""  # app profile of conditional writes; empty: the default
    search_engine: Literal["local", "spanner"] = "local"
    # `projects/P/instances/I/databases/D`; wanted where `search_engine` is `spanner`.
    spanner_database: str = Field(
        default="", pattern=r"^(projects/[^/]+/instances/[^/]+/databases/[^/]+)?$"
    )
    spanner_endpoint: str | None = None
    training_engine: Literal["exact", "spark"] = "exact"
    # Of `spark`: `gs://…/spark.py`, the account that batches run as, and a subnetwork of `region`
    # with Private Google Access.
    spark_program: str = Field(default="", pattern=r"^(gs://[^/]+/.+)?$")
    spark_account: str = ""
    spark_subnetwork: str = ""
    dataproc_endpoint: str | None = Field(default=None, pattern=r"^https?://[^/]+$")
    run_endpoint: str | None = Field(default=None, pattern=r"^https?://[^/]+$")
    monitoring_endpoint: str | None = Field(default=None, pattern=r"^https?://[^/]+$")
    anonymous: bool = False  # emulators know no credentials
    rate_limit_scale: float = Field(default=1.0, ge=0)  # times F285's limits; 0 is no limit
    rate_limit_patience_s: float = Field(default=0.5, gt=0)  # with the store that counts them
    task_index: int = Field(default=0, ge=0)  # of a job's task, among `task_count`
    task_count: int = Field(default=1, ge=1)

    @field_validator("regions")
    @classmethod
    def _home_is_one_of_them(
        cls, regions: tuple[str, ...], info: ValidationInfo
    ) -> tuple[str, ...]:
        if regions and info.data.get("region") not in regions:
            raise ValueError(f"must name SEGUE_REGION ({info.data.get('region')}) too")
        return regions

    @property
    def deployed_regions(self) -> tuple[str, ...]:
        """Every region that holds the functions, `region` among them."""
        return self.regions or (self.region,)

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None) -> Settings:
        """Settings from `SEGUE_*` variables; `SEGUE_TOKEN_JWKS`, `SEGUE_CDNS`,
        `SEGUE_SECRET_VERSIONS` and `SEGUE_REGIONS` hold JSON. A job's task is told by Cloud Run's
        own variables.

        Raises SettingsError that names every missing or invalid variable at once.
        """
        environ = os.environ if environ is None else environ
        raw: dict[str, object] = {
            name: environ[variable]
            for name in cls.model_fields
            if (variable := _variable(name)) in environ
        }
        faults = []
        for name in ("token_jwks", "cdns", "secret_versions", "regions"):
            if name in raw:
                try:
                    raw[name] = json.loads(str(raw[name]))
                except ValueError as error:
                    faults.append(f"SEGUE_{name.upper()}: not JSON ({error})")
                    del raw[name]
        try:
            settings = cls.model_validate(raw)
        except ValidationError as error:
            named = {fault.split(":")[0] for fault in faults}
            for detail in error.errors():
                variable = _variable(str(detail["loc"][0]))
                if variable not in named:
                    where = ".".join(str(part) for part in detail["loc"][1:])
                    message = "missing" if detail["type"] == "missing" else detail["msg"]
                    faults.append(f"{variable}{f' ({where})' if where else ''}: {message}")
            raise SettingsError("settings: " + "; ".join(faults)) from None
        if faults:
            raise SettingsError("settings: " + "; ".join(faults))
        return settings

    def bucket(self, name: str) -> str:
        """Physical name of the topology's bucket `name`."""
        return f"{self.project}-{name}"

    def topic(self, name: str) -> str:
        """Full resource name of the topic `name`."""
        return f"projects/{self.project}/topics/{name}"

    def secret_version(self, name: str) -> str:
        """Full resource name of the pinned version of secret `name`; never `latest`."""
        version = self.secret_versions.get(name, 1)
        return f"projects/{self.project}/secrets/{name}/versions/{version}"

    def crypto_key(self, name: str) -> str:
        """Full resource name of the KMS key `name`."""
        location = self.kms_location or self.region
        return f"projects/{self.project}/locations/{location}/keyRings/segue/cryptoKeys/{name}"

    def task_target(self, function: str) -> TaskTarget:
        """How Cloud Tasks reaches and convinces `function`."""
        service = function.replace("_", "-")  # as Cloud Run calls it
        url = self.tasks_url.replace("{service}", service)
        return TaskTarget(
            url=url,
            account=(self.tasks_account or self.service_account).replace("{service}", service),
            audience=self.service_audience if url == self.tasks_url else url,
        )


@cache
def settings() -> Settings:
    """This process's settings."""
    return Settings.from_env()
