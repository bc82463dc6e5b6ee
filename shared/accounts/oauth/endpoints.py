"""Revocation (RFC 7009), introspection (RFC 7662) and the start of the device grant (RFC 8628), on
Authlib's endpoints."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from authlib.oauth2.rfc7009 import RevocationEndpoint
from authlib.oauth2.rfc7662 import IntrospectionEndpoint

from shared import topology
from shared.accounts import requests, tokens
from shared.accounts.errors import OAuthError
from shared.accounts.models import Grant, RefreshToken, User
from shared.accounts.oauth.devices import DeviceAuthorization
from shared.accounts.oauth.server import AUTH_METHODS, App, Call, Server
from shared.accounts.passwords import digest
from shared.accounts.work import Work
from shared.platform.settings import settings

_SHOWN = "scope client_id exp iat sub aud iss jti device_id cnf".split()  # noqa: SIM905


@dataclass(frozen=True, slots=True)
class _Token:
    """A token that somebody asks about. `claims` are an access token's; without a `grant` it
    belongs to a family that is over, or (client credentials) to none."""

    client_id: str
    claims: dict[str, Any] | None
    grant_id: str | None
    grant: Grant | None
    expired: bool

    def check_client(self, client: App) -> bool:
        return self.client_id == client.client.id

    def is_expired(self) -> bool:
        return self.expired

    def is_revoked(self) -> bool:
        return self.grant_id is not None and self.grant is None


def _find(work: Work, token: str) -> _Token | None:
    """The token, if it is one of ours; its grant may be over."""
    if claims := tokens.claims_of(token):
        grant_id = claims.get("grant_id")
        grant = work.get(topology.GRANTS, grant_id, Grant)
        return _Token(str(claims["client_id"]), claims, grant_id, grant, expired=False)
    token_hash = digest(token)
    stored = work.get(topology.REFRESH_TOKENS, token_hash, RefreshToken)
    grant = work.get(topology.GRANTS, stored.grant_id, Grant) if stored else None
    if stored is None or grant is None:
        return None
    stale = grant.current != token_hash or grant.expires_at <= work.now
    return _Token(grant.client_id, None, stored.grant_id, grant, stale)


class Revocation(RevocationEndpoint):
    """Revoking either kind of token ends its whole family. An access token that is out there is
    still verified without asking anybody: it lives out its hour."""

    CLIENT_AUTH_METHODS = AUTH_METHODS
    server: Server

    def authenticate_token(self, request: Call, client: App) -> _Token | None:
        requests.required(request.form, "token")
        self.check_params(request, client)
        found = _find(self.server.work, request.form["token"])
        # What is another's, or nobody's, is as good as revoked: the answer tells nothing.
        return found if found and found.check_client(client) else None

    def revoke_token(self, token: _Token, request: Call) -> None:
        if token.grant_id is not None and token.grant is not None:
            self.server.work.delete(topology.GRANTS, token.grant_id)


class Introspection(IntrospectionEndpoint):
    """For apps that authenticate, about their own tokens."""

    CLIENT_AUTH_METHODS = AUTH_METHODS[:2]
    server: Server

    def authenticate_token(self, request: Call, client: App) -> _Token | None:
        requests.required(request.form, "token")
        self.check_params(request, client)
        found = _find(self.server.work, request.form["token"])
        return found if found and found.check_client(client) else None

    def introspect_token(self, token: _Token) -> dict[str, Any]:
        grant = token.grant
        user = self.server.work.get(topology.USERS, grant.user_id, User) if grant else None
        shown: dict[str, Any] = {"active": True, "username": user.username if user else None}
        if token.claims is not None:
            shown["token_type"] = "DPoP" if "cnf" in token.claims else "Bearer"
            shown |= {name: token.claims.get(name) for name in _SHOWN}
        elif grant is not None:
            shown |= {
                "token_type": "refresh_token",
                "scope": " ".join(grant.scopes),
                "client_id": grant.client_id,
                "sub": grant.user_id,
                "exp": int(grant.expires_at.timestamp()),
                "iss": settings().accounts_url,
                "device_id": grant.device_id,
            }
        return {name: value for name, value in shown.items() if value is not None}


ENDPOINTS = (Revocation, Introspection, DeviceAuthorization)


def respond(work: Work, endpoint: str, call: Call) -> dict[str, Any]:
    """The body of the answer of `endpoint`, by its Authlib name. Raises OAuthError."""
    server = Server(work)
    for each in ENDPOINTS:
        server.register_endpoint(each)
    answer: Any = server.create_endpoint_response(endpoint, call)
    if answer is None:
        raise OAuthError("server_error", f"{endpoint} has no answer.")
    body: dict[str, Any] = answer.body
    return body
