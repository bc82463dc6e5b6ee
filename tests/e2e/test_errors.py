"""Bad requests get a clear error, in the Web API's shape."""

from __future__ import annotations

import json
import time
from typing import Any

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey

from emulators import demo, seed
from tests.whole_cloud import WholeCloud

UNKNOWN = "0" * 22


def _error(answer: httpx.Response, status: int) -> str:
    assert answer.status_code == status, answer.text
    error = answer.json()["error"]
    assert error["status"] == status
    assert error["message"]
    return str(error["message"])


def _signed(cloud: WholeCloud, *, key: ECKey | None = None, **changes: Any) -> str:
    """A token like ours, with some claims changed, by our key or another."""
    claims = {
        "iss": cloud.cloud.accounts_url,
        "aud": "segue-api",
        "sub": "somebody",
        "client_id": seed.WEB_PLAYER_CLIENT,
        "scope": "streaming",
        "tier": "premium",
        "country": "DE",
        "iat": int(time.time()),
        "exp": int(time.time()) + 600,
        "jti": "1",
        **changes,
    }
    own = ECKey.import_key(json.loads(cloud.cloud.keys.token_signing_key))
    header = {"alg": "ES256", "kid": own.kid, "typ": "at+jwt"}
    return jwt.encode(header, claims, key or own)


def _get_track(cloud: WholeCloud, token: str) -> httpx.Response:
    headers = {"Authorization": f"Bearer {token}"}
    return httpx.get(f"{cloud.url}/v1/tracks/{UNKNOWN}", headers=headers, timeout=30)


def test_a_token_made_with_our_key_is_accepted(whole_cloud: WholeCloud) -> None:
    _error(_get_track(whole_cloud, _signed(whole_cloud)), 404)  # past the guard, to the catalogue


def test_no_token(whole_cloud: WholeCloud) -> None:
    answer = httpx.get(f"{whole_cloud.url}/v1/tracks/{UNKNOWN}")
    assert _error(answer, 401) == "No token provided"
    assert "bearer" in answer.headers["www-authenticate"].lower()


def test_an_expired_token(whole_cloud: WholeCloud) -> None:
    token = _signed(whole_cloud, exp=int(time.time()) - 60)
    assert _error(_get_track(whole_cloud, token), 401) == "The access token expired"


def test_a_foreign_token(whole_cloud: WholeCloud) -> None:
    stranger = ECKey.generate_key("P-256")
    token = _signed(whole_cloud, key=stranger)
    assert _error(_get_track(whole_cloud, token), 401) == "Invalid access token"
    token = _signed(whole_cloud, iss="https://elsewhere.example")
    assert _error(_get_track(whole_cloud, token), 401) == "Invalid access token"


def test_an_altered_token(whole_cloud: WholeCloud) -> None:
    head, claims, signature = whole_cloud.token().split(".")
    altered = claims[:-2] + ("A" if claims[-2] != "A" else "B") + claims[-1]
    answer = _get_track(whole_cloud, f"{head}.{altered}.{signature}")
    assert _error(answer, 401) == "Invalid access token"


def test_a_token_without_the_scope(whole_cloud: WholeCloud) -> None:
    token = whole_cloud.token(scope="user-read-email")
    answer = httpx.get(
        f"{whole_cloud.url}/v1/playback/manifest?track_id={UNKNOWN}",
        headers={"Authorization": f"Bearer {token}"},
    )
    assert "streaming" in _error(answer, 403)


@pytest.mark.parametrize("kind", ["tracks", "albums", "artists"])
def test_unknown_and_malformed_ids(whole_cloud: WholeCloud, kind: str) -> None:
    with whole_cloud.client() as api:
        _error(api.get(f"/v1/{kind}/{UNKNOWN}"), 404)
        _error(api.get(f"/v1/{kind}/not-an-id"), 400)


def test_unknown_paths_and_methods(whole_cloud: WholeCloud) -> None:
    with whole_cloud.client() as api:
        _error(api.get("/v1/nowhere"), 404)
        _error(api.delete("/v1/search"), 405)


@pytest.mark.parametrize("path", ["/v1/events", "/v1/uploads"])
def test_malformed_json(whole_cloud: WholeCloud, path: str) -> None:
    with whole_cloud.client() as api:
        headers = {"content-type": "application/json"}
        answer = api.post(path, content=b'{"events": [', headers=headers)
        assert "json" in _error(answer, 400).lower()


def test_very_high_quality_is_for_premium(whole_cloud: WholeCloud) -> None:
    track = whole_cloud.find_track(demo.BUSIEST_TRACK)
    query = {"track_id": track["id"], "codec": "vorbis", "br": 320}
    with whole_cloud.client(seed.FREE_USER) as api:
        answer = api.get("/v1/playback/manifest", params=query)
        _error(answer, 403)
        assert answer.json()["error"]["reason"] == "PREMIUM_REQUIRED"
    with whole_cloud.client(seed.DEMO_USER) as api:
        assert api.get("/v1/playback/manifest", params=query).status_code == 200


def test_a_signature_for_everybodys_tiers_does_not_open_premiums(whole_cloud: WholeCloud) -> None:
    query = {"track_id": whole_cloud.find_track(demo.BUSIEST_TRACK)["id"], "codec": "vorbis"}
    with whole_cloud.client(seed.FREE_USER) as api:
        free = api.get("/v1/playback/manifest", params={**query, "br": 160}).json()["files"]
    with whole_cloud.client(seed.DEMO_USER) as api:
        premium = api.get("/v1/playback/manifest", params={**query, "br": 320}).json()["files"]
    wanted = {file["cdn"]: file["url"] for file in premium}
    for file in free:
        url = wanted[file["cdn"]]
        assert httpx.head(url).status_code == 200
        with_free_signature = f"{url.partition('?')[0]}?{file['url'].partition('?')[2]}"
        assert httpx.head(with_free_signature).status_code == 403, file["cdn"]


def test_a_track_that_is_not_licensed_in_the_listeners_country(whole_cloud: WholeCloud) -> None:
    track = whole_cloud.find_track(demo.RESTRICTED_TRACK)
    abroad = _signed(whole_cloud, country=demo.NOT_LICENSED_IN)
    answer = httpx.get(
        f"{whole_cloud.url}/v1/playback/manifest?track_id={track['id']}",
        headers={"Authorization": f"Bearer {abroad}"},
    )
    _error(answer, 403)
    assert answer.json()["error"]["reason"] == "NOT_AVAILABLE_IN_MARKET"


def _manifest(cloud: WholeCloud, user: str = seed.DEMO_USER, device: str = "a") -> dict[str, Any]:
    track = cloud.find_track(demo.BUSIEST_TRACK)
    with cloud.client(user, device) as api:
        answer = api.get("/v1/playback/manifest", params={"track_id": track["id"]})
        body: dict[str, Any] = answer.raise_for_status().json()
    return body


def _kids(cloud: WholeCloud, manifest: dict[str, Any]) -> list[str]:
    text = httpx.get(manifest["manifest_url"]).text
    kid = text.partition('default_KID="')[2][:36].replace("-", "")
    import base64

    return [base64.urlsafe_b64encode(bytes.fromhex(kid)).decode().rstrip("=")]


def test_a_licence_for_ones_own_session_and_no_other(whole_cloud: WholeCloud) -> None:
    manifest = _manifest(whole_cloud)
    request = {"kids": _kids(whole_cloud, manifest), "type": "temporary"}
    with whole_cloud.client(seed.FREE_USER, "a") as other:
        _error(other.post(manifest["license_url"], json=request), 403)
    with whole_cloud.client(seed.DEMO_USER, "another-device") as other_device:
        _error(other_device.post(manifest["license_url"], json=request), 403)
    with whole_cloud.client(seed.DEMO_USER, "a") as own:
        answer = own.post(manifest["license_url"], json=request)
        assert [key["kid"] for key in answer.raise_for_status().json()["keys"]] == request["kids"]


def test_a_licence_with_an_altered_session(whole_cloud: WholeCloud) -> None:
    manifest = _manifest(whole_cloud)
    url = manifest["license_url"]
    altered = url[:-3] + ("AAA" if not url.endswith("AAA") else "BBB")
    with whole_cloud.client(device="a") as api:
        answer = api.post(altered, json={"kids": ["AAAAAAAAAAAAAAAAAAAAAA"], "type": "temporary"})
    assert answer.status_code in (401, 403)
    _error(answer, answer.status_code)


def test_every_cdn_refuses_an_altered_signature(whole_cloud: WholeCloud) -> None:
    manifest = _manifest(whole_cloud)
    assert len(manifest["cdns"]) == 3
    for cdn in manifest["cdns"]:
        url = f"{cdn['base_url']}manifest.mpd?"
        assert httpx.get(url + cdn["query"]).status_code == 200, cdn["cdn"]
        middle = len(cdn["query"]) // 2
        flipped = "A" if cdn["query"][middle] != "A" else "B"
        altered = cdn["query"][:middle] + flipped + cdn["query"][middle + 1 :]
        assert httpx.get(url + altered).status_code == 403, cdn["cdn"]
        assert httpx.get(url.rstrip("?")).status_code == 403, cdn["cdn"]


def test_push_endpoints_take_only_googles_tokens(whole_cloud: WholeCloud) -> None:
    url = f"{whole_cloud.url}/_events/record_history"
    _error(httpx.post(url, json={"message": {"data": ""}}), 401)
    headers = {"Authorization": f"Bearer {whole_cloud.token()}"}
    _error(httpx.post(url, json={"message": {"data": ""}}, headers=headers), 401)
