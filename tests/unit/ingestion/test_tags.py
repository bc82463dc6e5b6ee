"""Tags of every format, and their merge with what the uploader states."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from PIL import Image

from shared.ingestion import tags
from shared.ingestion.models import Rejected, UploadMetadata
from tests.unit.ingestion.test_audio import make

NOTHING = UploadMetadata()


def cover() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (100, 100), "navy").save(out, "PNG")
    return out.getvalue()


def tag_flac(path: Path) -> None:
    from mutagen.flac import FLAC, Picture

    file = FLAC(path)
    file.update(
        {
            "title": "Night Train",
            "artist": ["Ada", "Ben"],
            "album": "Rails",
            "albumartist": "Ada",
            "date": "2024-03-09",
            "tracknumber": "3/12",
            "discnumber": "2",
            "isrc": "us-s1z-99-00001",
            "barcode": "036000291452",
            "genre": "Folk",
        }
    )
    picture = Picture()
    picture.type, picture.mime, picture.data = 3, "image/png", cover()
    file.add_picture(picture)
    file.save()


def tag_id3(path: Path) -> None:
    from mutagen import id3
    from mutagen.mp3 import MP3
    from mutagen.wave import WAVE

    file = WAVE(path) if path.suffix == ".wav" else MP3(path)
    if file.tags is None:
        file.add_tags()
    for frame in (
        id3.TIT2(text="Night Train"),
        id3.TPE1(text=["Ada", "Ben"]),
        id3.TALB(text="Rails"),
        id3.TPE2(text="Ada"),
        id3.TDRC(text="2024-03-09"),
        id3.TRCK(text="3/12"),
        id3.TPOS(text="2/2"),
        id3.TSRC(text="USS1Z9900001"),
        id3.TXXX(desc="BARCODE", text="036000291452"),
        id3.TCON(text="Folk"),
        id3.APIC(encoding=3, mime="image/png", type=3, desc="", data=cover()),
    ):
        file.tags.add(frame)
    file.save()


def tag_mp4(path: Path) -> None:
    from mutagen.mp4 import MP4, MP4Cover

    file = MP4(path)
    file["©nam"], file["©ART"], file["©alb"] = "Night Train", ["Ada", "Ben"], "Rails"
    file["aART"], file["©day"], file["©gen"] = "Ada", "2024-03-09T07:00:00Z", "Folk"
    file["trkn"], file["disk"] = [(3, 12)], [(2, 2)]
    file["----:com.apple.iTunes:ISRC"] = [b"USS1Z9900001"]
    file["----:com.apple.iTunes:BARCODE"] = [b"036000291452"]
    file["covr"] = [MP4Cover(cover(), MP4Cover.FORMAT_PNG)]
    file.save()


def tag_ogg(path: Path) -> None:
    import base64

    from mutagen.flac import Picture
    from mutagen.oggvorbis import OggVorbis

    file = OggVorbis(path)
    picture = Picture()
    picture.type, picture.mime, picture.data = 3, "image/png", cover()
    file.update(
        {
            "title": "Night Train",
            "artist": "Ada; Ben",
            "album": "Rails",
            "albumartist": "Ada",
            "date": "2024-03-09",
            "tracknumber": "3",
            "tracktotal": "12",
            "discnumber": "2",
            "isrc": "USS1Z9900001",
            "barcode": "036000291452",
            "genre": "Folk",
            "metadata_block_picture": base64.b64encode(picture.write()).decode(),
        }
    )
    file.save()


@pytest.mark.parametrize(
    ("name", "tag"),
    [("a.flac", tag_flac), ("a.mp3", tag_id3), ("a.wav", tag_id3), ("a.m4a", tag_mp4),
     ("a.ogg", tag_ogg)],
)  # fmt: skip
def test_every_format_gives_the_same_metadata(tmp_path: Path, name: str, tag: object) -> None:
    path = make(tmp_path / name)
    tag(path)  # type: ignore[operator]
    found = tags.read(path)
    merged = tags.merge(found, NOTHING, name, "2026-01-01")
    assert found.artwork == cover()
    assert merged.title == "Night Train"
    assert merged.artists == ("Ada", "Ben")
    assert (merged.album, merged.album_artists) == ("Rails", ("Ada",))
    assert (merged.release_date, merged.release_date_precision) == ("2024-03-09", "day")
    assert (merged.track_number, merged.total_tracks, merged.disc_number) == (3, 12, 2)
    assert (merged.isrc, merged.upc) == ("USS1Z9900001", "036000291452")
    assert merged.genres == ("Folk",)


def test_what_the_uploader_states_wins_over_the_tags() -> None:
    found = tags.Tags({"title": ("Old",), "artist": ("X",), "isrc": ("nonsense",)})
    stated = UploadMetadata(title="New", isrc="USS1Z9900001", territories=("de",), explicit=True)
    merged = tags.merge(found, stated, "a.flac", "2026-01-01")
    assert (merged.title, merged.artists, merged.isrc) == ("New", ("X",), "USS1Z9900001")
    assert (merged.territories, merged.explicit) == (("DE",), True)


def test_a_file_without_tags_gets_its_name_and_the_day_of_its_arrival() -> None:
    merged = tags.merge(tags.Tags({}), NOTHING, "03 - Night_Train.flac", "2026-01-01")
    assert merged.title == merged.album == "Night Train"
    assert merged.artists == merged.album_artists == (tags.UNKNOWN_ARTIST,)
    assert merged.release_date == "2026-01-01"


@pytest.mark.parametrize(
    ("text", "artists"),
    [
        ("AC/DC", ("AC/DC",)),
        ("Simon & Garfunkel", ("Simon & Garfunkel",)),
        ("Ada feat. Ben", ("Ada", "Ben")),
        ("Ada (feat. Ben)", ("Ada", "Ben")),
        ("Ada ; Ben;Ada", ("Ada", "Ben")),
        ("The Artist (UK)", ("The Artist (UK)",)),
    ],
)
def test_artists_are_told_apart_without_tearing_names(text: str, artists: tuple[str]) -> None:
    found = tags.Tags({"artist": (text,)})
    assert tags.merge(found, NOTHING, "a.flac", "2026-01-01").artists == artists


@pytest.mark.parametrize(
    ("text", "date"),
    [("1999", "1999"), ("1999-07", "1999-07"), ("1999-07-31 00:00", "1999-07-31"),
     ("1999-13-01", "1999"), ("31.07.1999", "2026-01-01"), ("0000", "2026-01-01")],
)  # fmt: skip
def test_dates_keep_their_precision_and_nonsense_is_passed_over(text: str, date: str) -> None:
    found = tags.Tags({"date": (text,)})
    assert tags.merge(found, NOTHING, "a.flac", "2026-01-01").release_date == date


@pytest.mark.parametrize(
    ("name", "value", "fault"),
    [("isrc", "XX-123", "isrc in the file's tags"), ("barcode", "036000291453", "upc in the file")],
)
def test_a_wrong_code_in_the_tags_rejects_the_master(name: str, value: str, fault: str) -> None:
    with pytest.raises(Rejected, match=fault):
        tags.merge(tags.Tags({name: (value,)}), NOTHING, "a.flac", "2026-01-01")


def test_nonsense_has_no_tags(tmp_path: Path) -> None:
    path = tmp_path / "a.flac"
    for content in (b"", b"fLaC", b"fLaC" + bytes(100), b"ID3" + bytes(50), b"RIFF" + bytes(40)):
        path.write_bytes(content)
        assert tags.read(path).values == {}


def test_a_track_number_of_thousands_of_digits_is_none() -> None:
    found = tags.Tags({"tracknumber": ("1" * 5000,)})
    assert tags.merge(found, NOTHING, "a.flac", "2026-01-01").track_number == 1
