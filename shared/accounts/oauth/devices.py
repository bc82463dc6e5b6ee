"""Device authorization (RFC 8628), on Authlib's endpoint and grant."""

from __future__ import annotations

import hmac
from typing import Any

from authlib.oauth2.rfc8628 import DeviceAuthorizationEndpoint, DeviceCodeGrant

from shared import topology
from shared.accounts import device_codes
from shared.accounts.errors import invalid_grant
from shared.accounts.models import DeviceCode, Grant, User
from shared.accounts.oauth.grant import OurGrant
from shared.accounts.oauth.server import AUTH_METHODS, App, Call, Server
from shared.accounts.passwords import digest
from shared.accounts.scopes import parse_scopes
from shared.accounts.tokens import Binding
from shared.platform.settings import settings


class DeviceAuthorization(DeviceAuthorizationEndpoint):
    """A device asks for a code to show."""

    CLIENT_AUTH_METHODS = AUTH_METHODS
    EXPIRES_IN = int(device_codes.LIFE.total_seconds())
    INTERVAL = device_codes.INTERVAL_S
    server: Server

    def authenticate_client(self, request: Call) -> App:
        app: App = super().authenticate_client(request)
        request.scope = app.get_allowed_scope(request.parameters.get("scope"))
        return app

    def create_endpoint_response(self, request: Call) -> Any:
        self.user_code = device_codes.new_user_code()
        self.device_code, self.secret = device_codes.new_device_code(self.user_code)
        self.request = request
        return super().create_endpoint_response(request)

    def generate_user_code(self) -> str:
        return device_codes.shown(self.user_code)

    def generate_device_code(self) -> str:
        return self.device_code

    def get_verification_uri(self) -> str:
        return f"{settings().accounts_url}/device"

    def save_device_credential(self, client_id: str, scope: str, data: dict[str, Any]) -> None:
        code = DeviceCode(
            secret_hash=digest(self.secret),
            client_id=client_id,
            scopes=parse_scopes(self.request.scope or ""),
            expires_at=self.server.work.now + device_codes.LIFE,
            interval_s=device_codes.INTERVAL_S,
            device_id=self.request.parameters.get("device_id"),
        )
        self.server.work.put(topology.DEVICE_CODES, self.user_code, code)


class _Device:
    """A `DeviceCode` in Authlib's terms."""

    def __init__(self, user_code: str, stored: DeviceCode, expired: bool) -> None:
        self.user_code = user_code
        self.stored = stored
        self.expired = expired

    def get_client_id(self) -> str:
        return self.stored.client_id

    def get_scope(self) -> str:
        return " ".join(self.stored.scopes)

    def get_user_code(self) -> str:
        return self.user_code

    def is_expired(self) -> bool:
        return self.expired


class DeviceGrant(OurGrant, DeviceCodeGrant):
    """Device authorization (RFC 8628)."""

    def query_device_credential(self, device_code: str) -> _Device:
        user_code, secret = device_codes.split(device_code)
        stored = self.work.get(topology.DEVICE_CODES, user_code, DeviceCode)
        if stored is None or not hmac.compare_digest(stored.secret_hash, digest(secret)):
            raise invalid_grant("The device_code is invalid.")
        return _Device(user_code or "", stored, stored.expires_at <= self.work.now)

    def query_user_grant(self, user_code: str) -> tuple[User | None, bool] | None:
        stored = self.work.get(topology.DEVICE_CODES, user_code, DeviceCode)
        assert stored is not None
        if stored.denied:
            return None, False
        return (self.person(stored.user_id), True) if stored.user_id else None

    def should_slow_down(self, credential: _Device) -> bool:
        polled = device_codes.polled(credential.stored, self.work.now)
        self.work.put(topology.DEVICE_CODES, credential.user_code, polled)
        return polled.interval_s > credential.stored.interval_s

    def create_token_response(self) -> Any:
        stored: DeviceCode = self.request.credential.stored
        if stored.grant_id not in (None, self.work.fresh.grant_id):
            self.end_family(stored.grant_id or "")
            raise invalid_grant("The device_code was used before; what came of it is revoked.")
        return super().create_token_response()

    def binding(self) -> Binding:
        stored: DeviceCode = self.request.credential.stored
        grant_id, thumbprint = self.work.fresh.grant_id, self.request.key_thumbprint
        return Binding(grant_id, stored.device_id, thumbprint)

    def save_token(self, token: dict[str, Any]) -> None:
        device: _Device = self.request.credential
        grant_id = self.work.fresh.grant_id
        used = device.stored.model_copy(update={"grant_id": grant_id})
        self.work.put(topology.DEVICE_CODES, device.user_code, used)
        grant = Grant(
            client_id=used.client_id,
            user_id=self.request.user.id,
            scopes=used.scopes,
            current="",
            expires_at=self.work.now,
            device_id=used.device_id,
            key_thumbprint=self.public_key_binding(),
        )
        self.store_family(grant_id, grant)
