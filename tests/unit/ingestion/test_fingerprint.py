"""Comparison of fingerprints, and the keys by which candidates are found."""

from __future__ import annotations

import random

import pytest

from shared.ingestion import fingerprint
from shared.ingestion.duplicate import Recording, decide

SECONDS = 40
ITEMS = round(SECONDS * fingerprint.ITEMS_PER_S)


def music(seed: int, count: int = ITEMS) -> tuple[int, ...]:
    dice = random.Random(seed)
    return tuple(dice.getrandbits(32) for _ in range(count))


def reencoded(items: tuple[int, ...], share: float, seed: int = 1) -> tuple[int, ...]:
    """`items` with that share of their bits flipped, as another codec would."""
    dice = random.Random(seed)
    return tuple(
        item ^ sum(1 << bit for bit in range(32) if dice.random() < share) for item in items
    )


def recording(name: str, items: tuple[int, ...], **changes: object) -> Recording:
    fields: dict[str, object] = {"duration_ms": SECONDS * 1000, "isrc": None} | changes
    return Recording(track_id=name, items=items, **fields)  # type: ignore[arg-type]


def test_bytes_and_items_are_each_others_inverse() -> None:
    assert fingerprint.decode(fingerprint.encode(music(1))) == music(1)


def test_the_same_recording_does_not_differ() -> None:
    assert fingerprint.bit_error_rate(music(1), music(1)) == 0


def test_other_music_differs_in_about_half_of_the_bits() -> None:
    assert fingerprint.bit_error_rate(music(1), music(2)) == pytest.approx(0.5, abs=0.03)


@pytest.mark.parametrize("shift", [-38, -9, 4, 40])
def test_a_shift_of_a_few_seconds_is_aligned_away(shift: int) -> None:
    shifted = music(3, max(shift, 0)) + music(1)[max(-shift, 0) :]
    assert fingerprint.bit_error_rate(music(1), shifted) < 0.01


def test_too_little_overlap_says_nothing() -> None:
    assert fingerprint.bit_error_rate(music(1)[:10], music(1)) == 1.0


@pytest.mark.parametrize("shift", [-20, 0, 20])
def test_a_reencoded_and_shifted_copy_shares_a_key(shift: int) -> None:
    copy = reencoded(music(3, max(shift, 0)) + music(1)[max(-shift, 0) :], 0.02)
    assert set(fingerprint.query_keys(copy)) & set(fingerprint.bucket_keys(music(1)))


def test_queries_stay_within_what_firestore_takes() -> None:
    for count in (0, 1, 20, 60, 400, 3000):
        keys = fingerprint.query_keys(music(1, count))
        assert len(keys) <= 30
        assert bool(keys) == bool(count)
    silent = (fingerprint.SILENCE_ITEM,) * 300
    assert fingerprint.bucket_keys(silent) == []


def test_the_first_recording_is_new() -> None:
    assert decide(recording("a", music(1)), []).kind == "new"
    assert decide(recording("a", music(1)), [recording("a", music(1))]).kind == "new"  # itself


def test_another_encoding_of_a_known_recording_is_a_duplicate_of_the_closest() -> None:
    known = [
        recording("far", reencoded(music(1), 0.12)),
        recording("near", reencoded(music(1), 0.02)),
        recording("other", music(2)),
    ]
    decision = decide(recording("new", music(1), isrc="USS1Z9900001"), known)
    assert (decision.kind, decision.track_id) == ("duplicate", "near")
    assert "near" in decision.reason


def test_a_long_version_is_another_recording_unless_its_isrc_says_otherwise() -> None:
    long = recording("long", music(1), duration_ms=SECONDS * 1000 + 9_000)
    assert decide(recording("new", music(1)), [long]).kind == "new"
    long = recording("long", music(1), duration_ms=SECONDS * 1000 + 9_000, isrc="USS1Z9900001")
    assert decide(recording("new", music(1), isrc="USS1Z9900001"), [long]).kind == "duplicate"


def test_an_isrc_that_names_another_recording_is_a_conflict() -> None:
    held = recording("held", music(2), isrc="USS1Z9900001")
    decision = decide(recording("new", music(1), isrc="USS1Z9900001"), [held])
    assert (decision.kind, decision.track_id) == ("isrc_conflict", "held")
    assert "USS1Z9900001" in decision.reason
    assert decide(recording("new", music(1), isrc="USS1Z9900002"), [held]).kind == "new"
