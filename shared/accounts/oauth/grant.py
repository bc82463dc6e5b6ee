"""What our grants have in common: they read from the server's `Work`, put their decision there, and
open families of refresh tokens in it."""

from __future__ import annotations

import hmac
from datetime import timedelta
from typing import Any

from shared import topology
from shared.accounts.errors import OAuthError, invalid_grant
from shared.accounts.models import Grant, RefreshToken, User
from shared.accounts.oauth.server import AUTH_METHODS, App, Call, Server
from shared.accounts.tokens import Binding
from shared.accounts.work import Work

GRANT_LIFE = timedelta(days=30)  # since its last use


class OurGrant:
    """What our grants have in common."""

    TOKEN_ENDPOINT_AUTH_METHODS = AUTH_METHODS
    request: Call
    server: Server

    @property
    def work(self) -> Work:
        return self.server.work

    def binding(self) -> Binding:
        """What the access token is tied to."""
        return Binding(key_thumbprint=self.request.key_thumbprint)

    def generate_token(
        self,
        user: User | None = None,
        scope: str | None = None,
        include_refresh_token: bool = True,
        **_: Any,
    ) -> dict[str, Any]:
        return self.server.token_set(
            self.request, user, scope, self.binding(), include_refresh_token
        )

    def person(self, user_id: str) -> User:
        """Raises OAuthError when the account was deleted since."""
        user = self.work.get(topology.USERS, user_id, User)
        if user is None:
            raise invalid_grant("This account no longer exists.")
        return user

    def store_family(self, grant_id: str, grant: Grant) -> None:
        """Opens or renews the family `grant_id`; its good refresh token is the request's fresh."""
        fresh, expires_at = self.work.fresh, self.work.now + GRANT_LIFE
        renewed = {"current": fresh.refresh_hash, "expires_at": expires_at}
        self.work.put(topology.GRANTS, grant_id, grant.model_copy(update=renewed))
        token = RefreshToken(grant_id=grant_id, expires_at=expires_at)
        self.work.put(topology.REFRESH_TOKENS, fresh.refresh_hash, token)

    def end_family(self, grant_id: str) -> None:
        """Revokes the family `grant_id`."""
        self.work.delete(topology.GRANTS, grant_id)

    def public_key_binding(self) -> str | None:
        """The key to bind a refresh token to: a public client has no other proof of itself, a
        confidential one authenticates at each use (RFC 9449, 5)."""
        app: App = self.request.client
        return None if app.client.confidential else self.request.key_thumbprint


def require_key(expected: str | None, presented: str | None) -> None:
    """Raises OAuthError when something is bound to another DPoP key than the presented one."""
    if expected is not None and not hmac.compare_digest(expected, presented or ""):
        raise OAuthError("invalid_dpop_proof", "This is bound to another DPoP key.")
