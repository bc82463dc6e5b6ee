"""Covers, Ogg encryption, loudness and the catalog's documents."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from shared.ingestion import artwork, documents, loudness, ogg_cipher
from shared.ingestion.models import Ingestion, MasterObject, TrackMetadata

KEY = bytes(range(32))
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def sizes(images: dict[int, bytes]) -> list[tuple[int, int]]:
    return [Image.open(io.BytesIO(jpeg)).size for jpeg in images.values()]


def picture(width: int, height: int, kind: str = "PNG") -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (width, height), "teal").save(out, kind)
    return out.getvalue()


def test_an_embedded_cover_is_cut_square_in_three_sizes() -> None:
    scaled = artwork.scaled(picture(900, 500))
    assert scaled is not None
    assert sizes(scaled) == [(640, 640), (300, 300), (64, 64)]


@pytest.mark.parametrize(
    "data", [b"", b"\x89PNG", picture(20, 300), picture(100, 100)[:60], picture(100, 100, "EPS")]
)
def test_what_is_no_cover_is_none(data: bytes) -> None:
    assert artwork.scaled(data) is None


def test_a_drawn_cover_is_the_same_for_the_same_album_and_another_for_others() -> None:
    one, again, other = artwork.drawn("a"), artwork.drawn("a"), artwork.drawn("b")
    assert one == again
    assert one != other
    assert sizes(one) == [(640, 640), (300, 300), (64, 64)]


@given(st.binary(max_size=5000), st.integers(0, 310))
@settings(max_examples=30)
def test_ciphertext_decrypts_from_any_block(data: bytes, block: int) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        plain, cipher = Path(folder, "plain"), Path(folder, "cipher")
        plain.write_bytes(data)
        made = ogg_cipher.encrypt(plain, cipher, KEY, "t/v/vorbis_320.ogg")
        content = cipher.read_bytes()
    iv = bytes.fromhex(made.iv)
    assert iv[8:] == bytes(8)
    assert made.size_bytes == len(content) == len(data)
    counter = iv[:8] + block.to_bytes(8, "big")
    decryptor = Cipher(algorithms.AES256(KEY), modes.CTR(counter)).decryptor()
    assert decryptor.update(content[block * 16 :]) == data[block * 16 :]


def test_no_two_files_and_no_two_contents_share_a_key_stream(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"one")
    (tmp_path / "b").write_bytes(b"two")
    out = tmp_path / "out"
    ivs = {
        ogg_cipher.encrypt(tmp_path / name, out, KEY, path).iv
        for name in ("a", "b")
        for path in ("t/v/vorbis_96.ogg", "t/v/vorbis_160.ogg")
    }
    assert len(ivs) == 4
    assert ogg_cipher.encrypt(tmp_path / "a", out, KEY, "t/v/vorbis_96.ogg").iv in ivs


@pytest.mark.parametrize(
    ("lufs", "accepted"),
    [(-14.0, True), (-13.0, True), (-15.0, True), (-15.1, False), (-9.0, False)],
)
def test_loudness_is_held_to_one_unit_around_the_target(lufs: float, accepted: bool) -> None:
    verdict = loudness.check(lufs)
    assert verdict.accepted is accepted
    assert f"{lufs:.1f} LUFS" in verdict.reason


def ingestion(**metadata: object) -> Ingestion:
    fields = {"title": "T", "artists": ("Ada", "Ben"), "album": "A", "album_artists": ("Ada",)}
    return Ingestion(
        content_hash="h",
        track_id="t" * 22,
        upload_id="u" * 22,
        source=MasterObject(bucket="b", name="n", generation=1),
        state="publishing",
        asset_version="v" * 16,
        metadata=TrackMetadata.model_validate(fields | metadata),
        duration_ms=200_000,
        image_id="i" * 22,
        created_at=NOW,
        updated_at=NOW,
    )


def test_documents_refer_to_one_another_by_id() -> None:
    track, album, artists = documents.documents(ingestion(), (), -14.0, NOW)
    assert [artist.name for artist in artists] == ["Ada", "Ben"]
    assert [ref.id for ref in track.artists] == [artist.id for artist in artists]
    assert track.album_id == track.album.id == album.id
    assert [ref.name for ref in album.artists] == ["Ada"]
    assert track.preview_url == f"/previews/{'t' * 22}/{'v' * 16}.mp3"


def test_spelling_does_not_split_artists_and_albums() -> None:
    assert documents.artist_id("ADA  Lane") == documents.artist_id("Ada Lane")
    one = documents.documents(ingestion(), (), -14.0, NOW)[1].id
    assert documents.documents(ingestion(album=" a "), (), -14.0, NOW)[1].id == one
    assert documents.documents(ingestion(album="B"), (), -14.0, NOW)[1].id != one
    with_upc = ingestion(upc="036000291452")
    as_ean = ingestion(upc="0036000291452", album="A (Deluxe)")
    assert documents.album_id(with_upc.metadata) == documents.album_id(as_ean.metadata)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("metadata", "kind"),
    [({}, "album"), ({"total_tracks": 1}, "single"), ({"album": "T"}, "single"),
     ({"compilation": True}, "compilation"), ({"album_artists": ("Various Artists",)},
     "compilation")],
)  # fmt: skip
def test_the_kind_of_an_album_follows_from_its_tags(metadata: dict[str, object], kind: str) -> None:
    assert documents.documents(ingestion(**metadata), (), -14.0, NOW)[1].album_type == kind
