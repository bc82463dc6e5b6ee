"""Holds inputs to the provider's own types: the `…Args` classes that pulumi-gcp generates from its
schema. What a constructor does not check (plain dictionaries, wrong names below the first level,
misspelt enumerations) is found here.
"""

from __future__ import annotations

import importlib
import inspect
import re
import typing
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, get_args, get_origin

import pulumi
import pulumi_docker_build
import pulumi_gcp
from pulumi import _types

from infra.runtime import SECRET, Resource

_PACKAGES = {"gcp": pulumi_gcp, "docker-build": pulumi_docker_build}


@cache
def resource_class(token: str) -> Any:
    """The class of a type token. Raises KeyError for a type that the provider does not have."""
    package, module, name = token.split(":")
    root = _PACKAGES[package].__name__
    where = module.partition("/")[0]
    holder = importlib.import_module(root if where == "index" else f"{root}.{where}")
    found = getattr(holder, name, None)  # by name: the module is loaded when it is asked
    if getattr(found, "pulumi_type", None) != token:
        raise KeyError(f"{root} has no resource {token}")
    return found


@cache
def _arguments(class_: Any) -> Any:
    """`BucketArgs` of `Bucket`."""
    module = importlib.import_module(class_.__module__)
    return getattr(module, f"{class_.__name__}Args")


def faults(resource: Resource) -> list[str]:
    """Everything in the inputs of `resource` that its provider would not take."""
    if resource.type.startswith("pulumi:providers:"):
        return []  # its settings are texts by now, and its constructor knows their names
    try:
        arguments: Any = _arguments(resource_class(resource.type))
    except KeyError as error:
        return [str(error)]
    return list(_object_faults(arguments, resource.inputs, resource.name))


def _object_faults(arguments: Any, value: Mapping[str, Any], where: str) -> typing.Iterator[str]:
    python_names = _types.input_type_py_to_pulumi_names(arguments)
    provider_names = {pulumi_name: name for name, pulumi_name in python_names.items()}
    types = _types.input_type_types(arguments)
    required, documented = _signature(arguments)
    for name, part in value.items():
        if name not in provider_names:
            yield f"{where}.{name}: unknown to {arguments.__name__}"
            continue
        python_name = provider_names[name]
        yield from _value_faults(types[name], part, f"{where}.{name}")
        allowed = documented.get(python_name)
        if allowed and isinstance(part, str) and part not in allowed | {"", SECRET}:
            yield f"{where}.{name}: {part!r} is none of {sorted(allowed)}"
    for python_name in required:
        if python_names[python_name] not in value:
            yield f"{where}.{python_names[python_name]}: missing"


@cache
def _signature(arguments: Any) -> tuple[frozenset[str], dict[str, frozenset[str]]]:
    """Required parameters, and the values that the documentation enumerates for a parameter."""
    parameters = inspect.signature(arguments.__init__).parameters
    required = {
        name
        for name, parameter in parameters.items()
        if parameter.default is inspect.Parameter.empty and not name.startswith("__")
    } - {"self"}
    documented: dict[str, frozenset[str]] = {}
    text = arguments.__init__.__doc__ or ""
    for part in " ".join(text.split()).split(":param ")[1:]:
        head = re.match(r"pulumi\.Input\[.*?\] (\w+): ", part)
        listed = re.search(r"[Pp]ossible values are: ((?:`[^`]+`(?:, | and )?)+)\.?", part)
        if head and listed:
            documented[head[1]] = frozenset(re.findall(r"`([^`]+)`", listed[1]))
    return frozenset(required), documented


def _value_faults(type_: Any, value: Any, where: str) -> typing.Iterator[str]:
    type_ = _plain(type_)
    if value is None or value == SECRET:
        return
    origin = get_origin(type_)
    if isinstance(type_, type) and _types.is_input_type(type_):
        if isinstance(value, Mapping):
            yield from _object_faults(type_, value, where)
        else:
            yield f"{where}: {type(value).__name__} in the place of {type_.__name__}"
    elif origin in (list, Sequence, typing.Sequence) or origin is Sequence:
        if not isinstance(value, list):
            yield f"{where}: {type(value).__name__} in the place of a list"
            return
        for index, part in enumerate(value):
            yield from _value_faults(get_args(type_)[0], part, f"{where}[{index}]")
    elif origin in (dict, Mapping) or origin is Mapping:
        if not isinstance(value, Mapping):
            yield f"{where}: {type(value).__name__} in the place of a mapping"
            return
        for name, part in value.items():
            yield from _value_faults(get_args(type_)[1], part, f"{where}.{name}")
    elif type_ in (str, int, float, bool) and not _is_scalar(type_, value):
        yield f"{where}: {type(value).__name__} {value!r} in the place of {type_.__name__}"


def _is_scalar(type_: type[Any], value: Any) -> bool:
    """Numbers cross Pulumi's wire as doubles."""
    if type_ is bool or isinstance(value, bool):
        return type_ is bool and isinstance(value, bool)
    if type_ is int:
        return isinstance(value, (int, float)) and value == int(value)
    if type_ is float:
        return isinstance(value, (int, float))
    return isinstance(value, str)


def _plain(type_: Any) -> Any:
    """The type inside `Input[Optional[…]]`, which is a union with awaitables and outputs."""
    unwrapped = _types.unwrap_type(type_)
    if get_origin(unwrapped) is typing.Union:
        plain = [part for part in get_args(unwrapped) if part is not type(None)]
        plain = [part for part in plain if get_origin(part) is not pulumi.Output]
        return _plain(plain[0]) if plain else Any
    return unwrapped
