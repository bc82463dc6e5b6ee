"""Dynamic client registration (RFC 7591).

Not open to the world: the initial access token is the access token of a person, who then owns the
app and finds it on the developers' page. It has to come from an app of ours, or any app could
register others in a person's name.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from shared.accounts import developer_apps, redirects, store
from shared.accounts.errors import OAuthError
from shared.accounts.models import Client
from shared.accounts.scopes import SCOPES, parse_scopes
from shared.platform.auth import Principal
from shared.platform.errors import Conflict, Forbidden, InvalidInput

MAX_BYTES = 16 * 1024
_GRANT_TYPES = Literal[
    "authorization_code",
    "refresh_token",
    "client_credentials",
    "urn:ietf:params:oauth:grant-type:device_code",
]
_METHODS = Literal["client_secret_basic", "client_secret_post", "none"]


class _Metadata(BaseModel):
    """Client metadata (RFC 7591, 2); what we do not know is ignored, as it wants."""

    model_config = ConfigDict(extra="ignore", strict=True)

    client_name: str
    redirect_uris: list[str] = Field(min_length=1, max_length=developer_apps.MAX_REDIRECT_URIS)
    token_endpoint_auth_method: _METHODS = "client_secret_basic"
    grant_types: list[_GRANT_TYPES] = ["authorization_code", "refresh_token"]
    response_types: list[Literal["code"]] = ["code"]
    scope: str = " ".join(SCOPES)


async def register(caller: Principal, body: bytes) -> dict[str, Any]:
    """The new client's information (RFC 7591, 3.2.1); its secret is told this once.

    Raises OAuthError `invalid_client_metadata` or `invalid_redirect_uri`, Forbidden when the
    caller's token came from another's app.
    """
    owner_id = caller.require_user()
    through = await store.client(caller.client_id)
    if through is None or not through.first_party:
        raise Forbidden("Apps are registered with a token of an app of ours.")
    metadata = _parsed(body)
    for uri in metadata.redirect_uris:
        if fault := redirects.fault_of(uri):
            raise OAuthError("invalid_redirect_uri", f"{uri}: {fault}")
    try:
        client, secret = await developer_apps.register_app(
            owner_id,
            metadata.client_name,
            metadata.redirect_uris,
            confidential=metadata.token_endpoint_auth_method != "none",
            scopes=parse_scopes(metadata.scope),
        )
    except (InvalidInput, Conflict) as error:
        raise OAuthError("invalid_client_metadata", error.message) from None
    return _information(client, secret, metadata)


def _parsed(body: bytes) -> _Metadata:
    if len(body) > MAX_BYTES:
        raise OAuthError("invalid_client_metadata", f"The body is larger than {MAX_BYTES} bytes.")
    try:
        return _Metadata.model_validate_json(body)
    except ValidationError as error:
        details = error.errors(include_url=False, include_input=False)
        faults = [f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in details]
        code = "invalid_client_metadata"
        if any(each["loc"][:1] == ("redirect_uris",) for each in details):
            code = "invalid_redirect_uri"
        raise OAuthError(code, "; ".join(faults)) from None


def _information(client: Client, secret: str | None, metadata: _Metadata) -> dict[str, Any]:
    issued_at = int(client.created_at.timestamp()) if client.created_at else 0
    shown: dict[str, Any] = {
        "client_id": client.id,
        "client_id_issued_at": issued_at,
        "client_name": client.name,
        "redirect_uris": list(client.redirect_uris),
        "token_endpoint_auth_method": metadata.token_endpoint_auth_method,
        "grant_types": list(metadata.grant_types),
        "response_types": ["code"],
        "scope": " ".join(client.scopes),
    }
    if secret is not None:
        shown |= {"client_secret": secret, "client_secret_expires_at": 0}
    return shown
