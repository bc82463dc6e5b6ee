"""Players and CDNs that know nothing of Segue: ffmpeg plays what it may, and nothing else."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from emulators import demo
from shared.delivery.signing import load_key, sign_prefix
from shared.platform.settings import Cdn
from tests.clients import sound
from tests.clients.listening import Listener, Manifest, decrypt_ogg, segment_urls
from tests.whole_cloud import WholeCloud

AAC_KBPS = (64, 96, 160, 256)
VORBIS_KBPS = (24, 96, 160, 320)
CDNS = ("google", "cloudfront", "akamai")
# One that fills the spectrum, a soft one, and one between.
COMPARED = (demo.BUSIEST_TRACK, "Moorings", "Carry the One")
DURATION_TOLERANCE_S = 0.05
LAG_TOLERANCE_S = 0.005
RESEMBLES = 0.95
BITRATE_TOLERANCE = 0.15
PREVIEW_S = 30


@dataclass(frozen=True, slots=True)
class Copy:
    """A rendition as it was downloaded: `sealed` as the CDN has it, `source` and `options` what
    a listener with the key gives to ffmpeg."""

    sealed: Path
    source: Path
    options: tuple[str, ...] = ()

    def decode(self) -> sound.Pcm:
        """The sound, with the key."""
        return sound.decode(self.source, *self.options)


class Shelf:
    """Downloads each rendition once, decodes each master once."""

    def __init__(self, cloud: WholeCloud, listener: Listener, folder: Path) -> None:
        self._cloud, self._listener, self._folder = cloud, listener, folder
        self._tracks: dict[str, dict[str, Any]] = {}
        self._copies: dict[tuple[str, str, int], Copy] = {}
        self._masters: dict[str, sound.Pcm] = {}

    def track(self, title: str) -> dict[str, Any]:
        """The catalogue's track object."""
        if title not in self._tracks:
            self._tracks[title] = self._cloud.find_track(title)
        return self._tracks[title]

    def master(self, title: str) -> sound.Pcm:
        """What the artist handed in."""
        if title not in self._masters:
            folder = self._cloud.cloud.state / demo.FOLDER
            (path,) = folder.rglob(f"* - {title}.flac")
            self._masters[title] = sound.decode(path)
        return self._masters[title]

    def copy(self, title: str, codec: str, kbps: int) -> Copy:
        """A rendition from the CDN, and the way to open it by its licence."""
        wanted = (title, codec, kbps)
        if wanted not in self._copies:
            track_id = str(self.track(title)["id"])
            self._copies[wanted] = getattr(self, f"_{codec}")(track_id, kbps)
        return self._copies[wanted]

    def _aac(self, track_id: str, kbps: int) -> Copy:
        manifest = self._listener.manifest(track_id, protocol="hls", br=kbps)
        sealed = self._folder / f"{track_id}-{kbps}.mp4"
        self._listener.download_cmaf(manifest, kbps, sealed)
        key = self._listener.key(manifest, self._listener.cmaf_kid(track_id))
        return Copy(sealed, sealed, ("-decryption_key", key.hex()))

    def _vorbis(self, track_id: str, kbps: int) -> Copy:
        manifest = self._listener.manifest(track_id, codec="vorbis", br=kbps)
        sealed = self._folder / f"{track_id}-{kbps}.sealed"
        self._listener.download_ogg(manifest, sealed)
        file = manifest["files"][0]
        key = self._listener.key(manifest, file["kid"])
        return Copy(sealed, decrypt_ogg(sealed, key, file["iv"], sealed.with_suffix(".ogg")))


@pytest.fixture(scope="module")
def listener(whole_cloud: WholeCloud, web: httpx.Client) -> Iterator[Listener]:
    """Somebody with Premium of whom no other test wants a licence: all streams of the demo user
    may still be leased, to tabs that browser tests have closed."""
    with whole_cloud.client("mira") as api:
        yield Listener(api, web)


@pytest.fixture(scope="module")
def shelf(
    whole_cloud: WholeCloud, listener: Listener, tmp_path_factory: pytest.TempPathFactory
) -> Shelf:
    return Shelf(whole_cloud, listener, tmp_path_factory.mktemp("renditions"))


@pytest.fixture(scope="module")
def busiest(shelf: Shelf) -> str:
    return str(shelf.track(demo.BUSIEST_TRACK)["id"])


def preview_of(master: sound.Pcm) -> sound.Pcm:
    """The 30 s that a preview takes: from one third of the track on."""
    start = len(master) // 3
    return master[start : start + PREVIEW_S * sound.RATE_HZ]


# --- playing ----------------------------------------------------------------------------------


@pytest.mark.parametrize("who", ["listener", "free_listener"])
def test_a_stock_player_plays_the_signed_preview_from_its_address_alone(
    who: str, shelf: Shelf, busiest: str, request: pytest.FixtureRequest
) -> None:
    listener: Listener = request.getfixturevalue(who)
    manifest = listener.manifest(busiest, preview="true")
    assert manifest["license_url"] is None
    heard = sound.decode(manifest["manifest_url"])
    assert sound.seconds(heard) == pytest.approx(PREVIEW_S, abs=0.2)
    likeness = sound.likeness(preview_of(shelf.master(demo.BUSIEST_TRACK)), heard)
    assert likeness.correlation > 0.9
    assert abs(likeness.lag_s) < DURATION_TOLERANCE_S


def test_the_public_preview_clip_is_thirty_seconds_of_the_track(shelf: Shelf) -> None:
    clip = sound.decode(shelf.track(demo.BUSIEST_TRACK)["preview_url"])
    assert sound.seconds(clip) == pytest.approx(PREVIEW_S, abs=0.2)
    reference = preview_of(shelf.master(demo.BUSIEST_TRACK))
    assert sound.likeness(reference, clip).correlation > 0.9


def test_a_stock_player_with_the_key_plays_the_signed_dash_manifest(
    shelf: Shelf, listener: Listener
) -> None:
    title = "Remainder"
    track_id = str(shelf.track(title)["id"])
    manifest = listener.manifest(track_id, protocol="dash", br=256)
    key = listener.key(manifest, listener.cmaf_kid(track_id)).hex()
    heard = sound.decode(manifest["manifest_url"], "-cenc_decryption_key", key)
    master = shelf.master(title)
    # FFmpeg's DASH demuxer (not its HLS one) drops an audio frame where segments meet.
    assert sound.seconds(heard) == pytest.approx(sound.seconds(master), rel=0.01)
    first_segment = slice(0, 5 * sound.RATE_HZ)
    likeness = sound.likeness(master[first_segment], heard[first_segment])
    assert likeness.correlation > RESEMBLES
    assert abs(likeness.lag_s) < LAG_TOLERANCE_S
    with pytest.raises(sound.Undecodable):
        sound.decode(manifest["manifest_url"])


# --- protection and fidelity --------------------------------------------------------------------


@pytest.mark.parametrize("kbps", AAC_KBPS)
def test_the_cdns_cmaf_is_noise_without_its_key(shelf: Shelf, kbps: int) -> None:
    copy = shelf.copy(demo.BUSIEST_TRACK, "aac", kbps)
    assert len(copy.decode()) > 0  # or nothing could be undecodable
    assert_gives_nothing_away(copy.sealed, shelf.master(demo.BUSIEST_TRACK))
    wrong_key = ("-decryption_key", "00" * 16)
    assert_gives_nothing_away(copy.sealed, shelf.master(demo.BUSIEST_TRACK), *wrong_key)


@pytest.mark.parametrize("kbps", VORBIS_KBPS)
def test_the_cdns_ogg_is_noise_without_its_key(shelf: Shelf, kbps: int, tmp_path: Path) -> None:
    copy = shelf.copy(demo.BUSIEST_TRACK, "vorbis", kbps)
    assert len(copy.decode()) > 0
    sealed = copy.sealed.read_bytes()
    assert b"OggS" not in sealed[:4096]
    assert entropy_bits(sealed) > 7.99
    assert_gives_nothing_away(copy.sealed, shelf.master(demo.BUSIEST_TRACK))
    opened_wrongly = decrypt_ogg(copy.sealed, bytes(32), "00" * 16, tmp_path / "wrong.ogg")
    assert_gives_nothing_away(opened_wrongly, shelf.master(demo.BUSIEST_TRACK))


def assert_gives_nothing_away(file: Path, master: sound.Pcm, *options: str) -> None:
    """A strict player refuses; what a lenient one emits has nothing of the music."""
    with pytest.raises(sound.Undecodable):
        sound.decode(file, *options)
    try:
        emitted = sound.decode(file, *options, strict=False)
    except sound.Undecodable:
        return
    if len(emitted) > sound.RATE_HZ // 10:
        assert abs(sound.likeness(master, emitted).correlation) < 0.1


def entropy_bits(data: bytes) -> float:
    """Shannon entropy per byte, 0..8."""
    shares = [data.count(value) / len(data) for value in range(256)]
    return -sum(share * math.log2(share) for share in shares if share)


@pytest.mark.parametrize("title", COMPARED)
@pytest.mark.parametrize(("codec", "kbps"), [("aac", 256), ("vorbis", 320)])
def test_the_best_renditions_with_their_key_sound_like_the_master(
    shelf: Shelf, title: str, codec: str, kbps: int
) -> None:
    master, heard = shelf.master(title), shelf.copy(title, codec, kbps).decode()
    assert sound.seconds(heard) == pytest.approx(sound.seconds(master), abs=DURATION_TOLERANCE_S)
    likeness = sound.likeness(master, heard)
    assert likeness.correlation > RESEMBLES
    assert abs(likeness.lag_s) < LAG_TOLERANCE_S
    other = shelf.master("Remainder")
    assert sound.likeness(other, heard).correlation < 0.5  # so the measure tells music apart


# --- the ladder ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("codec", "kbps"),
    [("aac", kbps) for kbps in AAC_KBPS] + [("vorbis", kbps) for kbps in VORBIS_KBPS],
)
def test_every_rendition_of_the_busiest_track_holds_its_bitrate(
    shelf: Shelf, codec: str, kbps: int
) -> None:
    size = shelf.copy(demo.BUSIEST_TRACK, codec, kbps).source.stat().st_size
    measured = size * 8 / shelf.track(demo.BUSIEST_TRACK)["duration_ms"]
    assert measured == pytest.approx(kbps, rel=BITRATE_TOLERANCE)


@pytest.mark.parametrize("kbps", VORBIS_KBPS)
def test_only_the_lowest_vorbis_tier_is_mono_at_half_the_rate(shelf: Shelf, kbps: int) -> None:
    described = sound.stream_line(shelf.copy(demo.BUSIEST_TRACK, "vorbis", kbps).source)
    form = "22050 Hz, mono" if kbps == 24 else "44100 Hz, stereo"
    assert described.startswith(f"vorbis, {form}")


@pytest.mark.parametrize("title", COMPARED)
@pytest.mark.parametrize("codec", ["aac", "vorbis"])
def test_what_one_hears_is_as_loud_as_everything_else(shelf: Shelf, title: str, codec: str) -> None:
    copy = shelf.copy(title, codec, 256 if codec == "aac" else 320)
    assert sound.loudness_lufs(copy.source, *copy.options) == pytest.approx(-14, abs=1)


# --- edges --------------------------------------------------------------------------------------


def on_cdn(manifest: Manifest, cdn: str) -> dict[str, Any]:
    """The manifest's entry for a CDN."""
    return next(one for one in manifest["cdns"] if one["cdn"] == cdn)


@pytest.mark.parametrize("cdn", CDNS)
def test_ranges_come_through_every_edge(listener: Listener, busiest: str, cdn: str) -> None:
    manifest = listener.manifest(busiest, codec="vorbis", br=96)
    file = next(one for one in manifest["files"] if one["cdn"] == cdn)
    whole = listener.web.get(file["url"])
    assert (whole.status_code, len(whole.content)) == (200, file["size_bytes"])
    part = listener.web.get(file["url"], headers={"range": "bytes=1000-2999"})
    assert part.status_code == 206
    assert part.headers["content-range"] == f"bytes 1000-2999/{file['size_bytes']}"
    assert part.content == whole.content[1000:3000]
    tail = listener.web.get(file["url"], headers={"range": "bytes=-100"})
    assert tail.content == whole.content[-100:]
    beyond = listener.web.get(file["url"], headers={"range": f"bytes={file['size_bytes']}-"})
    assert beyond.status_code == 416


@pytest.mark.parametrize("cdn", CDNS)
def test_an_altered_signature_opens_nothing(listener: Listener, busiest: str, cdn: str) -> None:
    source = on_cdn(listener.manifest(busiest), cdn)
    url = source["base_url"] + "aac_160-init.m4s"
    assert listener.web.get(f"{url}?{source['query']}").status_code == 200
    # Not the last characters: base64 has bits there that mean nothing.
    altered = source["query"][:-8] + ("A" if source["query"][-8] != "A" else "B")
    altered += source["query"][-7:]
    for query in (altered, source["query"][:-8], ""):
        assert listener.web.get(f"{url}?{query}").status_code == 403


@pytest.mark.parametrize("cdn", CDNS)
def test_a_token_of_one_track_does_not_open_another(
    listener: Listener, shelf: Shelf, busiest: str, cdn: str
) -> None:
    mine = on_cdn(listener.manifest(busiest), cdn)
    other = on_cdn(listener.manifest(shelf.track("Moorings")["id"]), cdn)
    address = other["base_url"] + "aac_160-init.m4s"
    assert listener.web.get(f"{address}?{other['query']}").status_code == 200
    assert listener.web.get(f"{address}?{mine['query']}").status_code == 403
    # Nor by walking up from what it does open.
    stepping = f"{mine['base_url']}..%2f..%2f{other['base_url'].split('/audio/')[1]}"
    assert listener.web.get(f"{stepping}aac_160-init.m4s?{mine['query']}").status_code in (403, 404)


@pytest.mark.parametrize("cdn", CDNS)
def test_an_expired_signature_opens_nothing(
    whole_cloud: WholeCloud, web: httpx.Client, listener: Listener, busiest: str, cdn: str
) -> None:
    url = on_cdn(listener.manifest(busiest), cdn)["base_url"] + "aac_160-init.m4s"
    assert web.get(f"{url}?{sign(whole_cloud, cdn, url, timedelta())}").status_code == 200
    # As it was given out two hours ago, for at most one.
    late = sign(whole_cloud, cdn, url, timedelta(hours=-2))
    assert web.get(f"{url}?{late}").status_code == 403


def sign(whole_cloud: WholeCloud, cdn: str, url: str, ago: timedelta) -> str:
    """The token that our function would have given out at another time."""
    cdns = json.loads(whole_cloud.cloud.environment()["SEGUE_CDNS"])
    terms = Cdn.model_validate(next(one for one in cdns if one["name"] == cdn))
    key = load_key(terms.provider, whole_cloud.cloud.keys.cdn_keys[cdn].encode())
    prefix = url.removeprefix(terms.base_url).rpartition("/")[0] + "/"
    return sign_prefix(terms, key, prefix, "somebody", datetime.now(UTC) + ago).query


@pytest.mark.parametrize("cdn", CDNS)
def test_a_second_listener_is_served_from_the_cache_that_the_first_one_filled(
    listener: Listener, free_listener: Listener, shelf: Shelf, cdn: str
) -> None:
    track_id = shelf.track("Glass Elevator")["id"]
    purge = httpx.URL(on_cdn(listener.manifest(track_id), cdn)["base_url"])
    listener.web.post(purge.copy_with(path="/_edge/purge")).raise_for_status()
    seen = []
    for who in (listener, free_listener):
        source = on_cdn(who.manifest(track_id), cdn)
        answer = who.web.get(f"{source['base_url']}aac_640000000002.m4s?{source['query']}")
        assert answer.status_code == 200
        seen.append((answer.headers["x-cache"], answer.content, source["query"]))
    (first, body, one_token), (second, same_body, other_token) = seen
    assert (first, second) == ("MISS", "HIT")
    assert body == same_body
    if cdn == "akamai":  # this one's token names the listener
        assert one_token != other_token


def test_playlists_name_one_cdn_and_carry_one_signature(listener: Listener, busiest: str) -> None:
    manifest = listener.manifest(busiest, preview="true")
    master = listener.text(manifest["manifest_url"])
    variant = next(line for line in master.splitlines() if line.endswith(".m3u8"))
    media = httpx.URL(manifest["manifest_url"]).join(variant)
    urls = [httpx.URL(url) for url in segment_urls(listener.text(str(media)))]
    assert len(urls) > 3
    assert len({(url.host, url.port, url.query) for url in urls}) == 1
