"""Types of delivery. Prefixes are URL paths that begin and end with `/`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from shared.platform.settings import Cdn

# Only characters that no CDN reads as a wildcard, a delimiter or an escape: `*` and `?` widen a
# CloudFront or Akamai rule, `!` and `~` end an EdgeAuth field, `&` ends a query parameter.
_PREFIX = re.compile(r"(?:/[A-Za-z0-9_-][A-Za-z0-9._-]*)+/")
_UID = re.compile(r"[A-Za-z0-9_-]{1,128}")


@dataclass(frozen=True, slots=True)
class SignedPrefix:
    """Everything below `base_url` on one CDN, opened until `expires_at` (UTC).

    `base_url` ends with `/`; `query` has no leading `?`.
    """

    cdn: str
    base_url: str
    query: str
    expires_at: datetime

    def url(self, relative_path: str) -> str:
        """Address of `relative_path` (no leading `/`) below the prefix."""
        return f"{self.base_url}{relative_path}?{self.query}"


@dataclass(frozen=True, slots=True)
class CdnHealth:
    """What the probes saw of one CDN (F080).

    `latency_ms` is the median time to the first byte of a cached object; `availability` (0..1) is
    the share of tries answered over the last `HISTORY_PROBES` probes, newest last in `tries` as
    (answered, tried).
    """

    cdn: str
    is_healthy: bool
    latency_ms: int
    availability: float
    checked_at: datetime
    tries: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class ScoreTerms:
    """The three terms of a CDN's score, each 0..1, higher is better."""

    latency: float
    availability: float
    cost: float


@dataclass(frozen=True, slots=True)
class CdnCandidate:
    """One CDN as the decision saw it: `score` 0..1, and in words why it stands where it does."""

    cdn: Cdn
    score: float
    terms: ScoreTerms
    reason: str


@dataclass(frozen=True, slots=True)
class CdnDecision:
    """CDNs to use, best first (never empty), those left out, and why."""

    candidates: tuple[CdnCandidate, ...]
    skipped: tuple[CdnCandidate, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class SignedCandidate:
    """A CDN of the decision with the listener's token for it."""

    candidate: CdnCandidate
    signed: SignedPrefix


@dataclass(frozen=True, slots=True)
class SignedDelivery:
    """Every CDN to try for one prefix, best first (never empty); `expires_at` is when the first
    of their tokens ends."""

    candidates: tuple[SignedCandidate, ...]
    decision: CdnDecision
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """One probe of a CDN: how many of its tries were answered, and how fast."""

    cdn: str
    tried: int
    latencies_ms: tuple[int, ...]  # of the tries that were answered


class PrimingTask(BaseModel):
    """Objects (`paths` relative to `prefix`) that one CDN should hold before they are asked for;
    playlists among them are followed to their first segments."""

    model_config = ConfigDict(frozen=True)

    cdn: str
    prefix: str
    paths: tuple[str, ...] = Field(min_length=1, max_length=100)


def checked_prefix(prefix: str) -> str:
    """`prefix` if it is safe to sign.

    Raises ValueError for anything but plain segments between slashes: a wildcard or a `..` in a
    prefix would open more than one track.
    """
    if not _PREFIX.fullmatch(prefix):
        raise ValueError(f"not a signable URL prefix: {prefix!r}")
    return prefix


def checked_uid(uid: str) -> str:
    """`uid` if it can stand in a token (1..128 of A-Z a-z 0-9 _ -); raises ValueError."""
    if not _UID.fullmatch(uid):
        raise ValueError(f"not a user id that a token can carry: {uid!r}")
    return uid


def audio_prefix(folder: str) -> str:
    """Edge path of everything in `folder` of the audio bucket: `<track id>/<asset version>`
    (F082, F096)."""
    return f"/audio/{folder}/"
