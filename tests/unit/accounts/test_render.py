from __future__ import annotations

import pytest
from authlib.oauth2.rfc8414 import AuthorizationServerMetadata

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


def test_what_others_see_of_a_person_holds_nothing_private() -> None:
    shown = render.public_profile(USER, "https://segue.example", followers=3)
    assert set(shown) == PUBLIC - {"account_id"}
    assert shown["followers"] == {"href": None, "total": 3}
    pictured = USER.model_copy(update={"image_url": "https://i.example/a.jpg"})
    (image,) = render.public_profile(pictured, "https://segue.example")["images"]
    assert image == {"url": "https://i.example/a.jpg", "height": None, "width": None}
    assert render.user_ref(USER, "https://segue.example")["uri"] == f"spotify:user:{USER.id}"


def test_the_metadata_names_endpoints_below_the_issuer() -> None:
    issuer = "https://segue.example/accounts"
    metadata = render.metadata(issuer)
    assert metadata["issuer"] == issuer
    for name in metadata:
        if name.endswith(("_endpoint", "_uri")):
            assert metadata[name].startswith(f"{issuer}/")
    assert metadata["code_challenge_methods_supported"] == ["S256"]
    assert "password" not in metadata["grant_types_supported"]
    assert metadata["response_types_supported"] == ["code"]


def test_the_metadata_is_valid_by_a_second_account_of_the_standard() -> None:
    AuthorizationServerMetadata(render.metadata("https://segue.example/accounts")).validate()
