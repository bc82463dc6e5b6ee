"""A client's way to the sound: manifest, licence, segments; plain HTTP, none of our own code."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import httpx
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

Manifest = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Listener:
    """Somebody signed in to the API; `web` sends no token, as players to a CDN do not."""

    api: httpx.Client
    web: httpx.Client

    def track(self, track_id: str) -> dict[str, Any]:
        """The catalogue's track object."""
        body: dict[str, Any] = self.api.get(f"/v1/tracks/{track_id}").raise_for_status().json()
        return body

    def manifest(self, track_id: str, **wanted: str | int) -> Manifest:
        """The answer of the manifest endpoint."""
        answer = self.api.get("/v1/playback/manifest", params={"track_id": track_id, **wanted})
        assert answer.status_code == 200, answer.text
        body: Manifest = answer.json()
        return body

    def key(self, manifest: Manifest, kid: str) -> bytes:
        """The content key by the licence endpoint; `kid` in hex."""
        wanted = base64.urlsafe_b64encode(bytes.fromhex(kid)).rstrip(b"=").decode()
        answer = self.api.post(manifest["license_url"], json={"kids": [wanted]})
        assert answer.status_code == 200, answer.text
        (key,) = answer.json()["keys"]
        assert key["kid"] == wanted
        return base64.urlsafe_b64decode(key["k"] + "==")

    def text(self, url: str) -> str:
        """A playlist."""
        return self.web.get(url).raise_for_status().text

    def download_cmaf(self, manifest: Manifest, kbps: int, target: Path) -> Path:
        """One AAC rendition, initialisation and segments in a row, as the CDN serves them."""
        assert manifest["protocol"] == "hls"
        master = self.text(manifest["manifest_url"])
        (variant,) = {line for line in re.findall(r"aac_\d+\.m3u8", master) if f"_{kbps}." in line}
        with target.open("wb") as file:
            for url in segment_urls(self.text(urljoin(manifest["manifest_url"], variant))):
                file.write(self.web.get(url).raise_for_status().content)
        return target

    def download_ogg(self, manifest: Manifest, target: Path) -> Path:
        """The Ogg file as the CDN serves it: ciphertext."""
        target.write_bytes(self.web.get(manifest["files"][0]["url"]).raise_for_status().content)
        return target

    def cmaf_kid(self, track_id: str) -> str:
        """Key id of a track's CMAF renditions, in hex, out of its DASH manifest."""
        mpd = self.text(self.manifest(track_id, protocol="dash")["manifest_url"])
        return re.findall(r'default_KID="([^"]+)"', mpd)[0].replace("-", "").lower()


def segment_urls(playlist: str) -> list[str]:
    """Addresses in a media playlist, initialisation first."""
    start = re.findall(r'#EXT-X-MAP:.*?URI="([^"]+)"', playlist)
    return start + [line for line in playlist.splitlines() if line and line[0] != "#"]


def decrypt_ogg(source: Path, key: bytes, iv: str, target: Path) -> Path:
    """AES-256-CTR over the whole file."""
    decryptor = Cipher(algorithms.AES256(key), modes.CTR(bytes.fromhex(iv))).decryptor()
    target.write_bytes(decryptor.update(source.read_bytes()) + decryptor.finalize())
    return target
