from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from joserfc.jwk import ECKey

from shared import topology
from shared.platform.auth import verify_access_token
from shared.platform.errors import Unauthenticated
from tests import local_settings
from tests.emulator.accounts.conftest import CONFIDENTIAL, SECRET, Person, tokens
from tests.emulator.conftest import store_secret

OWN = {"grant_type": "client_credentials"}
Deploy = Callable[..., None]


@pytest.fixture
def deploy(secrets: str, settings_env: pytest.MonkeyPatch) -> Iterator[Deploy]:
    """A second version of the signing key is stored. Deploys with one version pinned and some
    keys published."""
    new = ECKey.generate_key("P-256", {"kid": "test-2", "use": "sig", "alg": "ES256"})
    payload = json.dumps(new.as_dict(private=True)).encode()
    store_secret(secrets, topology.TOKEN_SIGNING_KEY.name, payload)
    public = [key.as_dict(private=False) for key in (local_settings.signing_key(), new)]
    before = local_settings.variables()["SEGUE_TOKEN_JWKS"]

    def set_to(version: int, *kids: str) -> None:
        keys: list[Any] = [key for key in public if key["kid"] in kids]
        settings_env.setenv("SEGUE_TOKEN_JWKS", json.dumps({"keys": keys}))
        pinned = {topology.TOKEN_SIGNING_KEY.name: version}
        settings_env.setenv("SEGUE_SECRET_VERSIONS", json.dumps(pinned))
        local_settings.forget_settings()

    yield set_to
    settings_env.setenv("SEGUE_TOKEN_JWKS", before)
    settings_env.delenv("SEGUE_SECRET_VERSIONS")
    local_settings.forget_settings()


async def test_a_key_is_replaced_without_refusing_a_good_token(
    browser: httpx.AsyncClient, person: Person, deploy: Deploy
) -> None:
    async def issue() -> str:
        return str((await tokens(browser, OWN, (CONFIDENTIAL, SECRET)))["access_token"])

    old = await issue()
    deploy(1, "test-1", "test-2")  # first every verifier learns the new key
    assert verify_access_token(await issue()).client_id == CONFIDENTIAL
    published = (await browser.get("/accounts/.well-known/jwks.json")).json()["keys"]
    assert [key["kid"] for key in published] == ["test-1", "test-2"]
    deploy(2, "test-1", "test-2")  # then accounts signs with it
    new = await issue()
    for token in (old, new):
        assert verify_access_token(token).client_id == CONFIDENTIAL
    deploy(2, "test-2")  # and an hour later the old one is dropped
    assert verify_access_token(new).client_id == CONFIDENTIAL
    with pytest.raises(Unauthenticated):
        verify_access_token(old)
    deploy(1, "test-2")  # nobody signs with a key that no verifier knows
    with pytest.raises(RuntimeError, match="not among the public keys"):
        await issue()
