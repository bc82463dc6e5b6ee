"""A playback token opens what it says, to whom it says, until it says, and nothing else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.platform.errors import Forbidden, Gone
from shared.platform.ids import content_id
from shared.playback import tokens
from shared.playback.models import Session

KEY = bytes(range(32))
NOW = 1_800_000_000
CHARACTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

ids = st.text(min_size=1, max_size=8).map(content_id)
sessions = st.builds(
    Session,
    session_id=ids,
    user=st.binary(min_size=16, max_size=16),
    device=st.binary(min_size=8, max_size=8),
    track_id=ids,
    asset_version=st.binary(min_size=8, max_size=8).map(bytes.hex),
    codec=st.sampled_from(["aac", "vorbis"]),
    bitrate_kbps=st.integers(1, 65_535),
    is_preview=st.booleans(),
    kid=st.binary(min_size=16, max_size=16).map(bytes.hex),
    expires_at_s=st.integers(NOW + 1, NOW + tokens.LIFE_S),
)
SESSION = Session(
    session_id=content_id("session"),
    user=bytes(16),
    device=bytes(8),
    track_id=content_id("track"),
    asset_version="0123456789abcdef",
    codec="aac",
    bitrate_kbps=160,
    is_preview=False,
    kid="ab" * 16,
    expires_at_s=NOW + 60,
)


@given(sessions)
def test_a_token_gives_back_its_session(session: Session) -> None:
    token = tokens.issue(KEY, session)
    assert len(token) == tokens.TOKEN_CHARS
    assert tokens.read(KEY, token, NOW) == session


@given(sessions, st.integers(0, tokens.TOKEN_CHARS - 1), st.sampled_from(CHARACTERS))
def test_a_token_with_any_character_changed_is_refused(
    session: Session, place: int, character: str
) -> None:
    token = tokens.issue(KEY, session)
    altered = token[:place] + character + token[place + 1 :]
    if altered == token:
        return
    with pytest.raises(Forbidden):
        tokens.read(KEY, altered, NOW)


@given(sessions, st.binary(min_size=32, max_size=64))
def test_a_token_of_another_key_is_refused(session: Session, other: bytes) -> None:
    if other == KEY:
        return
    with pytest.raises(Forbidden):
        tokens.read(other, tokens.issue(KEY, session), NOW)


@given(st.text(max_size=200))
def test_any_other_text_is_refused(text: str) -> None:
    with pytest.raises(Forbidden):
        tokens.read(KEY, text, NOW)


@pytest.mark.parametrize("spelling", ["{}=", "{} ", "{}\n", " {}", "{}A"])
def test_a_token_has_one_spelling(spelling: str) -> None:
    with pytest.raises(Forbidden):
        tokens.read(KEY, spelling.format(tokens.issue(KEY, SESSION)), NOW)


@given(sessions, st.integers(0, 10**6))
def test_a_token_ends_at_its_expiry(session: Session, late: int) -> None:
    token = tokens.issue(KEY, session)
    assert tokens.read(KEY, token, session.expires_at_s - 1)
    with pytest.raises(Gone):
        tokens.read(KEY, token, session.expires_at_s + late)


def test_users_and_devices_are_digests_that_differ() -> None:
    assert tokens.digest_user(KEY, "ada") != tokens.digest_user(KEY, "bob")
    assert tokens.digest_user(KEY, "ada") != tokens.digest_user(b"x" * 32, "ada")
    assert tokens.digest_device("phone") != tokens.digest_device("web") != tokens.NO_DEVICE
    assert tokens.digest_device(None) == tokens.digest_device("") == tokens.NO_DEVICE
