from __future__ import annotations

import pytest

from shared.accounts import render
from shared.accounts.models import User

USER = User(
    id="u" * 22,
    account_id="a" * 22,
    username="ada",
    display_name="Ada",
    email="ada@segue.example",
    country="DE",
    tier="premium",
    password_hash="$argon2id$",
)
PUBLIC = {
    "account_id",
    "display_name",
    "external_urls",
    "followers",
    "href",
    "id",
    "images",
    "type",
    "uri",
}


@pytest.mark.parametrize(
    ("scopes", "added"),
    [
        ([], set()),
        (["streaming"], set()),
        (["user-read-email"], {"email"}),
        (["user-read-private"], {"country", "product", "explicit_content"}),
        (
            ["user-read-private", "user-read-email"],
            {"email", "country", "product", "explicit_content"},
        ),
    ],
)
def test_a_profile_shows_what_the_token_allows(scopes: list[str], added: set[str]) -> None:
    assert set(render.profile(USER, scopes, "https://segue.example")) == PUBLIC | added


def test_a_profile_never_shows_a_password_hash() -> None:
    shown = render.profile(USER, ["user-read-private", "user-read-email"], "https://segue.example")
    assert "argon2" not in str(shown)
    assert shown["product"] == "premium"


def test_the_metadata_names_endpoints_below_the_issuer() -> None:
    issuer = "https://segue.example/accounts"
    metadata = render.metadata(issuer)
    assert metadata["issuer"] == issuer
    for name in ("authorization_endpoint", "token_endpoint", "revocation_endpoint", "jwks_uri"):
        assert metadata[name].startswith(f"{issuer}/")
    assert metadata["code_challenge_methods_supported"] == ["S256"]
