"""What a client library's driver is told: where we are, who signs in, and true ids of the demo
catalogue. It is plain JSON, since some drivers run in environments of their own."""

from __future__ import annotations

import base64
import re
from html import unescape
from typing import Any

import httpx

from emulators import seed
from tests import sample
from tests.whole_cloud import ALL_SCOPES, WholeCloud

DEVICE = "test-client-device"
LISTENER = "sofia"  # of the demo catalogue: Premium, with a history and no loudspeaker

Plan = dict[str, Any]


def make(cloud: WholeCloud) -> Plan:
    """The plan; also puts the listener's device on line."""
    with cloud.client(LISTENER) as api:
        user_id = api.get("/v1/me").raise_for_status().json()["id"]
        sample.connect_device(api, DEVICE)
    return {
        "url": cloud.url,
        "accounts_url": cloud.cloud.accounts_url,
        "redirect_uri": f"{cloud.url}/callback",
        "client_id": seed.WEB_PLAYER_CLIENT,
        "app_id": seed.DEMO_CLIENT,
        "app_secret": seed.DEMO_CLIENT_SECRET,
        "username": LISTENER,
        "password": seed.DEMO_PASSWORD,
        "scope": ALL_SCOPES,
        "user_id": user_id,
        "device_id": DEVICE,
        "jpeg": base64.b64encode(sample.jpeg()).decode(),
        **sample.ids(),
    }


def fill_in_form(address: str, plan: Plan) -> str:
    """Signs in on our page at `address` as a person does, agrees where it asks, and returns where
    it sends the browser."""
    identity = {"username": plan["username"], "password": plan["password"]}
    with httpx.Client(timeout=30, trust_env=False, follow_redirects=True) as browser:
        page = browser.get(address)
        for _ in range(3):  # sign-in, consent
            hidden = re.search(r'name="form_token" value="([^"]*)"', page.text)
            assert hidden, page.text[:2000]
            said = identity if 'name="username"' in page.text else {"decision": "allow"}
            fields = {"form_token": unescape(hidden[1]), **said}
            page = browser.post(page.url, data=fields, follow_redirects=False)
            location = page.headers.get("location", "")
            if location.startswith(plan["redirect_uri"]):
                return str(location)
            if location:
                page = browser.get(page.url.join(location))
    raise AssertionError(f"no way back to the app: {page.status_code} {page.text[:2000]}")
