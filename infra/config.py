"""What an operator decides about a stack, read and checked before anything is made.

The values stand in `Pulumi.<stack>.yaml` in the namespace `segue`, in camel case, keys encrypted by
Pulumi. `StackConfig.parse` names every mistake in one message.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import json
import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.alias_generators import to_camel

from infra.locations import FIRESTORE_LOCATIONS, REGIONS, STORAGE_LOCATIONS
from shared import topology
from shared.platform.settings import CdnProvider

PROJECT_ID = re.compile(r"[a-z][a-z0-9-]{4,28}[a-z0-9]")
DOMAIN = r"^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,}$"
EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
TOKEN_SIGNING_KEY = topology.TOKEN_SIGNING_KEY.name
# At once, on a backend bucket of Cloud CDN and in a keyset of Media CDN alike.
# https://docs.cloud.google.com/cdn/docs/using-signed-urls#creatingkeys
MAX_CDN_KEYS = 3
RETIRED = "retired"  # in the place of a key's payload: this version is no longer needed


class ConfigError(ValueError):
    """The stack cannot be built as configured; the message has one line per mistake."""


class _Section(BaseModel):
    model_config = ConfigDict(
        frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True
    )


class CdnConfig(_Section):
    """One content delivery network in front of the audio bucket.

    Cloud CDN (`cloud_cdn`) and Media CDN (`media_cdn`) are made by the stack at `cdn.<domain>` and
    `media.<domain>`; Akamai, CloudFront and Fastly are configured at their providers, and stand
    here with the host at which they answer.
    """

    name: str = Field(pattern=r"^[a-z]([a-z0-9-]{0,19}[a-z0-9])?$")  # a part of accounts' ids
    provider: CdnProvider
    base_url: str | None = Field(default=None, pattern=r"^https://[^/]+$")
    key_name: str = Field(min_length=1)  # the provider's name or id of the key that signs
    usd_per_gb: float = Field(gt=0)

    @property
    def ours(self) -> bool:
        """Whether the stack itself makes this CDN."""
        return self.provider in ("cloud_cdn", "media_cdn")

    @property
    def secret(self) -> str:
        """Name of the secret with its signing key."""
        return f"{topology.CDN_KEYS.name}-{self.name}"


class BigtableScale(_Section):
    """Autoscaling of each Bigtable cluster."""

    min_nodes: int = Field(default=1, ge=1, le=30)
    max_nodes: int = Field(default=3, ge=1, le=300)
    cpu_target_percent: int = Field(default=60, ge=10, le=80)  # the service's own bounds


class SpannerScale(_Section):
    """The Spanner instance of search: `min_units` to `max_units` processing units in one region,
    of which a thousand are a node. Equal, they stay; else they grow by thousands.

    https://cloud.google.com/spanner/docs/compute-capacity
    """

    region: str = ""  # empty: home
    min_units: int = Field(default=1_000, ge=100, le=1_000_000)
    max_units: int = Field(default=3_000, ge=100, le=1_000_000)
    cpu_target_percent: int = Field(default=65, ge=10, le=90)  # 65 is Google's advice for a region


class Budget(_Section):
    """A monthly budget; alerts go out at 50, 90 and 100 % of it, and where it is forecast."""

    billing_account: str = Field(pattern=r"^[0-9A-F]{6}-[0-9A-F]{6}-[0-9A-F]{6}$")
    usd_per_month: int = Field(gt=0)


class StackConfig(_Section):
    """Everything that differs between two stacks. See `parse`."""

    stack: str
    project: str
    domain: str = Field(pattern=DOMAIN)  # the API's; the CDN's is cdn.<domain>
    regions: tuple[str, ...] = Field(min_length=1)  # the first is home
    events_region: str = ""  # where events are handled and jobs run; moved when a region is lost
    residency: dict[str, str] = Field(min_length=1)  # zone -> Firestore location; first is home
    storage_location: str  # of the buckets: a region, a dual region, or US, EU, ASIA
    warehouse_location: str
    warehouse_replica: str | None = None
    bigtable: BigtableScale = BigtableScale()
    search_engine: Literal["local", "spanner"] = "local"
    spanner: SpannerScale = SpannerScale()  # of a stack whose `search_engine` is `spanner`
    spark_training: bool = False  # True: Dataproc factorises for train_embeddings
    # Of `spark_training`: where jobs run, with Private Google Access and a firewall that lets its
    # machines talk to one another.
    # https://cloud.google.com/dataproc-serverless/docs/concepts/network
    spark_subnetwork: str = Field(
        default="", pattern=r"^(projects/[^/]+/regions/[^/]+/subnetworks/[^/]+)?$"
    )
    scale_to_zero: bool = False  # True: no instance waits for requests, whatever the topology says
    max_instances: int = Field(default=100, ge=1, le=1000)  # per function and region
    gradual_releases: bool = True  # a new revision gets its traffic step by step
    protect: bool = True  # stateful resources refuse to be deleted
    hsm: bool = True  # False: software keys, for stacks without real content
    cdns: tuple[CdnConfig, ...] = Field(min_length=1)
    keys: dict[str, tuple[str, ...]] = Field(repr=False)  # secret -> payloads of versions 1, 2, …
    keys_in_use: dict[str, int] = {}  # secret -> version; the last one where absent
    upload_key_generation: int = Field(default=1, ge=1)  # a higher one replaces the account's key
    alert_emails: tuple[str, ...] = Field(min_length=1)
    budget: Budget | None = None
    ci_repository: str | None = Field(default=None, pattern=r"^[\w.-]+/[\w.-]+$")
    keep_successes: float = Field(default=0.05, ge=0.01, le=0.1)  # F304: of logs and traces
    log_retention_days: int = Field(default=30, ge=1, le=3650)

    @property
    def home(self) -> str:
        """The home region."""
        return self.regions[0]

    @property
    def events_in(self) -> str:
        """The region that handles events and runs jobs."""
        return self.events_region or self.home

    @property
    def spanner_in(self) -> str:
        """The region of search's Spanner instance."""
        return self.spanner.region or self.home

    @property
    def url(self) -> str:
        """Base URL of the Web API and the web player."""
        return f"https://{self.domain}"

    @property
    def cdn_domain(self) -> str:
        """Host of our own CDN: images, previews and, signed, the audio."""
        return f"cdn.{self.domain}"

    @property
    def media_domain(self) -> str:
        """Host of Media CDN, where the stack has one."""
        return f"media.{self.domain}"

    def base_url(self, cdn: CdnConfig) -> str:
        """Where `cdn` answers, without a slash at the end."""
        if cdn.provider == "cloud_cdn":
            return f"https://{self.cdn_domain}"
        if cdn.provider == "media_cdn":
            return f"https://{self.media_domain}"
        assert cdn.base_url is not None  # checked by `parse`
        return cdn.base_url

    def key_version(self, secret: str) -> int:
        """The version of `secret` in use, from 1."""
        return self.keys_in_use.get(secret, len(self.keys[secret]))

    def token_jwks(self) -> dict[str, list[dict[str, str]]]:
        """The public halves of every token key that is not retired: while one replaces another,
        tokens of both are good."""
        return {
            "keys": [
                {name: value for name, value in json.loads(payload).items() if name != "d"}
                for payload in self.keys[TOKEN_SIGNING_KEY]
                if payload != RETIRED
            ]
        }

    @classmethod
    def parse(cls, stack: str, project: str | None, values: Mapping[str, Any]) -> StackConfig:
        """The configuration of `stack`: `project` as `gcp:project` has it, `values` by their names
        in the namespace `segue`.

        Raises ConfigError with one line per mistake, all at once.
        """
        mistakes = [] if project else ["gcp:project: missing"]
        if project and not PROJECT_ID.fullmatch(project):
            mistakes.append(f"gcp:project: {project!r} is not a project id")
        unset = {"keys": {}, **values, "stack": stack, "project": project or "missing"}
        try:
            config = cls.model_validate(unset)
        except ValidationError as error:
            for detail in error.errors(include_input=False):  # an input may be a key
                where = ".".join(str(part) for part in detail["loc"])
                message = "missing" if detail["type"] == "missing" else detail["msg"]
                if detail["type"] == "extra_forbidden":
                    message = "is no setting of a stack"
                mistakes.append(f"segue:{where}: {message}")
            # What could be read is checked still, so that the one message is whole.
            config = cls.model_construct(**_readable(cls, unset))
        mistakes += _mistakes(config)
        if mistakes:
            lines = "\n".join(f"  {mistake}" for mistake in dict.fromkeys(mistakes))
            raise ConfigError(
                f"stack {stack!r} cannot be built:\n{lines}\n"
                f"Set a value with `pulumi config set --stack {stack} NAME VALUE`; "
                f"`nox -s keys -- --stack {stack}` makes the keys that are missing."
            )
        return config


def required_keys(cdns: tuple[CdnConfig, ...]) -> tuple[str, ...]:
    """Names of the secrets whose payloads the stack must be given: the topology's own, and one for
    each CDN. Those of a service account are made with it."""
    fixed = [s.name for s in topology.SECRETS if not s.dynamic and s.account_key is None]
    return (*fixed, *(cdn.secret for cdn in cdns))


def _readable(model: type[StackConfig], values: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of `values` that are valid by themselves."""
    read: dict[str, Any] = {}
    for name, field in model.model_fields.items():
        given = values.get(field.alias or name)
        if given is not None:
            with contextlib.suppress(ValidationError):
                kind: Any = field.annotation
                if field.metadata:
                    kind = Annotated[kind, *field.metadata]
                read[name] = TypeAdapter(kind).validate_python(given)
    return read


def _mistakes(config: StackConfig) -> list[str]:
    """What fields say against one another; a field that could not be read is passed over."""
    found: list[str] = []

    def known(name: str, value: str | None, places: frozenset[str]) -> None:
        if value is not None and value not in places:
            found.append(f"segue:{name}: unknown location {value!r}; known: {_some(places)}")

    regions = getattr(config, "regions", ())
    for region in regions:
        known("regions", region, REGIONS)
    if len(set(regions)) < len(regions):
        found.append("segue:regions: a region stands twice")
    if config.events_region and config.events_region not in regions:
        found.append(f"segue:eventsRegion: {config.events_region!r} is not among the regions")
    for zone, location in getattr(config, "residency", {}).items():
        known(f"residency.{zone}", location, FIRESTORE_LOCATIONS)
        if not re.fullmatch(r"[a-z]{2,10}", zone):
            found.append(f"segue:residency.{zone}: a zone has 2 to 10 letters a-z")
    for name in ("storage_location", "warehouse_location", "warehouse_replica"):
        known(to_camel(name), getattr(config, name, None), STORAGE_LOCATIONS)
    found += [
        f"segue:alertEmails: {email!r} is not an address"
        for email in getattr(config, "alert_emails", ())
        if not EMAIL.fullmatch(email)
    ]
    scale = config.bigtable
    if scale.max_nodes < scale.min_nodes:
        found.append("segue:bigtable: maxNodes is below minNodes")
    found += _spanner_mistakes(config) + _spark_mistakes(config)
    cdns = getattr(config, "cdns", ())
    return found + _cdn_mistakes(cdns) + _key_mistakes(config, cdns)


def _spanner_mistakes(config: StackConfig) -> list[str]:
    scale = config.spanner
    if scale.region and scale.region not in REGIONS:
        return [f"segue:spanner.region: unknown location {scale.region!r}; known: {_some(REGIONS)}"]
    if scale.max_units < scale.min_units:
        return ["segue:spanner: maxUnits is below minUnits"]
    if scale.min_units < scale.max_units and scale.min_units < 1_000:
        return ["segue:spanner: an instance that grows has 1,000 minUnits at least"]
    return [
        f"segue:spanner.{to_camel(name)}: a multiple of 100, from 1,000 on of 1,000"
        for name in ("min_units", "max_units")
        if (units := getattr(scale, name)) % (100 if units < 1_000 else 1_000)
    ]


def _spark_mistakes(config: StackConfig) -> list[str]:
    if not config.spark_training:
        return []
    if not config.spark_subnetwork:
        return ["segue:sparkSubnetwork: missing; Spark's machines want one (segue:sparkTraining)"]
    region = config.spark_subnetwork.split("/")[3]
    events_in = config.events_region or next(iter(getattr(config, "regions", ())), region)
    if region != events_in:
        return [f"segue:sparkSubnetwork: in {region}, and jobs run in {events_in}"]
    return []


def _cdn_mistakes(cdns: tuple[CdnConfig, ...]) -> list[str]:
    names = [cdn.name for cdn in cdns]
    found = ["segue:cdns: a name stands twice"] if len(set(names)) < len(names) else []
    found += [
        f"segue:cdns: {provider} stands twice; a stack has one"
        for provider in ("cloud_cdn", "media_cdn")
        if sum(cdn.provider == provider for cdn in cdns) > 1
    ]
    for cdn in cdns:
        if cdn.ours and cdn.base_url is not None:
            found.append(f"segue:cdns.{cdn.name}.baseUrl: the stack itself decides it; remove it")
        if not cdn.ours and cdn.base_url is None:
            found.append(f"segue:cdns.{cdn.name}.baseUrl: missing; its host at {cdn.provider}")
    return found


def _key_mistakes(config: StackConfig, cdns: tuple[CdnConfig, ...]) -> list[str]:
    found = []
    keys: dict[str, tuple[str, ...]] = getattr(config, "keys", {})
    required = required_keys(cdns)
    providers: dict[str, str] = {cdn.secret: cdn.provider for cdn in cdns}
    for name in sorted(set(required) | set(keys)):
        payloads = keys.get(name, ())
        if name not in required:
            found.append(f"segue:keys.{name}: neither a secret of the topology nor a CDN's key")
            continue
        if not payloads:
            found.append(f"segue:keys.{name}: missing")
            continue
        for index, payload in enumerate(payloads):
            wrong = payload != RETIRED and _payload_mistake(name, providers.get(name), payload)
            if wrong:
                found.append(f"segue:keys.{name}[{index}]: {wrong}")
        in_force = len(payloads) - payloads.count(RETIRED)
        if providers.get(name) in ("cloud_cdn", "media_cdn") and in_force > MAX_CDN_KEYS:
            found.append(
                f"segue:keys.{name}: {in_force} versions are in force, and the CDN holds "
                f"{MAX_CDN_KEYS}; retire the oldest"
            )
        used = config.keys_in_use.get(name, len(payloads))
        if not 1 <= used <= len(payloads):
            found.append(f"segue:keysInUse.{name}: there is no version {used}")
        elif payloads[used - 1] == RETIRED:
            found.append(f"segue:keys.{name}: version {used} is in use and retired")
    unknown = sorted(set(config.keys_in_use) - set(keys))
    return found + [f"segue:keysInUse.{name}: no such key in segue:keys" for name in unknown]


def _payload_mistake(name: str, provider: str | None, payload: str) -> str | None:
    """What is wrong with a key; never its text."""
    if name == TOKEN_SIGNING_KEY:
        try:
            key = json.loads(payload)
            good = (key["kty"], key["crv"]) == ("EC", "P-256") and all(
                isinstance(key[part], str) for part in ("x", "y", "d", "kid")
            )
        except (ValueError, KeyError, TypeError):
            good = False
        return None if good else "not a private EC P-256 key in JWK format with a `kid`"
    if provider == "cloud_cdn":
        return None if _decoded_length(payload) == 16 else "not 16 bytes in padded base64url"
    if provider == "media_cdn":
        return None if _decoded_length(payload) == 32 else "not an Ed25519 seed in base64url"
    if provider == "cloudfront":
        return None if "PRIVATE KEY-----" in payload else "not a private key in PEM format"
    if provider in ("akamai", "fastly", "segue"):
        return None if re.fullmatch(r"([0-9a-fA-F]{2}){32}", payload) else "not 32 bytes in hex"
    return None if len(payload) >= 32 else "shorter than 32 characters"


def _decoded_length(text: str) -> int:
    try:
        return len(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (ValueError, binascii.Error):
        return -1


def _some(places: frozenset[str]) -> str:
    listed = sorted(places)
    return ", ".join(listed[:8]) + (f" and {len(listed) - 8} more" if len(listed) > 8 else "")
