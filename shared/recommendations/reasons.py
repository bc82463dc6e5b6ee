"""Why a track is recommended, in words. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from shared.recommendations.items import ReasonKind, Why

# What is said with a subject, and what without one.
_TEXTS: Mapping[ReasonKind, tuple[str, str]] = {
    "because_you_played": ("Because you played {}", "Because of what you played"),
    "because_you_follow": ("Because you follow {}", "By an artist you follow"),
    "similar_to_artist": ("Similar to {}", "Similar to artists you play"),
    "from_your_mix": ("From your {} mix", "From your mix"),
    "sounds_like": ("Sounds like {}", "Sounds like what you play"),
    "often_played_next": ("Often played after {}", "Often played next"),
    "listeners_like_you": ("Listeners like you play this", "Listeners like you play this"),
    "new_release": ("New release by {}", "New release"),
    "popular_here": ("Popular in your country", "Popular in your country"),
    "something_new": ("Something new to try", "Something new to try"),
    "your_seed": ("You started from {}", "You started from this"),
}
_KINDS: Mapping[ReasonKind, str] = {  # what a subject is; a genre is named as seeds name it
    "because_you_played": "track",
    "because_you_follow": "artist",
    "similar_to_artist": "artist",
    "from_your_mix": "genre",
    "sounds_like": "track",
    "often_played_next": "track",
    "new_release": "artist",
    "your_seed": "track",
}


@dataclass(frozen=True, slots=True)
class Reason:
    """What is shown beside a track: a sentence of at most some 60 characters, and the URI of what
    it speaks of (None: of nothing)."""

    kind: ReasonKind
    text: str
    uri: str | None


def reason_of(why: Why) -> Reason:
    """The words for `why`."""
    named, plain = _TEXTS[why.kind]
    text = named.format(why.subject_name) if why.subject_name else plain
    kind = _KINDS.get(why.kind)
    uri = f"spotify:{kind}:{why.subject.replace(' ', '_')}" if kind and why.subject else None
    return Reason(why.kind, text, uri)
