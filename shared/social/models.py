"""Who follows whom and what, and the event that tells it (F236, F240); what friends played last
(F237); links that people share (F238)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Literal

from pydantic import BaseModel, ConfigDict

from shared.platform.events import Event
from shared.platform.ids import content_id, is_id
from shared.signals.models import Signal
from shared.topology import FOLLOW_CHANGED, Topic

FollowKind = Literal["artist", "user", "playlist"]

_USER_ID = re.compile(r"[0-9A-Za-z_.-]{1,64}")


def is_target_id(kind: FollowKind, text: str) -> bool:
    """Whether `text` has the form of an id of `kind`; none has a `:`, which parts the ids of
    follow documents."""
    return _USER_ID.fullmatch(text) is not None if kind == "user" else is_id(text)


@dataclass(frozen=True, slots=True)
class FollowPage:
    """Part of what someone follows, newest first; `total` counts all of it."""

    ids: tuple[str, ...]
    total: int


@dataclass(frozen=True, slots=True)
class FollowCursorPage:
    """The same by cursor: `after` is where the next page goes on, None on the last one."""

    ids: tuple[str, ...]
    total: int
    after: str | None


class FollowChanged(Event):
    """`follower_id` follows the target, or does not, as of `changed_at`.

    It tells a state, not a step: of several for one follower, kind and target, the one with the
    latest `changed_at` (the store's own time, so instances' clocks do not matter) holds. The same
    change has the same `event_id` however often it is told.
    """

    TOPIC: ClassVar[Topic] = FOLLOW_CHANGED

    event_id: str
    follower_id: str
    kind: FollowKind
    target_id: str
    following: bool
    changed_at: datetime

    def as_signal(self, suspected: bool) -> Signal:
        """The same as a signal of the follower's taste."""
        return Signal(
            event_id=self.event_id,
            user_id=self.follower_id,
            kind="follow" if self.following else "unfollow",
            ts=self.changed_at,
            subject_uri=f"spotify:{self.kind}:{self.target_id}",
            suspected=suspected or None,
        )

    @classmethod
    def of(
        cls, follower_id: str, kind: FollowKind, target_id: str, following: bool, at: datetime
    ) -> FollowChanged:
        """The event of that state."""
        return cls(
            event_id=content_id(
                "follow-changed", follower_id, kind, target_id, str(following), at.isoformat()
            ),
            follower_id=follower_id,
            kind=kind,
            target_id=target_id,
            following=following,
            changed_at=at,
        )


@dataclass(frozen=True, slots=True)
class LastPlay:
    """A play of a track; `context_uri` is what it was played from."""

    track_id: str
    played_at: datetime
    context_uri: str | None


@dataclass(frozen=True, slots=True)
class Activity:
    """Somebody who opted in, and what they played last since then."""

    user_id: str
    last: LastPlay | None


class Share(BaseModel):
    """A link to `uri` that `user_id` made."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    id: str
    uri: str
    user_id: str
    created_at: datetime
    expires_at: datetime
