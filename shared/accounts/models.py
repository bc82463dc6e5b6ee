"""What accounts stores: people, apps, and what a person granted to an app."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict

from shared.platform.ids import content_id

Tier = Literal["free", "premium"]


class _Document(BaseModel):
    """A Firestore document; unknown fields are a newer version's business."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class User(_Document):
    """A person. `account_id` never changes and says nothing about the person; `country` is
    ISO 3166-1 alpha-2; `username` is lower case."""

    id: str
    account_id: str
    username: str
    display_name: str
    email: str
    country: str
    tier: Tier
    password_hash: str
    explicit_filter: bool = False


class Client(_Document):
    """An app. A public one, which cannot keep a secret, has no `secret_hash`; `scopes` is the
    most that it may ask for."""

    id: str
    name: str
    redirect_uris: tuple[str, ...]
    scopes: tuple[str, ...]
    secret_hash: str | None = None

    @property
    def confidential(self) -> bool:
        """Whether the app must authenticate."""
        return self.secret_hash is not None


class AuthorizationCode(_Document):
    """A code, stored under its hash. `grant_id` is set once the code was used."""

    client_id: str
    user_id: str
    redirect_uri: str
    scopes: tuple[str, ...]
    code_challenge: str
    expires_at: datetime
    grant_id: str | None = None


class Grant(_Document):
    """What a person allowed an app: the family of the refresh tokens that came from one sign-in.
    `current` is the hash of the one that is still good. Without its grant no token of the family
    works: to revoke is to delete."""

    client_id: str
    user_id: str
    scopes: tuple[str, ...]
    current: str
    expires_at: datetime


class RefreshToken(_Document):
    """A refresh token that was issued once, stored under its hash; kept after its use, so that a
    second use is noticed."""

    grant_id: str
    expires_at: datetime


class TokenSet(BaseModel):
    """A successful answer of the token endpoint (RFC 6749, 5.1)."""

    model_config = ConfigDict(frozen=True)

    access_token: str
    token_type: Literal["Bearer"] = "Bearer"
    expires_in: int
    scope: str
    refresh_token: str | None = None


def user_id(username: str) -> str:
    """The id of the person with `username`, in any case."""
    return content_id("user", username.strip().lower())
