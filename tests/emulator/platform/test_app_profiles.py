"""Which Bigtable app profile a call goes by, as it arrives at a server: the emulator knows none.

A conditional write is refused by a profile that may choose among clusters, and what it was counted
by must be read where it was counted.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

import grpc
import grpc.aio
import pytest
from google.cloud.bigtable_v2.types import (
    CheckAndMutateRowRequest,
    CheckAndMutateRowResponse,
    MutateRowRequest,
    MutateRowResponse,
    ReadRowsRequest,
)

from shared import topology
from shared.history.models import Play
from shared.history.store import counts, plays
from shared.platform import rate_limits
from shared.platform.errors import RateLimited
from shared.platform.ids import random_id
from shared.topology import RateClass
from tests import local_settings

PROFILE = "transactions-europe-west1"
INSTANCE = f"projects/{local_settings.PROJECT}/instances/segue-tables"


@dataclass
class Recorder:
    """A Bigtable that notes each call: method, table, and profile of request and routing header."""

    matched: bool = False
    calls: list[tuple[str, str, str]] = field(default_factory=list)

    def _note(self, method: str, request: Any, context: Any) -> None:
        headers = dict(context.invocation_metadata())
        routing = parse_qs(headers["x-goog-request-params"])
        # The service routes by the header before it reads the request.
        assert routing["app_profile_id"] == [request.app_profile_id]
        instance, _, table = request.table_name.partition("/tables/")
        assert instance == INSTANCE
        self.calls.append((method, table, request.app_profile_id))

    async def _change(self, request: Any, context: Any) -> CheckAndMutateRowResponse:
        self._note("CheckAndMutateRow", request, context)
        return CheckAndMutateRowResponse(predicate_matched=self.matched)

    async def _mutate(self, request: Any, context: Any) -> MutateRowResponse:
        self._note("MutateRow", request, context)
        return MutateRowResponse()

    async def _read(self, request: Any, context: Any) -> AsyncIterator[Any]:
        self._note("ReadRows", request, context)
        return
        yield

    def handlers(self) -> grpc.GenericRpcHandler:
        unary, stream = grpc.unary_unary_rpc_method_handler, grpc.unary_stream_rpc_method_handler
        methods = {
            "CheckAndMutateRow": unary(
                self._change,
                CheckAndMutateRowRequest.deserialize,
                CheckAndMutateRowResponse.serialize,
            ),
            "MutateRow": unary(
                self._mutate, MutateRowRequest.deserialize, MutateRowResponse.serialize
            ),
            "ReadRows": stream(self._read, ReadRowsRequest.deserialize, bytes),
        }
        return grpc.method_handlers_generic_handler("google.bigtable.v2.Bigtable", methods)


@pytest.fixture
async def recorder(settings_env: pytest.MonkeyPatch) -> AsyncIterator[Recorder]:
    """What the product's clients find in the place of Bigtable."""
    noted = Recorder()
    server = grpc.aio.server()
    server.add_generic_rpc_handlers((noted.handlers(),))
    address = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    await server.start()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SEGUE_BIGTABLE_TRANSACTIONS_PROFILE", PROFILE)
        patch.setenv("SEGUE_RATE_LIMIT_SCALE", "1")
        patch.setenv("BIGTABLE_EMULATOR_HOST", address)
        patch.setenv("SEGUE_BIGTABLE_ENDPOINT", address)
        local_settings.forget_settings()
        yield noted
    local_settings.forget_settings()
    await server.stop(None)


async def test_a_request_is_counted_and_read_at_the_regions_own_cluster(
    recorder: Recorder,
) -> None:
    recorder.matched = True  # the window is full, so what is in it is read
    with pytest.raises(RateLimited):
        await rate_limits.admit(random_id(), RateClass.SEARCH)
    assert recorder.calls == [
        ("CheckAndMutateRow", "rate_windows", PROFILE),
        ("ReadRows", "rate_windows", PROFILE),
    ]


async def test_plays_are_counted_and_folded_at_one_cluster(recorder: Recorder) -> None:
    await counts.add("track", "ada", "event")
    await counts.fold(b"track#0")
    assert set(recorder.calls) == {
        ("CheckAndMutateRow", "play_counts", PROFILE),
        ("ReadRows", "play_counts", PROFILE),
    }


async def test_counts_are_read_and_histories_kept_at_the_nearest_cluster(
    recorder: Recorder,
) -> None:
    await counts.read(["track"])
    await plays.record("ada", Play(event_id="e" * 22, track_id="track", played_at_ms=1000))
    assert set(recorder.calls) == {
        ("ReadRows", "play_counts", topology.BIGTABLE_PROFILE),
        ("MutateRow", "listening_history", topology.BIGTABLE_PROFILE),
    }
