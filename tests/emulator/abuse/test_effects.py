"""What a verdict does: tokens say so, limits are a quarter, plays are kept and not counted."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from joserfc import jwt

from emulators.processes import free_port
from functions.catalog.main import app as catalog_app
from shared.abuse import service
from shared.history import service as history
from shared.history.models import ReportedEvent
from shared.history.store import counts
from shared.platform import auth, clients
from shared.platform.auth import verify_access_token
from shared.platform.ids import random_id
from shared.platform.rate_limits import LIMITS, SUSPECTED_SHARE
from shared.topology import RateClass
from tests import local_settings
from tests.emulator.accounts.conftest import (
    GetCode,
    Person,
    apps,
    browser,
    cheap_passwords,
    code_form,
    get_code,
    person,
    tokens,
)
from tests.emulator.history.conftest import played
from tests.emulator.history.test_events import Pull, pull

__all__ = ["apps", "browser", "cheap_passwords", "get_code", "person", "pull"]  # fixtures


def token(user_id: str, **claims: Any) -> str:
    made = {
        "iss": f"{local_settings.PUBLIC_URL}/accounts",
        "aud": auth.AUDIENCE,
        "sub": user_id,
        "client_id": "an-app",
        "scope": "streaming",
        "tier": "free",
        "country": "DE",
        "exp": int(time.time()) + 3600,
        **claims,
    }
    header = {"alg": "ES256", "kid": "test-1", "typ": "at+jwt"}
    return jwt.encode(header, made, local_settings.signing_key(), algorithms=["ES256"])


async def test_tokens_of_a_suspected_account_say_so_until_it_is_cleared(
    browser: httpx.AsyncClient, person: Person, get_code: GetCode
) -> None:
    async def minted() -> tuple[str, str]:
        answer = await tokens(browser, code_form(await get_code()))
        return answer["access_token"], answer["refresh_token"]

    access, refresh = await minted()
    assert not verify_access_token(access).suspected
    await service.overrule(person.user.id, "suspected", "a test")
    form = {"grant_type": "refresh_token", "refresh_token": refresh, "client_id": "public-app"}
    refreshed = await tokens(browser, form)
    assert verify_access_token(refreshed["access_token"]).suspected
    assert verify_access_token((await minted())[0]).suspected
    await service.overrule(person.user.id, "cleared", "a test")
    assert not verify_access_token((await minted())[0]).suspected


async def test_somebody_elses_refresh_token_beside_the_code_hides_nothing(
    browser: httpx.AsyncClient, person: Person, get_code: GetCode
) -> None:
    """A grant reads every token in the form; whose token is minted is what counts."""
    other = (await tokens(browser, code_form(await get_code())))["refresh_token"]
    await service.overrule(person.user.id, "suspected", "a test")
    form = {**code_form(await get_code()), "refresh_token": other}
    assert verify_access_token((await tokens(browser, form))["access_token"]).suspected


async def test_a_store_that_does_not_answer_keeps_nobody_from_signing_in(
    firestore: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", f"127.0.0.1:{free_port()}")
    clients._per_loop.clear()
    started = time.monotonic()
    assert not await service.is_suspected(random_id())
    assert time.monotonic() - started < 5
    clients._per_loop.clear()


@pytest.fixture
def limits(settings_env: pytest.MonkeyPatch) -> Iterator[None]:
    """The limits of production, which other tests do without."""
    settings_env.setenv("SEGUE_RATE_LIMIT_SCALE", "1")
    settings_env.setenv("SEGUE_RATE_LIMIT_PATIENCE_S", "20")  # a busy machine is no failing store
    local_settings.forget_settings()
    yield
    settings_env.delenv("SEGUE_RATE_LIMIT_PATIENCE_S")
    settings_env.setenv("SEGUE_RATE_LIMIT_SCALE", "0")
    local_settings.forget_settings()


async def test_a_suspected_caller_has_a_quarter_of_the_limit(
    bigtable: str, firestore: str, limits: None
) -> None:
    suspected, usual, limit = random_id(), random_id(), LIMITS[RateClass.STANDARD]
    transport = httpx.ASGITransport(catalog_app)
    async with httpx.AsyncClient(transport=transport, base_url=local_settings.PUBLIC_URL) as client:

        async def statuses(user_id: str, requests: int, **claims: Any) -> list[int]:
            headers = {"authorization": f"Bearer {token(user_id, **claims)}"}
            answers = [await client.get("/v1/markets", headers=headers) for _ in range(requests)]
            return [answer.status_code for answer in answers]

        quarter = round(limit * SUSPECTED_SHARE)
        assert quarter == 25
        found = await statuses(suspected, quarter + 2, suspected=True)
        assert found == [200] * quarter + [429, 429]
        assert await statuses(usual, quarter + 2) == [200] * (quarter + 2)
        # cleared in between: the next token has the whole window again, on this instance too
        assert await statuses(suspected, 1) == [200]


@pytest.mark.parametrize("claim", ["true", 1, False, None, "yes"])
def test_only_the_claim_as_we_write_it_counts(
    settings_env: pytest.MonkeyPatch, claim: object
) -> None:
    assert not verify_access_token(token("u", suspected=claim)).suspected


async def test_what_a_suspected_caller_reports_says_so(pubsub: str, pull: Pull) -> None:
    reported = ReportedEvent(
        event_id=random_id(),
        type="play_started",
        track_id="t" * 22,
        session_id="s",
        position_ms=0,
        ts=int(time.time() * 1000),
    )
    for suspected in (True, False):
        caller = verify_access_token(token(random_id(), suspected=suspected))
        await history.accept(caller, [reported])
    assert [one.suspected for one in pull(2)] == [True, None]


async def test_suspected_plays_are_history_and_no_count(
    bigtable: str, firestore: str, pubsub: str, user_id: str
) -> None:
    track_id = random_id()
    for suspected in (None, True, True):
        await history.record(played(user_id, track_id, 60_000, suspected=suspected))
    assert (await counts.read([track_id]))[track_id] == 1
    assert len(await history.plays_since(user_id, 0, 10)) == 3


@pytest.fixture
def user_id() -> str:
    return random_id()
