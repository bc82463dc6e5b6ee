"""Google's gRPC messages on the wire, without Google's client classes.

Importing a client package costs 0.7 s and 60 MB, of which an emulator needs only the messages.
They are the very modules that the clients use, so both ends agree by construction.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import json
import os
import sys
import types
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, NoReturn

import grpc

Handler = Callable[[Any, Any], Awaitable[Any]]


def message_types(package: str, *modules: str) -> list[Any]:
    """Modules of messages, for example `message_types("google.cloud.kms_v1", "types.service")`.

    The package's own `__init__` imports its clients; while nobody has imported it, a bare module
    with the same path stands in for it and for its `types`.
    """
    for name in (package, f"{package}.types"):
        if name in sys.modules:
            continue
        parent, _, leaf = name.rpartition(".")
        search = importlib.import_module(parent).__path__
        for folder in search:
            if (Path(folder) / leaf / "__init__.py").exists():
                bare = types.ModuleType(name)
                bare.__path__ = [str(Path(folder) / leaf)]
                sys.modules[name] = bare
                break
    return [importlib.import_module(f"{package}.{module}") for module in modules]


class Refusal(Exception):
    """A call that fails with a gRPC status."""

    def __init__(self, code: grpc.StatusCode, message: str) -> None:
        super().__init__(message)
        self.code = code


def refuse(code: grpc.StatusCode, message: str) -> NoReturn:
    """Fail the call that is being answered."""
    raise Refusal(code, message)


def service(name: str, methods: Mapping[str, tuple[Handler, Any, Any]]) -> grpc.GenericRpcHandler:
    """A gRPC service: method name to its handler, request and response type (proto-plus classes
    or plain protobuf ones)."""
    return grpc.method_handlers_generic_handler(
        name,
        {
            method: grpc.unary_unary_rpc_method_handler(
                _refusing(handler),
                request_deserializer=_parser(request),
                response_serializer=_serializer(response),
            )
            for method, (handler, request, response) in methods.items()
        },
    )


def _refusing(handler: Handler) -> Handler:
    async def call(request: Any, context: Any) -> Any:
        try:
            return await handler(request, context)
        except Refusal as refusal:
            await context.abort(refusal.code, str(refusal))

    return call


def _parser(message: Any) -> Callable[[bytes], Any]:
    parse: Callable[[bytes], Any] = getattr(message, "deserialize", None) or message.FromString
    return parse


def _serializer(message: Any) -> Callable[[Any], bytes]:
    write: Callable[[Any], bytes] = getattr(message, "serialize", None) or message.SerializeToString
    return write


def save_json(path: Path, value: Any, mode: int = 0o600) -> None:
    """Write a small state file atomically, readable by its owner only."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(path.name + ".new")
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(descriptor, "w") as file:
        json.dump(value, file)
    aside.replace(path)


def load_json(path: Path) -> Any:
    """What `save_json` wrote; {} where there is nothing."""
    with contextlib.suppress(FileNotFoundError):
        return json.loads(path.read_bytes())
    return {}


def serve_until_terminated(services: Mapping[int, grpc.GenericRpcHandler]) -> None:
    """Serve each service on its port of the loopback address until SIGTERM or SIGINT."""
    import asyncio
    import signal

    import grpc.aio

    async def run() -> None:
        stopped = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stopped.set)
        servers = []
        for port, handler in services.items():
            server = grpc.aio.server(options=(("grpc.so_reuseport", 0),))
            server.add_generic_rpc_handlers((handler,))
            server.add_insecure_port(f"127.0.0.1:{port}")
            await server.start()
            servers.append(server)
        await stopped.wait()
        await asyncio.gather(*(server.stop(grace=0.5) for server in servers))

    asyncio.run(run())
