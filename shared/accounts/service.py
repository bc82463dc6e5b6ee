"""Sign-in, tokens, people and apps."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta

from shared.accounts import authorization, passwords, redirects, requests, store, tokens
from shared.accounts.authorization import AuthorizationRequest
from shared.accounts.errors import InvalidClient, OAuthError, WrongCredentials, invalid_grant
from shared.accounts.models import AuthorizationCode, Client, Grant, Tier, TokenSet, User, user_id
from shared.accounts.scopes import APP_SCOPES, SCOPES, parse_scopes, refused
from shared.accounts.throttle import Throttle
from shared.platform.errors import InvalidInput, NotFound
from shared.platform.ids import random_id
from shared.platform.settings import settings

CODE_LIFE = timedelta(seconds=60)
GRANT_LIFE = timedelta(days=30)  # since its last use
_throttle = Throttle()


async def authorization_request(query: str) -> AuthorizationRequest:
    """The authorization request in the query string. Raises UntrustedRequest, RejectedRequest."""
    parameters = authorization.parse_query(query)
    client = await store.client(parameters.get("client_id", ""))
    return authorization.authorization_request(client, parameters, query, settings().accounts_url)


async def sign_in(request: AuthorizationRequest, username: str, password: str, address: str) -> str:
    """Where to send the browser: the app's redirect_uri with `code`, `state` and `iss` (RFC 9207).

    Raises WrongCredentials for an unknown person and for a wrong password alike, and RateLimited
    after repeated failures for `username` or from `address`.
    """
    name = username.strip().lower()[:100]
    _throttle.attempt(name, address)
    user = await store.user(user_id(name))
    if not await passwords.verify_password(user.password_hash if user else None, password):
        raise WrongCredentials("The username or the password is wrong.")
    assert user is not None
    _throttle.succeeded(name, address)
    secret = passwords.new_secret()
    code = AuthorizationCode(
        client_id=request.client.id,
        user_id=user.id,
        redirect_uri=request.redirect_uri,
        scopes=request.scopes,
        code_challenge=request.code_challenge,
        expires_at=datetime.now(UTC) + CODE_LIFE,
    )
    await store.add_code(passwords.digest(secret), code)
    return redirects.with_parameters(
        request.redirect_uri, code=secret, state=request.state, iss=settings().accounts_url
    )


async def issue_tokens(authorization: str | None, form: Mapping[str, str]) -> TokenSet:
    """The token endpoint: `form` by its `grant_type`, `authorization` is the header of that name.

    Raises OAuthError.
    """
    (grant_type,) = requests.required(form, "grant_type")
    if grant_type not in _GRANTS:
        supported = ", ".join(_GRANTS)
        raise OAuthError("unsupported_grant_type", f"grant_type must be one of: {supported}.")
    client = await _authenticate(authorization, form)
    return await _GRANTS[grant_type](client, form)


async def revoke(authorization: str | None, form: Mapping[str, str]) -> None:
    """Revokes the family of the refresh token `token` (RFC 7009); one that is not known is as
    good as revoked. Raises OAuthError."""
    client = await _authenticate(authorization, form)
    (token,) = requests.required(form, "token")
    await store.revoke(passwords.digest(token), client.id)


async def _authenticate(authorization: str | None, form: Mapping[str, str]) -> Client:
    claimant = requests.claimant(authorization, form)
    client = await store.client(claimant.client_id)
    refusal = InvalidClient("Unknown client, or a wrong client secret.", basic=claimant.basic)
    if client is None:
        raise refusal
    if client.secret_hash is None:
        if claimant.secret is not None:
            raise refusal
    elif claimant.secret is None:
        raise InvalidClient("This client must authenticate.", basic=claimant.basic)
    elif not passwords.matches_digest(client.secret_hash, claimant.secret):
        raise refusal
    return client


async def _by_code(client: Client, form: Mapping[str, str]) -> TokenSet:
    code, redirect_uri, verifier = requests.required(form, "code", "redirect_uri", "code_verifier")

    def check(stored: AuthorizationCode) -> None:
        if stored.client_id != client.id:
            raise invalid_grant("The code was issued to another client.")
        if stored.redirect_uri != redirect_uri:
            raise invalid_grant("redirect_uri differs from the one in the authorization request.")
        if not requests.verifies(verifier, stored.code_challenge):
            raise invalid_grant("code_verifier does not match the code_challenge.")

    now, refresh_token = datetime.now(UTC), passwords.new_secret()
    redeemed = await store.redeem_code(
        passwords.digest(code),
        check,
        random_id(),
        passwords.digest(refresh_token),
        now + GRANT_LIFE,
        now,
    )
    return await _token_set(client, redeemed.user_id, redeemed.scopes, refresh_token)


async def _by_refresh_token(client: Client, form: Mapping[str, str]) -> TokenSet:
    (token,) = requests.required(form, "refresh_token")
    narrowed = parse_scopes(form["scope"]) if "scope" in form else None

    def check(grant: Grant) -> None:
        if grant.client_id != client.id:
            raise invalid_grant("The refresh token was issued to another client.")
        if bad := refused(narrowed or (), grant.scopes):
            raise OAuthError("invalid_scope", f"Not granted: {' '.join(bad)}.")

    now, refresh_token = datetime.now(UTC), passwords.new_secret()
    grant = await store.rotate(
        passwords.digest(token), check, passwords.digest(refresh_token), now + GRANT_LIFE, now
    )
    scopes = grant.scopes if narrowed is None else narrowed  # for this access token alone
    return await _token_set(client, grant.user_id, scopes, refresh_token)


async def _by_client_credentials(client: Client, form: Mapping[str, str]) -> TokenSet:
    if not client.confidential:
        raise OAuthError("unauthorized_client", "A public client has no credentials of its own.")
    scopes = parse_scopes(form.get("scope", ""))
    allowed = tuple(scope for scope in client.scopes if scope in APP_SCOPES)
    if bad := refused(scopes, allowed):
        raise OAuthError("invalid_scope", f"Not for an app on its own: {' '.join(bad)}.")
    return await _token_set(client, None, scopes, None)


_GRANTS: dict[str, Callable[[Client, Mapping[str, str]], Awaitable[TokenSet]]] = {
    "authorization_code": _by_code,
    "refresh_token": _by_refresh_token,
    "client_credentials": _by_client_credentials,
}


async def _token_set(
    client: Client, subject: str | None, scopes: tuple[str, ...], refresh_token: str | None
) -> TokenSet:
    user = await store.user(subject) if subject is not None else None
    if subject is not None and user is None:
        raise invalid_grant("This account no longer exists.")
    return TokenSet(
        access_token=await tokens.access_token(client, user, scopes),
        expires_in=tokens.ACCESS_TOKEN_LIFE_S,
        scope=" ".join(scopes),
        refresh_token=refresh_token,
    )


async def get_user(user_id: str) -> User:
    """The person `user_id`. Raises NotFound."""
    user = await store.user(user_id)
    if user is None:
        raise NotFound("This account no longer exists.")
    return user


async def create_user(
    username: str, password: str, email: str, country: str, tier: Tier, display_name: str
) -> User:
    """Creates the person `username`, or updates everything but the ids. `country` is ISO 3166-1
    alpha-2. Raises InvalidInput."""
    name = username.strip().lower()
    if not 1 <= len(name) <= 100 or not name.isprintable():
        raise InvalidInput("A username has 1 to 100 printable characters.")
    if not 8 <= len(password.encode()) <= passwords.MAX_PASSWORD_BYTES:
        raise InvalidInput(f"A password has 8 to {passwords.MAX_PASSWORD_BYTES} bytes.")
    if len(country) != 2 or not (country.isascii() and country.isalpha() and country.isupper()):
        raise InvalidInput("A country is two capital letters (ISO 3166-1 alpha-2).")
    if tier not in ("free", "premium"):
        raise InvalidInput("A tier is free or premium.")
    hashed = passwords.hash_password(password)

    def change(present: User | None) -> User:
        return User(
            id=user_id(name),
            account_id=present.account_id if present else random_id(),
            username=name,
            display_name=display_name,
            email=email,
            country=country,
            tier=tier,
            password_hash=hashed,
            explicit_filter=present.explicit_filter if present else False,
        )

    return await store.change_user(user_id(name), change)


async def create_client(
    client_id: str,
    name: str,
    redirect_uris: Sequence[str],
    secret: str | None,
    scopes: Sequence[str],
) -> Client:
    """Registers the app `client_id` or replaces its registration; without `secret` it is public.
    A secret is random and at least 32 characters long: it is stored as a plain hash. Raises
    InvalidInput."""
    if not 1 <= len(client_id) <= 100 or not client_id.replace("-", "").isalnum():
        raise InvalidInput("A client_id has 1 to 100 letters, digits and hyphens.")
    for uri in redirect_uris:
        if fault := redirects.fault_of(uri):
            raise InvalidInput(f"redirect_uri {uri!r}: {fault}.")
    if secret is not None and len(secret) < passwords.MIN_SECRET_LENGTH:
        raise InvalidInput(f"A client secret has {passwords.MIN_SECRET_LENGTH} characters or more.")
    if unknown := [scope for scope in scopes if scope not in SCOPES]:
        raise InvalidInput(f"Unknown scopes: {' '.join(unknown)}.")
    client = Client(
        id=client_id,
        name=name,
        redirect_uris=tuple(redirect_uris),
        scopes=tuple(scopes),
        secret_hash=passwords.digest(secret) if secret is not None else None,
    )
    await store.put_client(client)
    return client
