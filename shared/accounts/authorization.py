"""Authorization requests (OAuth 2.1, 4.1.1): parsed, and held against the app that makes them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from shared import topology
from shared.accounts import redirects
from shared.accounts.errors import OAuthError, RejectedRequest, UntrustedRequest, invalid_request
from shared.accounts.models import Client, User
from shared.accounts.scopes import parse_scopes
from shared.accounts.work import Fresh, Read, Work

if TYPE_CHECKING:
    from shared.accounts.oauth.server import Call

MAX_QUERY_LENGTH = 8192
_DEVICE_ID = re.compile(r"[0-9A-Za-z_.:-]{1,64}")
_THUMBPRINT = re.compile(r"[0-9A-Za-z_-]{43}")


@dataclass(frozen=True, slots=True)
class AuthorizationRequest:
    """A request that may be shown to a person. `query` is its text, as the forms are bound to it;
    `prompt` is `login`, `consent`, `none` or empty."""

    client: Client
    redirect_uri: str
    scopes: tuple[str, ...]
    state: str | None
    code_challenge: str
    login_hint: str
    query: str
    prompt: str = ""
    show_dialog: bool = False
    device_id: str | None = None
    key_thumbprint: str | None = None

    def answer(self, issuer: str, code: str, message: str) -> str:
        """Where to send the browser with the error `code`; `iss` tells from whom (RFC 9207)."""
        return redirects.with_parameters(
            self.redirect_uri, error=code, error_description=message, state=self.state, iss=issuer
        )


def parse_query(query: str) -> dict[str, str]:
    """The parameters of `query`. Raises UntrustedRequest when one is repeated (RFC 6749, 3.1)."""
    if len(query) > MAX_QUERY_LENGTH:
        raise UntrustedRequest("The request is too long.")
    try:
        pairs = parse_qsl(query, keep_blank_values=True, max_num_fields=50)
    except ValueError:
        raise UntrustedRequest("The request is malformed.") from None
    parameters = dict(pairs)
    if len(parameters) != len(pairs):
        raise UntrustedRequest("The request repeats a parameter.")
    return parameters


def trusted_redirect(client: Client | None, parameters: Mapping[str, str]) -> tuple[Client, str]:
    """The app and its redirect_uri. Raises UntrustedRequest when either is not known."""
    if client is None:
        raise UntrustedRequest("No app is registered under this client_id.")
    uri = parameters.get("redirect_uri")
    if uri is None and len(client.redirect_uris) == 1:
        uri = client.redirect_uris[0]
    if not uri:
        raise UntrustedRequest("The request lacks its redirect_uri.")
    if not any(redirects.matches(registered, uri) for registered in client.redirect_uris):
        raise UntrustedRequest(f"This redirect_uri is not registered for {client.name}.")
    return client, uri


def device_id_of(parameters: Mapping[str, str]) -> str | None:
    """The device that the app names, to be found in its tokens. Raises OAuthError."""
    device_id = parameters.get("device_id")
    if device_id and not _DEVICE_ID.fullmatch(device_id):
        raise invalid_request("device_id must be 1 to 64 of the characters 0-9 A-Z a-z _ . : -")
    return device_id or None


def authorization_request(
    client: Client | None, parameters: Mapping[str, str], query: str, issuer: str
) -> AuthorizationRequest:
    """The request that `parameters` make.

    Raises UntrustedRequest, which must be shown as a page, and RejectedRequest, which goes back
    to the app: `invalid_request`, `unsupported_response_type`, `invalid_scope`.
    """
    client, redirect_uri = trusted_redirect(client, parameters)
    try:
        response_type = parameters.get("response_type")
        if not response_type:
            raise invalid_request("response_type is missing")
        if response_type != "code":  # no token comes from here: RFC 9700, 2.1.2
            raise OAuthError("unsupported_response_type", "response_type must be code")
        device_id = device_id_of(parameters)
        key_thumbprint = parameters.get("dpop_jkt") or None
        if key_thumbprint and not _THUMBPRINT.fullmatch(key_thumbprint):
            raise invalid_request("dpop_jkt must be 43 characters of base64url")
        call = _validated(client, {**parameters, "redirect_uri": redirect_uri})
    except OAuthError as error:
        location = redirects.with_parameters(
            redirect_uri,
            error=error.code,
            error_description=error.message,
            state=parameters.get("state"),
            iss=issuer,
        )
        raise RejectedRequest(error.message, location) from None
    return AuthorizationRequest(
        client=client,
        redirect_uri=redirect_uri,
        scopes=parse_scopes(call.scope),
        state=parameters.get("state"),
        code_challenge=parameters["code_challenge"],
        login_hint=parameters.get("login_hint", "")[:100],
        query=query,
        prompt=parameters.get("prompt", ""),
        show_dialog=parameters.get("show_dialog", "").lower() == "true",
        device_id=device_id,
        key_thumbprint=key_thumbprint,
    )


def _validated(client: Client, parameters: dict[str, str]) -> Call:
    from shared.accounts.oauth.grants import OAuth2Error, server_with_grants
    from shared.accounts.oauth.server import Call, as_ours

    work = Work(Fresh())
    work.reads[topology.OAUTH_CLIENTS.name, client.id] = Read(client)
    call = Call("GET", {**parameters, "client_id": client.id})
    try:
        server_with_grants(work).get_consent_grant(call)
    except OAuth2Error as error:
        raise as_ours(error) from None
    return call


def respond(work: Work, request: AuthorizationRequest, user: User | None) -> str:
    """Where to send the browser: the app's redirect_uri with `code`, `state` and `iss`, or with
    `access_denied` when there is no `user` who allows it. The code is put into `work`."""
    from shared.accounts.oauth.grants import server_with_grants
    from shared.accounts.oauth.server import Call

    work.reads[topology.OAUTH_CLIENTS.name, request.client.id] = Read(request.client)
    parameters = {
        "response_type": "code",
        "client_id": request.client.id,
        "redirect_uri": request.redirect_uri,
        "scope": " ".join(request.scopes),
        "state": request.state,
        "code_challenge": request.code_challenge,
        "code_challenge_method": "S256",
        "device_id": request.device_id,
        "dpop_jkt": request.key_thumbprint,
    }
    call = Call("POST", {name: value for name, value in parameters.items() if value is not None})
    server = server_with_grants(work)
    grant = server.get_consent_grant(call, user)
    location = server.create_authorization_response(call, user, grant).location
    assert isinstance(location, str)
    return location
