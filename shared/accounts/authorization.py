"""Authorization requests (OAuth 2.1, 4.1.1): parsed, and held against the app that makes them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import parse_qsl

from shared.accounts import redirects
from shared.accounts.errors import RejectedRequest, UntrustedRequest
from shared.accounts.models import Client
from shared.accounts.scopes import parse_scopes, refused

MAX_QUERY_LENGTH = 8192
_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")  # a SHA-256 in base64url (RFC 7636, 4.2)


@dataclass(frozen=True, slots=True)
class AuthorizationRequest:
    """A request that may be shown to a person. `query` is its text, as the form is bound to it."""

    client: Client
    redirect_uri: str
    scopes: tuple[str, ...]
    state: str | None
    code_challenge: str
    login_hint: str
    query: str


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


def trusted_redirect(client: Client | None, parameters: dict[str, str]) -> tuple[Client, str]:
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


def authorization_request(
    client: Client | None, parameters: dict[str, str], query: str, issuer: str
) -> AuthorizationRequest:
    """The request that `parameters` make.

    Raises UntrustedRequest, which must be shown as a page, and RejectedRequest, which goes back
    to the app: `invalid_request`, `unsupported_response_type`, `invalid_scope`, `login_required`.
    """
    client, redirect_uri = trusted_redirect(client, parameters)
    state = parameters.get("state")

    def reject(code: str, message: str) -> RejectedRequest:
        location = redirects.with_parameters(
            redirect_uri, error=code, error_description=message, state=state, iss=issuer
        )
        return RejectedRequest(message, location)

    response_type = parameters.get("response_type")
    if not response_type:
        raise reject("invalid_request", "response_type is missing")
    if response_type != "code":
        raise reject("unsupported_response_type", "response_type must be code")
    challenge = parameters.get("code_challenge", "")
    if not challenge:
        raise reject("invalid_request", "code_challenge is missing: PKCE is required")
    if parameters.get("code_challenge_method") != "S256":
        raise reject("invalid_request", "code_challenge_method must be S256")
    if not _CHALLENGE.fullmatch(challenge):
        raise reject("invalid_request", "code_challenge must be 43 characters of base64url")
    scopes = parse_scopes(parameters.get("scope", ""))
    if bad := refused(scopes, client.scopes):
        raise reject("invalid_scope", f"not allowed for this app: {' '.join(bad)}")
    if parameters.get("prompt") == "none":
        raise reject("login_required", "there is no session to go on from: the person must sign in")
    return AuthorizationRequest(
        client=client,
        redirect_uri=redirect_uri,
        scopes=scopes,
        state=state,
        code_challenge=challenge,
        login_hint=parameters.get("login_hint", "")[:100],
        query=query,
    )
