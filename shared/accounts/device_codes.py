"""Device and user codes (RFC 8628): their letters, and how often a device may ask."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

from shared.accounts.models import DeviceCode
from shared.accounts.passwords import new_secret

# No vowels, so that no word comes of it, and nothing that is read as something else (6.1).
LETTERS = "BCDFGHJKLMNPQRSTVWXZ"
USER_CODE_LENGTH = 8  # 34 bits: with the throttle on entering them, nobody guesses one in time
LIFE = timedelta(minutes=15)
INTERVAL_S = 5
SLOW_DOWN_S = 5  # more, after each poll that came too early (3.5)


def new_user_code() -> str:
    """A fresh user code, as it is stored."""
    return "".join(secrets.choice(LETTERS) for _ in range(USER_CODE_LENGTH))


def shown(user_code: str) -> str:
    """A user code as people read it: `WDJB-MJHT`."""
    half = USER_CODE_LENGTH // 2
    return f"{user_code[:half]}-{user_code[half:]}"


def typed(text: str) -> str | None:
    """The user code that a person typed, whatever the case and the dashes; None for what is
    none."""
    letters = "".join(letter for letter in text[:64].upper() if letter.isalnum())
    good = len(letters) == USER_CODE_LENGTH and all(letter in LETTERS for letter in letters)
    return letters if good else None


def new_device_code(user_code: str) -> tuple[str, str]:
    """A device code and its secret part. The user code stands before the secret, so that the
    device's document is found without an index; the device knows it anyway."""
    secret = new_secret()
    return f"{user_code}.{secret}", secret


def split(device_code: str) -> tuple[str | None, str]:
    """The user code and the secret in a device code."""
    user_code, _, secret = device_code.partition(".")
    return typed(user_code), secret


def polled(code: DeviceCode, now: datetime) -> DeviceCode:
    """`code` after its device asked at `now`: one that asks too early has to wait longer, this
    time and from then on."""
    early = code.polled_at is not None and now < code.polled_at + timedelta(seconds=code.interval_s)
    interval_s = code.interval_s + SLOW_DOWN_S if early else code.interval_s
    return code.model_copy(update={"polled_at": now, "interval_s": interval_s})
