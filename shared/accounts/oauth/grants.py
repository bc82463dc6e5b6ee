"""The grants, on Authlib's: authorization code with PKCE, refresh token, client credentials, device
code. There is no implicit and no password grant (RFC 9700, 2.1.2 and 2.4).

A grant reads what it needs from the server's `Work` and puts its decision there. What a thief
could do twice is noticed: the second use of a code, a refresh token or a device code ends the
family that the first one opened.
"""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

from authlib.oauth2 import OAuth2Error
from authlib.oauth2.rfc6749 import grants
from authlib.oauth2.rfc7636 import CodeChallenge

from shared import topology
from shared.accounts import requests
from shared.accounts.errors import OAuthError, invalid_grant, invalid_request
from shared.accounts.models import AuthorizationCode, Grant, RefreshToken, User
from shared.accounts.oauth.devices import DeviceGrant
from shared.accounts.oauth.grant import OurGrant, require_key
from shared.accounts.oauth.server import App, Call, Server
from shared.accounts.passwords import digest
from shared.accounts.scopes import parse_scopes, refused_alone
from shared.accounts.tokens import Binding

CODE_LIFE = timedelta(seconds=60)
_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")  # a SHA-256 in base64url (RFC 7636, 4.2)


class S256Only(CodeChallenge):
    """PKCE for every client, confidential ones as well, by S256 alone."""

    SUPPORTED_CODE_CHALLENGE_METHOD = ("S256",)
    DEFAULT_CODE_CHALLENGE_METHOD = "S256"

    def validate_code_challenge(self, grant: CodeGrant, redirect_uri: str) -> None:
        parameters = grant.request.parameters
        challenge = parameters.get("code_challenge")
        if not challenge:
            raise invalid_request("code_challenge is missing: PKCE is required")
        if parameters.get("code_challenge_method") != "S256":
            raise invalid_request("code_challenge_method must be S256")
        if not _CHALLENGE.fullmatch(challenge):
            raise invalid_request("code_challenge must be 43 characters of base64url")
        super().validate_code_challenge(grant, redirect_uri)


class _Code:
    """An `AuthorizationCode` in Authlib's terms."""

    code_challenge_method = "S256"

    def __init__(self, code_hash: str, stored: AuthorizationCode) -> None:
        self.code_hash = code_hash
        self.stored = stored
        self.code_challenge = stored.code_challenge

    def get_redirect_uri(self) -> str:
        return self.stored.redirect_uri

    def get_scope(self) -> str:
        return " ".join(self.stored.scopes)


class CodeGrant(OurGrant, grants.AuthorizationCodeGrant):
    """Authorization code (OAuth 2.1, 4.1)."""

    def generate_authorization_code(self) -> str:
        return self.work.fresh.code

    def save_authorization_code(self, code: str, request: Call) -> None:
        parameters, app = request.parameters, request.client
        stored = AuthorizationCode(
            client_id=app.client.id,
            user_id=request.user.id,
            redirect_uri=parameters["redirect_uri"],
            scopes=parse_scopes(request.scope),
            code_challenge=parameters["code_challenge"],
            expires_at=self.work.now + CODE_LIFE,
            device_id=parameters.get("device_id"),
            key_thumbprint=parameters.get("dpop_jkt"),
        )
        self.work.put(topology.AUTHORIZATION_CODES, digest(code), stored)

    def validate_token_request(self) -> None:
        requests.required(self.request.form, "code", "redirect_uri", "code_verifier")
        super().validate_token_request()

    def query_authorization_code(self, code: str, client: App) -> _Code:
        code_hash = digest(code)
        stored = self.work.get(topology.AUTHORIZATION_CODES, code_hash, AuthorizationCode)
        if stored is None:
            raise invalid_grant("The code is invalid.")
        if stored.client_id != client.client.id:
            raise invalid_grant("The code was issued to another client.")
        return _Code(code_hash, stored)

    def create_token_response(self) -> Any:
        stored: AuthorizationCode = self.request.authorization_code.stored
        require_key(stored.key_thumbprint, self.request.key_thumbprint)
        if stored.grant_id not in (None, self.work.fresh.grant_id):
            self.end_family(stored.grant_id or "")
            raise invalid_grant("The code was used before; what came of it is revoked.")
        if stored.expires_at <= self.work.now:
            raise invalid_grant("The code has expired.")
        return super().create_token_response()

    def authenticate_user(self, authorization_code: _Code) -> User:
        return self.person(authorization_code.stored.user_id)

    def binding(self) -> Binding:
        stored: AuthorizationCode = self.request.authorization_code.stored
        grant_id, thumbprint = self.work.fresh.grant_id, self.request.key_thumbprint
        return Binding(grant_id, stored.device_id, thumbprint)

    def save_token(self, token: dict[str, Any]) -> None:
        stored: AuthorizationCode = self.request.authorization_code.stored
        grant = Grant(
            client_id=stored.client_id,
            user_id=stored.user_id,
            scopes=stored.scopes,
            current="",
            expires_at=self.work.now,
            device_id=stored.device_id,
            key_thumbprint=self.public_key_binding(),
        )
        self.store_family(self.work.fresh.grant_id, grant)

    def delete_authorization_code(self, authorization_code: _Code) -> None:
        # Kept until it expires, so that a second use is noticed.
        used = {"grant_id": self.work.fresh.grant_id}
        self.work.put(
            topology.AUTHORIZATION_CODES,
            authorization_code.code_hash,
            authorization_code.stored.model_copy(update=used),
        )


class _Family:
    """A refresh token and the `Grant` of its family, in Authlib's terms."""

    def __init__(self, token_hash: str, grant_id: str, grant: Grant) -> None:
        self.token_hash = token_hash
        self.grant_id = grant_id
        self.grant = grant

    def check_client(self, client: App) -> bool:
        return self.grant.client_id == client.client.id

    def get_scope(self) -> str:
        return " ".join(self.grant.scopes)


class RefreshGrant(OurGrant, grants.RefreshTokenGrant):
    """Refresh token with rotation (OAuth 2.1, 4.3)."""

    INCLUDE_NEW_REFRESH_TOKEN = True

    def authenticate_refresh_token(self, refresh_token: str) -> _Family:
        token_hash = digest(refresh_token)
        token = self.work.get(topology.REFRESH_TOKENS, token_hash, RefreshToken)
        if token is None:
            raise invalid_grant("The refresh token is invalid.")
        grant = self.work.get(topology.GRANTS, token.grant_id, Grant)
        if grant is None:
            raise invalid_grant("The refresh token was revoked.")
        family = _Family(token_hash, token.grant_id, grant)
        if not family.check_client(self.request.client):
            raise invalid_grant("The refresh token was issued to another client.")
        return family

    def create_token_response(self) -> Any:
        family: _Family = self.request.refresh_token
        require_key(family.grant.key_thumbprint, self.request.key_thumbprint)
        # No grace for a client that lost the answer: whoever comes second is in doubt, and so is
        # the first. Our own attempts know their fresh token (`work`).
        if family.grant.current not in (family.token_hash, self.work.fresh.refresh_hash):
            self.end_family(family.grant_id)
            raise invalid_grant("The refresh token was used before; its whole family is revoked.")
        if family.grant.expires_at <= self.work.now:
            raise invalid_grant("The refresh token has expired.")
        return super().create_token_response()

    def authenticate_user(self, refresh_token: _Family) -> User:
        return self.person(refresh_token.grant.user_id)

    def binding(self) -> Binding:
        family: _Family = self.request.refresh_token
        return Binding(family.grant_id, family.grant.device_id, self.request.key_thumbprint)

    def save_token(self, token: dict[str, Any]) -> None:
        family: _Family = self.request.refresh_token
        self.store_family(family.grant_id, family.grant)

    def revoke_old_credential(self, refresh_token: _Family) -> None:
        """It is no longer its grant's current one, which is all that makes one good."""


class AppGrant(OurGrant, grants.ClientCredentialsGrant):
    """Client credentials: an app acts for itself (OAuth 2.1, 4.2)."""

    def validate_requested_scope(self) -> None:
        app: App = self.request.client
        scopes = parse_scopes(self.request.form.get("scope", ""))
        if bad := refused_alone(scopes, app.client.scopes):
            raise OAuthError("invalid_scope", f"Not for an app on its own: {' '.join(bad)}.")

    def save_token(self, token: dict[str, Any]) -> None:
        """Nothing: it is not refreshed, and ends within the hour."""


GRANTS = (CodeGrant, RefreshGrant, AppGrant, DeviceGrant)


def server_with_grants(*arguments: Any) -> Server:
    """A server that knows every grant of ours; `arguments` are `Server`'s."""
    server = Server(*arguments)
    for grant in GRANTS:
        server.register_grant(grant, [S256Only()] if grant is CodeGrant else None)
    return server


__all__ = ["GRANTS", "OAuth2Error", "server_with_grants"]
