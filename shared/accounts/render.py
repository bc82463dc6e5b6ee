"""What accounts shows to programs: a person's profile, and what the authorization server can."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, cast

from shared.accounts.models import User
from shared.accounts.scopes import SCOPES
from shared.accounts.shapes import PrivateUserObject, PublicUserObject, UserReference
from shared.platform.dpop import ALGORITHMS
from shared.platform.shapes import Image


def profile(
    user: User, scopes: Collection[str], public_url: str, followers: int = 0
) -> PrivateUserObject:
    """The Web API's private user object; `email` needs `user-read-email`, and `country`,
    `product` and `explicit_content` need `user-read-private`."""
    known = {**public_profile(user, public_url, followers), "account_id": user.account_id}
    shown = cast(PrivateUserObject, known)
    if "user-read-email" in scopes:
        shown["email"] = user.email
    if "user-read-private" in scopes:
        shown["country"] = user.country
        shown["product"] = user.tier
        shown["explicit_content"] = {"filter_enabled": user.explicit_filter, "filter_locked": False}
    return shown


def public_profile(user: User, public_url: str, followers: int = 0) -> PublicUserObject:
    """The Web API's public user object."""
    images: list[Image] = []
    if user.image_url:
        images.append({"url": user.image_url, "height": None, "width": None})
    return {
        **user_ref(user, public_url),
        "followers": {"href": None, "total": followers},
        "images": images,
    }


def user_ref(user: User, public_url: str) -> UserReference:
    """Who somebody is, as the owner of a playlist or the one who added an item."""
    return {
        "display_name": user.display_name,
        "external_urls": {"spotify": f"{public_url}/#/user/{user.id}"},
        "href": f"{public_url}/v1/users/{user.id}",
        "id": user.id,
        "type": "user",
        "uri": f"spotify:user:{user.id}",
    }


def metadata(issuer: str) -> dict[str, Any]:
    """Authorization server metadata (RFC 8414)."""
    confidential = ["client_secret_basic", "client_secret_post"]
    return {
        "issuer": issuer,
        "authorization_endpoint": f"{issuer}/authorize",
        "token_endpoint": f"{issuer}/api/token",
        "device_authorization_endpoint": f"{issuer}/api/device_authorization",
        "revocation_endpoint": f"{issuer}/api/revoke",
        "introspection_endpoint": f"{issuer}/api/introspect",
        "registration_endpoint": f"{issuer}/api/register",
        "jwks_uri": f"{issuer}/.well-known/jwks.json",
        "scopes_supported": list(SCOPES),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": [
            "authorization_code",
            "refresh_token",
            "client_credentials",
            "urn:ietf:params:oauth:grant-type:device_code",
        ],
        "token_endpoint_auth_methods_supported": [*confidential, "none"],
        "revocation_endpoint_auth_methods_supported": [*confidential, "none"],
        "introspection_endpoint_auth_methods_supported": confidential,
        "code_challenge_methods_supported": ["S256"],
        "dpop_signing_alg_values_supported": list(ALGORITHMS),
        "authorization_response_iss_parameter_supported": True,
        "prompt_values_supported": ["none", "login", "consent"],
    }
