"""Runs the Pulumi program on Pulumi's own mocks: the whole resource tree of a stack without a cloud
account and without Pulumi's engine. `nox -s preview` prints it, tests/infra judges it.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pulumi
from pulumi.runtime import mocks as pulumi_mocks
from pulumi.runtime import rpc

PROJECT_NUMBER = "100000000001"
PULUMI_PROJECT = "segue"
# A credentials file as IAM gives it.
_CREDENTIALS = base64.b64encode(b'{"private_key": "-----BEGIN PRIVATE KEY-----"}').decode()
OUTPUT_TIMEOUT_S = 180


class UnresolvedOutput(RuntimeError):
    """An output of the program never got a value; the message names it."""


@dataclass(frozen=True, slots=True)
class Resource:
    """A resource as the program registered it. Inputs have the provider's own names, in camel
    case; secrets among them are replaced by `SECRET`."""

    urn: str
    type: str
    name: str
    parent: str  # URN, "" for the stack
    custom: bool  # False: a component
    inputs: dict[str, Any] = field(repr=False)
    secrets: frozenset[str]  # names of the inputs that are secret
    dependencies: frozenset[str]  # URNs that it waits for, for whatever reason
    protect: bool
    retained: bool = False  # stays when the stack is destroyed
    ignored: frozenset[str] = frozenset()  # inputs of which no change is made
    patient: bool = False  # is tried again where Google does not know what it refers to yet
    settled: bool = False  # what depends on it waits until it is in force


SECRET = "[secret]"


@dataclass(frozen=True, slots=True)
class Tree:
    """What one run of the program registered, in order, and what it exported."""

    resources: tuple[Resource, ...]
    outputs: dict[str, Any]

    def of_type(self, *types: str) -> list[Resource]:
        """Resources of these type tokens, for example `gcp:storage/bucket:Bucket`."""
        return [resource for resource in self.resources if resource.type in types]

    def one(self, type_: str, name: str) -> Resource:
        """The one resource of this type and logical name. Raises KeyError."""
        found = [resource for resource in self.of_type(type_) if resource.name == name]
        if len(found) != 1:
            raise KeyError(f"{len(found)} resources {type_} are called {name!r}")
        return found[0]

    def children(self, urn: str) -> list[Resource]:
        """Resources directly below `urn`."""
        return [resource for resource in self.resources if resource.parent == urn]


class _Mocks(pulumi_mocks.Mocks):
    """Answers as the provider would where the program needs more than its inputs back."""

    def new_resource(self, args: pulumi_mocks.MockResourceArgs) -> Any:
        state = {**args.inputs, **_computed(args)}
        # A name that was not given is made up by the engine.
        state.setdefault("name", args.name)
        return f"{args.name}-id", state

    def call(self, args: pulumi_mocks.MockCallArgs) -> Any:
        known: dict[str, dict[str, Any]] = {
            "gcp:organizations/getProject:getProject": {"number": PROJECT_NUMBER},
            "gcp:organizations/getClientConfig:getClientConfig": {"accessToken": "token"},
            "gcp:storage/getProjectServiceAccount:getProjectServiceAccount": {
                "emailAddress": f"service-{PROJECT_NUMBER}@gs-project-accounts.test",
                "member": f"serviceAccount:service-{PROJECT_NUMBER}@gs-project-accounts.test",
            },
            "gcp:bigquery/getDefaultServiceAccount:getDefaultServiceAccount": {
                "email": f"bq-{PROJECT_NUMBER}@bigquery-encryption.test",
                "member": f"serviceAccount:bq-{PROJECT_NUMBER}@bigquery-encryption.test",
            },
        }
        if args.token not in known:
            raise NotImplementedError(f"infra/runtime.py has no answer for {args.token}")
        return {**args.args, **known[args.token]}


def _computed(args: pulumi_mocks.MockResourceArgs) -> dict[str, Any]:
    """Outputs that the provider computes and the program uses."""
    name, inputs = args.name, args.inputs
    project = inputs.get("project", "project")
    match args.typ:
        case "gcp:serviceaccount/account:Account":
            email = f"{inputs['accountId']}@{project}.iam.gserviceaccount.com"
            return {"email": email, "member": f"serviceAccount:{email}"}
        case "gcp:serviceaccount/key:Key":
            return {"privateKey": _CREDENTIALS}
        case "gcp:projects/iAMCustomRole:IAMCustomRole":
            return {"name": f"projects/{project}/roles/{inputs['roleId']}"}
        case "gcp:iam/workloadIdentityPool:WorkloadIdentityPool":
            pool = inputs["workloadIdentityPoolId"]
            place = f"projects/{PROJECT_NUMBER}/locations/global"
            return {"name": f"{place}/workloadIdentityPools/{pool}"}
        case "gcp:secretmanager/secretVersion:SecretVersion":
            return {"version": name.rpartition("-")[2]}
        case "gcp:cloudfunctionsv2/function:Function":
            host = f"{name}-{PROJECT_NUMBER}.run.app"
            service = dict(inputs.get("serviceConfig", {}))
            service |= {"uri": f"https://{host}", "service": inputs.get("name", name)}
            return {"url": f"https://{host}", "serviceConfig": service}
        case "gcp:compute/globalAddress:GlobalAddress":
            six = inputs.get("ipVersion") == "IPV6"
            return {"address": "2001:db8::10" if six else "203.0.113.10"}
        case "gcp:networkservices/edgeCacheService:EdgeCacheService":
            return {"ipv4Addresses": ["203.0.113.20"], "ipv6Addresses": ["2001:db8::20"]}
        case "gcp:storage/hmacKey:HmacKey":
            return {"accessId": f"GOOG{name}", "secret": f"secret of {name}"}
        case "gcp:certificatemanager/dnsAuthorization:DnsAuthorization":
            record = {"name": f"_acme.{inputs['domain']}.", "type": "CNAME", "data": "test."}
            return {"dnsResourceRecords": [record]}
        case "gcp:bigquery/dataset:Dataset":
            return {"creationTime": 1_700_000_000_000}
        case "gcp:monitoring/customService:CustomService":
            return {"serviceId": inputs.get("serviceId", name)}
        case "docker-build:index:Image":
            tag = (inputs.get("tags") or [name])[0]
            return {"ref": f"{tag}@sha256:{'0' * 64}", "digest": f"sha256:{'0' * 64}"}
    return {"selfLink": f"https://www.googleapis.com/{args.typ.split(':')[1]}/{name}"}


class _Monitor(pulumi_mocks.MockMonitor):
    """Keeps what the engine would be told of each resource."""

    def __init__(self, mocks: pulumi_mocks.Mocks) -> None:
        super().__init__(mocks)
        self.registered: list[Resource] = []

    def RegisterResource(self, request: Any) -> Any:
        answer = super().RegisterResource(request)  # type: ignore[no-untyped-call]
        if request.type != "pulumi:pulumi:Stack":
            inputs = rpc.deserialize_properties(request.object, keep_unknowns=True)
            secrets = frozenset(name for name, value in inputs.items() if _holds_secret(value))
            depends = set(request.dependencies)
            for property_ in request.propertyDependencies.values():
                depends.update(property_.urns)
            self.registered.append(
                Resource(
                    urn=answer.urn,
                    type=request.type,
                    name=request.name,
                    parent="" if "pulumi:pulumi:Stack::" in request.parent else request.parent,
                    custom=bool(request.custom),
                    inputs={name: _without_secrets(value) for name, value in inputs.items()},
                    secrets=secrets,
                    dependencies=frozenset(depends),
                    protect=bool(request.protect),
                    retained=bool(request.retainOnDelete),
                    ignored=frozenset(request.ignoreChanges),
                    patient=bool(request.hooks.on_error),
                    settled=bool(request.hooks.after_create),
                )
            )
        return answer


def _holds_secret(value: Any) -> bool:
    if rpc.is_rpc_secret(value):
        return True
    if isinstance(value, dict):
        return any(_holds_secret(part) for part in value.values())
    return isinstance(value, list) and any(_holds_secret(part) for part in value)


def _without_secrets(value: Any) -> Any:
    if rpc.is_rpc_secret(value):
        return SECRET
    if isinstance(value, dict):
        return {name: _without_secrets(part) for name, part in value.items()}
    if isinstance(value, list):
        return [_without_secrets(part) for part in value]
    return value


def run_on_mocks(
    program: Callable[[], Mapping[str, Any] | None],
    *,
    stack: str,
    config: Mapping[str, str] | None = None,
) -> Tree:
    """Runs `program`, which declares resources and returns the stack's outputs, and waits for every
    output. `config` holds the provider's own settings (`gcp:project`).

    Raises whatever the program raises, and UnresolvedOutput where an output never gets a value.
    """
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    monitor = _Monitor(_Mocks())
    pulumi_mocks.set_mocks(
        _Mocks(), project=PULUMI_PROJECT, stack=stack, preview=False, monitor=monitor
    )
    pulumi.runtime.set_all_config(dict(config or {}))
    exported: dict[str, Any] = {}

    def declare() -> None:
        exported.update(program() or {})

    try:
        loop.run_until_complete(_run(declare))
        outputs = loop.run_until_complete(_resolved(exported))
    finally:
        loop.close()
    return Tree(tuple(monitor.registered), outputs)


async def _run(declare: Callable[[], None]) -> None:
    """Runs it until the last resource is registered, with every output among its inputs."""
    try:
        async with asyncio.timeout(OUTPUT_TIMEOUT_S):
            await pulumi.runtime.stack.run_pulumi_func(declare)
    except TimeoutError:
        raise UnresolvedOutput("an output among the inputs was never resolved") from None


async def _resolved(exported: Mapping[str, Any]) -> dict[str, Any]:
    values = {}
    for name, value in exported.items():
        output = pulumi.Output.from_input(value)
        try:
            async with asyncio.timeout(OUTPUT_TIMEOUT_S):
                if not await output.is_known():
                    raise UnresolvedOutput(f"the output {name} has no known value")
                # As the engine is told of it, which takes less than Python does.
                told = await rpc.serialize_property(value, [], name)
                values[name] = _without_secrets(told)
        except TimeoutError:
            raise UnresolvedOutput(f"the output {name} was never resolved") from None
    return values
