"""Authlib's AuthorizationServer without a framework: it reads and changes a `Work`, and answers
with values.

A server is made for each attempt of a request and knows the grants; what it refuses, it raises as
this feature's own errors. Import this where a request needs it: Authlib is a tenth of a second of
a cold start, and pages and tokens of others can do without.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from authlib.oauth2 import OAuth2Error
from authlib.oauth2.rfc6749 import AuthorizationServer, ClientMixin, OAuth2Request
from authlib.oauth2.rfc6749.requests import BasicOAuth2Payload
from authlib.oauth2.rfc9207 import IssuerParameter

from shared.accounts import passwords, redirects, tokens
from shared.accounts.errors import InvalidClient, OAuthError
from shared.accounts.models import Client, User
from shared.accounts.requests import Claimant
from shared.accounts.scopes import parse_scopes, refused
from shared.accounts.tokens import Binding
from shared.accounts.work import Work
from shared.platform.settings import settings
from shared.topology import OAUTH_CLIENTS

if TYPE_CHECKING:
    from joserfc.jwk import ECKey

DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code"
AUTH_METHODS = ("client_secret_basic", "client_secret_post", "none")
_FOR_PEOPLE = frozenset({"authorization_code", "refresh_token", DEVICE_CODE})


@dataclass(slots=True)
class Answer:
    """What an endpoint answers with: `body` of a 200, or `location` to redirect to."""

    body: dict[str, Any] = field(default_factory=dict)
    location: str | None = None


class Call(OAuth2Request):
    """A request: `parameters` of its query or form, who claims to send it, and the DPoP key that
    it proved to hold."""

    def __init__(
        self,
        method: str,
        parameters: Mapping[str, str],
        claimant: Claimant | None = None,
        key_thumbprint: str | None = None,
    ) -> None:
        # Authlib wants https; TLS ends at the load balancer, before any request gets here.
        super().__init__(method, "https://localhost/")
        self.parameters = dict(parameters)
        self.payload = BasicOAuth2Payload(self.parameters)
        self.claimant = claimant
        self.key_thumbprint = key_thumbprint

    @property
    def args(self) -> dict[str, str]:
        return self.parameters

    @property
    def form(self) -> dict[str, str]:
        return self.parameters


class App(ClientMixin):
    """A `Client` in Authlib's terms."""

    def __init__(self, client: Client) -> None:
        self.client = client

    def get_client_id(self) -> str:
        return self.client.id

    def get_default_redirect_uri(self) -> str | None:
        return self.client.redirect_uris[0] if len(self.client.redirect_uris) == 1 else None

    def get_allowed_scope(self, scope: str | None) -> str:
        scopes = parse_scopes(scope or "")
        if bad := refused(scopes, self.client.scopes):
            raise OAuthError("invalid_scope", f"not allowed for this app: {' '.join(bad)}")
        return " ".join(scopes)

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        return any(redirects.matches(each, redirect_uri) for each in self.client.redirect_uris)

    def check_client_secret(self, client_secret: str) -> bool:
        stored = self.client.secret_hash
        return stored is not None and passwords.matches_digest(stored, client_secret)

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        return (method != "none") == self.client.confidential

    def check_response_type(self, response_type: str) -> bool:
        return response_type == "code"

    def check_grant_type(self, grant_type: str) -> bool:
        if grant_type == "client_credentials":  # a public client has no credentials of its own
            return self.client.confidential
        return grant_type in _FOR_PEOPLE


class _Issuer(IssuerParameter):
    def get_issuer(self) -> str:
        return settings().accounts_url


class Server(AuthorizationServer):
    """The authorization server over one `Work`; `key` signs what it issues."""

    def __init__(self, work: Work, key: ECKey | None = None) -> None:
        super().__init__()
        self.work = work
        self.key = key
        for method, by_basic in (("client_secret_basic", True), ("client_secret_post", False)):
            self.register_client_auth_method(method, _by_secret(by_basic))
        self.register_client_auth_method("none", _by_name)
        self.register_extension(_Issuer())

    # --- what Authlib asks of a framework ---------------------------------------------------

    def query_client(self, client_id: str) -> App | None:
        client = self.work.get(OAUTH_CLIENTS, client_id, Client)
        return App(client) if client else None

    def create_oauth2_request(self, request: Call) -> Call:
        return request

    def send_signal(self, name: str, *args: Any, **kwargs: Any) -> None:
        return None  # nobody listens

    def handle_response(
        self, status: int, body: dict[str, Any] | str, headers: list[tuple[str, str]]
    ) -> Answer:
        location = dict(headers).get("Location")
        return Answer(body if isinstance(body, dict) else {}, location)

    def handle_error_response(self, request: Call, error: OAuth2Error) -> Answer:
        if error.redirect_uri:
            return self.handle_response(*error())
        raise as_ours(error, request.claimant)

    # --- what our grants ask of it ----------------------------------------------------------

    def token_set(
        self, request: Call, user: User | None, scope: str | None, binding: Binding, refresh: bool
    ) -> dict[str, Any]:
        """A successful answer of the token endpoint (RFC 6749, 5.1)."""
        assert self.key is not None
        scopes = parse_scopes(scope or "")
        answer: dict[str, Any] = {
            "access_token": tokens.access_token(
                self.key,
                request.client.client,
                user,
                scopes,
                binding,
                suspected=user is not None and user.id in self.work.suspects,
            ),
            "token_type": "DPoP" if binding.key_thumbprint else "Bearer",
            "expires_in": tokens.ACCESS_TOKEN_LIFE_S,
            "scope": " ".join(scopes),
        }
        if refresh:
            answer["refresh_token"] = self.work.fresh.refresh_token
        return answer


def as_ours(error: OAuth2Error, claimant: Claimant | None = None) -> OAuthError:
    """An error of Authlib's as one of this feature's."""
    said = error.get_error_description() or f"The request was refused: {error.error}."
    if error.error == "invalid_client":
        basic = claimant.basic if claimant else False
        return InvalidClient("Unknown client, or a wrong client secret.", basic=basic)
    return OAuthError(error.error, said)


_AuthMethod = Callable[[Callable[[str], App | None], Call], App | None]


def _by_secret(basic: bool) -> _AuthMethod:
    def authenticate(query_client: Callable[[str], App | None], request: Call) -> App | None:
        claimant = request.claimant
        if claimant is None or claimant.secret is None or claimant.basic != basic:
            return None
        app = query_client(claimant.client_id)
        return app if app and app.check_client_secret(claimant.secret) else None

    return authenticate


def _by_name(query_client: Callable[[str], App | None], request: Call) -> App | None:
    claimant = request.claimant
    if claimant is None or claimant.secret is not None:
        return None
    return query_client(claimant.client_id)
