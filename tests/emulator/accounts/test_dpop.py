from __future__ import annotations

import asyncio

import httpx
import pytest

from shared import topology
from shared.platform import clients
from shared.platform.auth import verify_access_token
from tests.emulator.accounts.conftest import (
    CALLBACK,
    CONFIDENTIAL,
    PUBLIC,
    SECRET,
    GetCode,
    Person,
    code_form,
    fault_of,
)
from tests.local_settings import PUBLIC_URL
from tests.unit.accounts.prover import Prover

TOKEN_URL = f"{PUBLIC_URL}/accounts/api/token"
RESOURCE = f"{PUBLIC_URL}/accounts/api/register"  # asks for a token, as every API operation does
APP = {"client_name": "Mine", "redirect_uris": [CALLBACK]}


async def ask(
    browser: httpx.AsyncClient,
    form: dict[str, str],
    *proofs: str,
    auth: tuple[str, str] | None = None,
) -> httpx.Response:
    headers = [("dpop", proof) for proof in proofs]
    return await browser.post(TOKEN_URL, data=form, headers=headers, auth=auth)


async def bound(
    browser: httpx.AsyncClient, get_code: GetCode, prover: Prover, **changes: str
) -> dict[str, str]:
    form = code_form(await get_code(**changes))
    response = await ask(browser, form, prover.prove("POST", TOKEN_URL))
    assert response.status_code == 200, response.text
    issued: dict[str, str] = response.json()
    return issued


def refresh_form(token: str) -> dict[str, str]:
    return {"grant_type": "refresh_token", "refresh_token": token, "client_id": PUBLIC}


async def use(browser: httpx.AsyncClient, scheme: str, token: str, *proofs: str) -> httpx.Response:
    headers = [("authorization", f"{scheme} {token}"), *(("dpop", proof) for proof in proofs)]
    return await browser.post(RESOURCE, json=APP, headers=headers)


async def test_a_proof_binds_the_tokens_to_its_key(
    browser: httpx.AsyncClient, get_code: GetCode
) -> None:
    prover = Prover()
    issued = await bound(browser, get_code, prover)
    assert issued["token_type"] == "DPoP"
    principal = verify_access_token(issued["access_token"])
    assert principal.key_thumbprint == prover.thumbprint
    proof = prover.prove("POST", RESOURCE, issued["access_token"])
    assert (await use(browser, "DPoP", issued["access_token"], proof)).status_code == 201


async def test_a_stolen_token_is_worth_nothing_without_the_key(
    browser: httpx.AsyncClient, get_code: GetCode
) -> None:
    prover, thief = Prover(), Prover()
    token = (await bound(browser, get_code, prover))["access_token"]
    for scheme, proofs in (
        ("Bearer", []),
        ("Bearer", [prover.prove("POST", RESOURCE, token)]),
        ("DPoP", []),
        ("DPoP", [thief.prove("POST", RESOURCE, token)]),
        ("DPoP", [prover.prove("GET", RESOURCE, token)]),
        ("DPoP", [prover.prove("POST", TOKEN_URL, token)]),
        ("DPoP", [prover.prove("POST", RESOURCE)]),
    ):
        response = await use(browser, scheme, token, *proofs)
        assert response.status_code == 401
        assert response.headers["www-authenticate"].startswith("DPoP ")


async def test_a_proof_is_used_once_also_by_many_at_once(
    browser: httpx.AsyncClient, get_code: GetCode
) -> None:
    prover = Prover()
    token = (await bound(browser, get_code, prover))["access_token"]
    proof = prover.prove("POST", RESOURCE, token)
    answers = await asyncio.gather(*(use(browser, "DPoP", token, proof) for _ in range(5)))
    assert sorted(each.status_code for each in answers) == [201, 401, 401, 401, 401]
    replayed = await use(browser, "DPoP", token, proof)
    assert "used before" in replayed.headers["www-authenticate"]
    another = prover.prove("POST", RESOURCE, token)
    assert (await use(browser, "DPoP", token, another)).status_code == 201


async def test_what_is_kept_of_a_proof_names_when_it_may_go(
    browser: httpx.AsyncClient, get_code: GetCode
) -> None:
    await bound(browser, get_code, Prover())
    async for kept in clients.collection(topology.DPOP_PROOFS).limit(3).stream():
        assert set(kept.to_dict()) == {"expires_at"}
        assert kept.to_dict()["expires_at"].tzinfo is not None


async def test_a_public_apps_refresh_token_is_bound_as_well(
    browser: httpx.AsyncClient, get_code: GetCode
) -> None:
    prover, thief = Prover(), Prover()
    issued = await bound(browser, get_code, prover)
    form = refresh_form(issued["refresh_token"])
    assert fault_of(await ask(browser, form)) == "invalid_dpop_proof"
    stolen = await ask(browser, form, thief.prove("POST", TOKEN_URL))
    assert fault_of(stolen) == "invalid_dpop_proof"
    renewed = await ask(browser, form, prover.prove("POST", TOKEN_URL))
    assert renewed.json()["token_type"] == "DPoP"  # and the thief's try has ended nothing
    thumbprint = verify_access_token(renewed.json()["access_token"]).key_thumbprint
    assert thumbprint == prover.thumbprint


async def test_a_confidential_app_may_change_its_key(
    browser: httpx.AsyncClient, get_code: GetCode
) -> None:
    first, second, auth = Prover(), Prover(), (CONFIDENTIAL, SECRET)
    code = await get_code(CONFIDENTIAL)
    form = code_form(code, None)
    issued = await ask(browser, form, first.prove("POST", TOKEN_URL), auth=auth)
    refresh = {"grant_type": "refresh_token", "refresh_token": issued.json()["refresh_token"]}
    renewed = await ask(browser, refresh, second.prove("POST", TOKEN_URL), auth=auth)
    token = renewed.json()["access_token"]
    assert verify_access_token(token).key_thumbprint == second.thumbprint


async def test_an_apps_own_token_can_be_bound(browser: httpx.AsyncClient, person: Person) -> None:
    prover, form = Prover(), {"grant_type": "client_credentials"}
    proof = prover.prove("POST", TOKEN_URL)
    issued = await ask(browser, form, proof, auth=(CONFIDENTIAL, SECRET))
    token = issued.json()["access_token"]
    assert verify_access_token(token).key_thumbprint == prover.thumbprint


@pytest.mark.parametrize(
    "proofs",
    [
        ["text"],
        [""],
        [Prover().prove("POST", TOKEN_URL), Prover().prove("POST", TOKEN_URL)],
        [Prover().prove("GET", TOKEN_URL)],
        [Prover().prove("POST", RESOURCE)],
        [Prover().prove("POST", TOKEN_URL, iat=1)],
    ],
)
async def test_a_faulty_proof_is_told_and_burns_no_code(
    browser: httpx.AsyncClient, get_code: GetCode, proofs: list[str]
) -> None:
    form = code_form(await get_code())
    assert fault_of(await ask(browser, form, *proofs)) == "invalid_dpop_proof"
    assert (await ask(browser, form)).status_code == 200


async def test_a_proof_at_the_token_endpoint_is_used_once(
    browser: httpx.AsyncClient, get_code: GetCode
) -> None:
    proof = Prover().prove("POST", TOKEN_URL)
    assert (await ask(browser, code_form(await get_code()), proof)).status_code == 200
    again = await ask(browser, code_form(await get_code()), proof)
    assert fault_of(again) == "invalid_dpop_proof"
    assert "used before" in again.json()["error_description"]


async def test_a_code_can_be_bound_before_it_is_issued(
    browser: httpx.AsyncClient, get_code: GetCode
) -> None:
    prover, thief = Prover(), Prover()
    form = code_form(await get_code(dpop_jkt=prover.thumbprint))
    assert fault_of(await ask(browser, form)) == "invalid_dpop_proof"
    stolen = await ask(browser, form, thief.prove("POST", TOKEN_URL))
    assert fault_of(stolen) == "invalid_dpop_proof"
    assert (await ask(browser, form, prover.prove("POST", TOKEN_URL))).status_code == 200
