from __future__ import annotations

from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from shared.accounts import authorization
from shared.accounts.authorization import AuthorizationRequest
from shared.accounts.errors import RejectedRequest, UntrustedRequest
from shared.accounts.models import Client

ISSUER = "https://segue.example/accounts"
CALLBACK = "https://app.example/callback"
CLIENT = Client(
    id="app", name="An App", redirect_uris=(CALLBACK,), scopes=("streaming", "user-read-email")
)
GOOD = {
    "response_type": "code",
    "client_id": "app",
    "redirect_uri": CALLBACK,
    "scope": "user-read-email streaming streaming",
    "state": "s&1",
    "code_challenge": "a" * 43,
    "code_challenge_method": "S256",
}


def ask(client: Client | None = CLIENT, **changes: str | None) -> AuthorizationRequest:
    parameters = {name: value for name, value in {**GOOD, **changes}.items() if value is not None}
    query = urlencode(parameters)
    parsed = authorization.parse_query(query)
    return authorization.authorization_request(client, parsed, query, ISSUER)


def rejected(**changes: str | None) -> dict[str, str]:
    with pytest.raises(RejectedRequest) as caught:
        ask(**changes)
    assert caught.value.location.startswith(f"{CALLBACK}?")
    query = parse_qs(urlsplit(caught.value.location).query)
    assert query["iss"] == [ISSUER]
    return {name: value for name, (value,) in query.items()}


def test_a_good_request_is_understood() -> None:
    request = ask()
    assert request.redirect_uri == CALLBACK
    assert request.scopes == ("user-read-email", "streaming")
    assert request.state == "s&1"


def test_what_is_optional_is_understood() -> None:
    request = ask(device_id="tv:1", dpop_jkt="j" * 43, show_dialog="True", prompt="login")
    assert (request.device_id, request.key_thumbprint) == ("tv:1", "j" * 43)
    assert (request.show_dialog, request.prompt) == (True, "login")
    plain = ask()
    assert (plain.device_id, plain.key_thumbprint, plain.show_dialog) == (None, None, False)


@pytest.mark.parametrize("scope", [None, "", "  "])
def test_no_scope_asks_for_nothing(scope: str | None) -> None:
    assert ask(scope=scope).scopes == ()


def test_the_one_registered_address_is_the_default() -> None:
    assert ask(redirect_uri=None).redirect_uri == CALLBACK


@pytest.mark.parametrize(
    "changes", [{"redirect_uri": "https://evil.example/"}, {"redirect_uri": f"{CALLBACK}/x"}]
)
def test_an_address_that_is_not_registered_is_never_followed(changes: dict[str, str]) -> None:
    with pytest.raises(UntrustedRequest):
        ask(**changes)


def test_an_unknown_app_is_told_to_nobody() -> None:
    with pytest.raises(UntrustedRequest):
        ask(client=None)


def test_an_app_with_several_addresses_names_one() -> None:
    several = CLIENT.model_copy(update={"redirect_uris": (CALLBACK, f"{CALLBACK}2")})
    with pytest.raises(UntrustedRequest, match="lacks"):
        ask(client=several, redirect_uri=None)


def test_a_repeated_parameter_is_refused() -> None:
    with pytest.raises(UntrustedRequest, match="repeats"):
        authorization.parse_query("client_id=a&client_id=b")


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"response_type": None}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"code_challenge": None}, "invalid_request"),
        ({"code_challenge_method": None}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge": "a" * 42}, "invalid_request"),
        ({"code_challenge": "a" * 42 + "="}, "invalid_request"),
        ({"scope": "no-such-scope"}, "invalid_scope"),
        ({"scope": "playlist-read-private"}, "invalid_scope"),
        ({"device_id": "a b"}, "invalid_request"),
        ({"dpop_jkt": "short"}, "invalid_request"),
        ({"response_type": 'tok"en\\'}, "unsupported_response_type"),
        ({"response_type": "code token"}, "unsupported_response_type"),
        ({"response_type": "id_token"}, "unsupported_response_type"),
        ({"scope": 'é"\\'}, "invalid_scope"),
        ({"code_challenge": "a" * 43 + "\n"}, "invalid_request"),
    ],
)
def test_a_faulty_request_goes_back_to_the_app(changes: dict[str, str | None], code: str) -> None:
    answer = rejected(**changes)
    assert answer["error"] == code
    assert answer["error_description"]
    assert answer["state"] == "s&1"
