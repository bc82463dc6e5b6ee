"""What the OAuth endpoints do: each request is read, decided on Authlib and committed as one unit.

Authlib is imported where a request needs it (`shared.accounts.oauth`), not with this module.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any

from shared import topology
from shared.accounts import authorization, device_codes, requests, store, tokens
from shared.accounts.authorization import AuthorizationRequest
from shared.accounts.errors import OAuthError
from shared.accounts.models import (
    AuthorizationCode,
    Client,
    Consent,
    DeviceCode,
    Grant,
    RefreshToken,
    User,
)
from shared.accounts.passwords import digest
from shared.accounts.work import Fresh, Work
from shared.platform.errors import Gone, NotFound
from shared.platform.settings import settings

if TYPE_CHECKING:
    from shared.platform.dpop import Proof

WRONG_CODE = "This code is wrong or too old. Look at your device once more."


# --- the authorization endpoint -------------------------------------------------------------


async def authorization_request(query: str) -> AuthorizationRequest:
    """The authorization request in the query string. Raises UntrustedRequest, RejectedRequest."""
    parameters = authorization.parse_query(query)
    client = await store.client(parameters.get("client_id", ""))
    return authorization.authorization_request(client, parameters, query, settings().accounts_url)


async def has_consent(request: AuthorizationRequest, user: User) -> bool:
    """Whether the person need not be asked: the app is ours, or was allowed all of this before."""
    if request.client.first_party:
        return True
    held = await store.consent(user.id, request.client.id)
    return held is not None and set(request.scopes) <= set(held.scopes)


async def allow(request: AuthorizationRequest, user: User) -> str:
    """Where to send the browser: the app's redirect_uri with `code`, `state` and `iss` (RFC 9207).
    The person's consent is remembered."""
    consent_id = store.consent_id(user.id, request.client.id)

    async def read(work: Work) -> None:
        own_code = digest(work.fresh.code)  # of an attempt before this one
        await store.load(
            work,
            [
                (topology.CONSENTS, consent_id, Consent),
                (topology.AUTHORIZATION_CODES, own_code, AuthorizationCode),
            ],
        )

    def decide(work: Work) -> str:
        _remember(work, user.id, request.client, request.scopes)
        return authorization.respond(work, request, user)

    return await store.in_one_commit(read, decide)


def deny(request: AuthorizationRequest) -> str:
    """Where to send the browser of a person who does not want this."""
    issuer = settings().accounts_url
    return request.answer(issuer, "access_denied", "The person did not allow it")


def _remember(work: Work, user_id: str, client: Client, scopes: tuple[str, ...]) -> None:
    if client.first_party:
        return
    consent_id = store.consent_id(user_id, client.id)
    held = work.get(topology.CONSENTS, consent_id, Consent)
    known = held.scopes if held else ()
    allowed = tuple(dict.fromkeys((*known, *scopes)))
    if held is None or allowed != known:
        consent = Consent(user_id=user_id, client_id=client.id, scopes=allowed)
        work.put(topology.CONSENTS, consent_id, consent)


# --- the token endpoint and its neighbours ----------------------------------------------------


async def issue_tokens(
    authorization_header: str | None,
    form: Mapping[str, str],
    proof: Proof | None = None,
    *,
    is_suspected: Callable[[str], Awaitable[bool]],
) -> dict[str, Any]:
    """The token endpoint: `form` by its `grant_type`, `proof` a DPoP proof whose key the tokens
    are bound to. `is_suspected` tells of a user's id whether the tokens are to say so (F286): who
    knows that stands above this feature. Raises OAuthError."""
    from shared.accounts.oauth.grants import GRANTS, server_with_grants
    from shared.accounts.oauth.server import Call

    (grant_type,) = requests.required(form, "grant_type")
    supported = [grant.GRANT_TYPE for grant in GRANTS]
    if grant_type not in supported:
        listed = ", ".join(supported)
        raise OAuthError("unsupported_grant_type", f"grant_type must be one of: {listed}.")
    claimant = requests.claimant(authorization_header, form)
    key = await tokens.signing_key()

    async def read(work: Work) -> None:
        await _read_grant(work, claimant.client_id, form)
        people = [held.value.id for held in work.reads.values() if isinstance(held.value, User)]
        work.suspects = frozenset([each for each in people if await is_suspected(each)])

    def decide(work: Work) -> dict[str, Any]:
        call = Call("POST", form, claimant, proof.thumbprint if proof else None)
        body: dict[str, Any] = server_with_grants(work, key).create_token_response(call).body
        return body

    return await store.in_one_commit(read, decide)


async def _read_grant(work: Work, client_id: str, form: Mapping[str, str]) -> None:
    """Reads what a grant could ask for: the app and the code or token; its family; its person."""
    code_hash = digest(form["code"]) if "code" in form else None
    token_hash = digest(form["refresh_token"]) if "refresh_token" in form else None
    user_code, _ = device_codes.split(form.get("device_code", ""))
    fresh_hash = work.fresh.refresh_hash
    await store.load(
        work,
        [
            (topology.OAUTH_CLIENTS, client_id, Client),
            (topology.AUTHORIZATION_CODES, code_hash, AuthorizationCode),
            (topology.REFRESH_TOKENS, token_hash, RefreshToken),
            (topology.REFRESH_TOKENS, fresh_hash, RefreshToken),  # of an attempt before this one
            (topology.DEVICE_CODES, user_code, DeviceCode),
        ],
    )
    code = work.get(topology.AUTHORIZATION_CODES, code_hash, AuthorizationCode)
    token = work.get(topology.REFRESH_TOKENS, token_hash, RefreshToken)
    device = work.get(topology.DEVICE_CODES, user_code, DeviceCode)
    for holder in (code, token, device):
        if holder is not None:
            user_id = None if isinstance(holder, RefreshToken) else holder.user_id
            await store.load(
                work,
                [(topology.GRANTS, holder.grant_id, Grant), (topology.USERS, user_id, User)],
            )
    if token is not None and (grant := work.get(topology.GRANTS, token.grant_id, Grant)):
        await store.load(work, [(topology.USERS, grant.user_id, User)])


_ENDPOINTS = {
    "revoke": "revocation",
    "introspect": "introspection",
    "device_authorization": "device_authorization",
}


async def answer(
    name: str, authorization_header: str | None, form: Mapping[str, str]
) -> dict[str, Any]:
    """What the endpoint `name` answers to an app: `revoke` (RFC 7009) ends the family of the token
    `token`, one that is not known being as good as revoked; `introspect` (RFC 7662) tells what
    the app's own `token` stands for, and of any other that it is not active;
    `device_authorization` (RFC 8628) gives a device the codes to show and to ask with.

    Raises OAuthError.
    """
    from shared.accounts.oauth import endpoints
    from shared.accounts.oauth.server import Call

    authorization.device_id_of(form)
    claimant = requests.claimant(authorization_header, form)

    async def read(work: Work) -> None:
        await _read_token(work, claimant.client_id, form.get("token"))

    def decide(work: Work) -> dict[str, Any]:
        return endpoints.respond(work, _ENDPOINTS[name], Call("POST", form, claimant))

    return await store.in_one_commit(read, decide)


async def _read_token(work: Work, client_id: str, token: str | None) -> None:
    token_hash = digest(token) if token else None
    claims = tokens.claims_of(token) if token else None
    await store.load(
        work,
        [
            (topology.OAUTH_CLIENTS, client_id, Client),
            (topology.REFRESH_TOKENS, token_hash, RefreshToken),
        ],
    )
    stored = work.get(topology.REFRESH_TOKENS, token_hash, RefreshToken)
    grant_id = claims.get("grant_id") if claims else stored.grant_id if stored else None
    await store.load(work, [(topology.GRANTS, grant_id, Grant)])
    if grant := work.get(topology.GRANTS, grant_id, Grant):
        await store.load(work, [(topology.USERS, grant.user_id, User)])


# --- the person in front of a device ---------------------------------------------------------


async def waiting_device(typed: str) -> tuple[str, DeviceCode, Client]:
    """The user code, the device that shows it and its app. Raises NotFound for a code that is
    wrong, expired or answered."""
    user_code = device_codes.typed(typed)
    work = Work(Fresh())
    await store.load(work, [(topology.DEVICE_CODES, user_code, DeviceCode)])
    code = _waiting(work, user_code)
    client = await store.client(code.client_id)
    if client is None or user_code is None:
        raise NotFound(WRONG_CODE)
    return user_code, code, client


async def answer_device(user: User, user_code: str, *, allowed: bool) -> Client:
    """Stores the person's decision; the device learns of it when it asks next. Raises NotFound."""
    code, _, client = await waiting_device(user_code)
    consent_id = store.consent_id(user.id, client.id)

    async def read(work: Work) -> None:
        await store.load(
            work,
            [(topology.DEVICE_CODES, code, DeviceCode), (topology.CONSENTS, consent_id, Consent)],
        )

    def decide(work: Work) -> Client:
        held = work.get(topology.DEVICE_CODES, code, DeviceCode)
        if held and (held.denied, held.user_id) == (not allowed, user.id if allowed else None):
            return client  # by an attempt before this one, or a second click
        waiting = _waiting(work, code)
        change = {"user_id": user.id} if allowed else {"denied": True}
        work.put(topology.DEVICE_CODES, code, waiting.model_copy(update=change))
        if allowed:
            _remember(work, user.id, client, waiting.scopes)
        return client

    return await store.in_one_commit(read, decide)


def _waiting(work: Work, user_code: str | None) -> DeviceCode:
    code = work.get(topology.DEVICE_CODES, user_code, DeviceCode)
    if code is None or code.denied or code.user_id is not None:
        raise NotFound(WRONG_CODE)
    if code.expires_at <= work.now:
        raise Gone(WRONG_CODE)
    return code
