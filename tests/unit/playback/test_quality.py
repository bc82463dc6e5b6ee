"""The quality gate and the choice of a rendition (F042-F046)."""

from __future__ import annotations

import pytest

from shared.platform.errors import InvalidInput, NotFound, PremiumRequired
from shared.playback.quality import checked_bitrate, checked_codec, choose
from tests.unit.catalog.samples import encodings

ALL = encodings("t")


@pytest.mark.parametrize(
    ("codec", "asked", "given"),
    [("aac", 160, 160), ("aac", 320, 256), ("aac", 24, 64), ("vorbis", 256, 160)],
)
def test_the_highest_rendition_at_or_below_what_is_asked(
    codec: str, asked: int, given: int
) -> None:
    choice = choose(ALL, checked_codec(codec), asked)
    assert choice.encoding.bitrate_kbps == given
    assert choice.reason


def test_a_track_without_the_codec_is_not_found() -> None:
    with pytest.raises(NotFound):
        choose([one for one in ALL if one.codec == "aac"], "vorbis", 160)


def test_very_high_is_premium_only() -> None:
    assert checked_bitrate("320", "vorbis", "premium") == 320
    with pytest.raises(PremiumRequired) as refused:
        checked_bitrate("320", "vorbis", "free")
    assert refused.value.reason == "PREMIUM_REQUIRED"


@pytest.mark.parametrize("kbps", ["24", "64", "96", "160", "256"])
def test_every_other_tier_is_for_everyone(kbps: str) -> None:
    assert checked_bitrate(kbps, "aac", "free") == int(kbps)


@pytest.mark.parametrize("text", ["", "0", "161", "-160", "160.0", "x", "٣", "9" * 5000])
def test_an_unknown_bitrate_lists_the_tiers(text: str) -> None:
    with pytest.raises(InvalidInput, match="24, 96, 160, 320"):
        checked_bitrate(text, "vorbis", "premium")


def test_an_unknown_codec_lists_the_codecs() -> None:
    with pytest.raises(InvalidInput, match="aac, vorbis"):
        checked_codec("opus")
