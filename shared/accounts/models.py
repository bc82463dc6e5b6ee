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
    image_url: str | None = None


class Username(_Document):
    """Whose a username is: the document that makes it unique, named by the username."""

    user_id: str


class Client(_Document):
    """An app. A public one, which cannot keep a secret, has no `secret_hash`; `scopes` is the
    most that it may ask for. A `first_party` one is ours, and asks for no consent; `owner_id` is
    the person who registered it."""

    id: str
    name: str
    redirect_uris: tuple[str, ...]
    scopes: tuple[str, ...]
    secret_hash: str | None = None
    first_party: bool = False
    owner_id: str | None = None
    created_at: datetime | None = None

    @property
    def confidential(self) -> bool:
        """Whether the app must authenticate."""
        return self.secret_hash is not None


class AuthorizationCode(_Document):
    """A code, stored under its hash. `grant_id` is set once the code was used; `key_thumbprint`
    is the DPoP key that the app announced (RFC 9449, 10)."""

    client_id: str
    user_id: str
    redirect_uri: str
    scopes: tuple[str, ...]
    code_challenge: str
    expires_at: datetime
    device_id: str | None = None
    key_thumbprint: str | None = None
    grant_id: str | None = None


class Grant(_Document):
    """What a person allowed an app: the family of the refresh tokens that came from one sign-in.
    `current` is the hash of the one that is still good, `key_thumbprint` the DPoP key without
    which a public client cannot use it. Without its grant no token of the family works: to revoke
    is to delete."""

    client_id: str
    user_id: str
    scopes: tuple[str, ...]
    current: str
    expires_at: datetime
    device_id: str | None = None
    key_thumbprint: str | None = None


class RefreshToken(_Document):
    """A refresh token that was issued once, stored under its hash; kept after its use, so that a
    second use is noticed."""

    grant_id: str
    expires_at: datetime


class DeviceCode(_Document):
    """A device that waits for its person (RFC 8628), stored under the user code. `user_id` is set
    by the person's decision, `grant_id` once the device has its tokens."""

    secret_hash: str
    client_id: str
    scopes: tuple[str, ...]
    expires_at: datetime
    interval_s: int
    polled_at: datetime | None = None
    device_id: str | None = None
    user_id: str | None = None
    denied: bool = False
    grant_id: str | None = None


class Consent(_Document):
    """What a person has allowed an app so far, stored under both ids."""

    user_id: str
    client_id: str
    scopes: tuple[str, ...]


class SignInSession(_Document):
    """A browser in which a person is signed in, stored under the hash of its cookie."""

    user_id: str
    expires_at: datetime


def user_id(username: str) -> str:
    """The id of the person with `username`, in any case."""
    return content_id("user", username.strip().lower())
