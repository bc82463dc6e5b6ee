"""What accounts shows to programs: a person's profile, and what the authorization server can."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from shared.accounts.models import User
from shared.accounts.scopes import SCOPES


def profile(user: User, scopes: Collection[str], public_url: str) -> dict[str, Any]:
    """The Web API's private user object; `email` needs `user-read-email`, and `country`,
    `product` and `explicit_content` need `user-read-private`."""
    shown: dict[str, Any] = {
        "account_id": user.account_id,
        "display_name": user.display_name,
        "external_urls": {"spotify": f"{public_url}/#/user/{user.id}"},
        "followers": {"href": None, "total": 0},
        "href": f"{public_url}/v1/users/{user.id}",
        "id": user.id,
        "images": [],
        "type": "user",
        "uri": f"spotify:user:{user.id}",
    }
    if "user-read-email" in scopes:
        shown["email"] = user.email
    if "user-read-private" in scopes:
        shown["country"] = user.country
        shown["product"] = user.tier
        shown["explicit_content"] = {"filter_enabled": user.explicit_filter, "filter_locked": False}
    return shown


def metadata(issuer: str) -> dict[str, Any]:
    """Authorization server metadata (RFC 8414)."""
    methods = ["client_secret_basic", "client_secret_post", "none"]
    return {
        "issuer": issuer,
        "authorization_endpoint": f"{issuer}/authorize",
        "token_endpoint": f"{issuer}/api/token",
        "revocation_endpoint": f"{issuer}/logout",
        "jwks_uri": f"{issuer}/.well-known/jwks.json",
        "scopes_supported": list(SCOPES),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code", "refresh_token", "client_credentials"],
        "token_endpoint_auth_methods_supported": methods,
        "revocation_endpoint_auth_methods_supported": methods,
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": True,
    }
