"""Scopes: what an app may ask for, in the words that a person reads before signing in."""

from __future__ import annotations

from shared.platform.auth import OPERATOR

# The Web API's own, and `ugc-track-upload` for those who bring music.
SCOPES: dict[str, str] = {
    "streaming": "Play music on this device",
    "user-read-private": "See your country, your plan and your explicit content setting",
    "user-read-email": "See your email address",
    "user-read-recently-played": "See what you played recently",
    "user-read-playback-state": "See what you are playing, and on which device",
    "user-read-currently-playing": "See what you are playing now",
    "user-modify-playback-state": "Play, pause and skip on your devices",
    "user-read-playback-position": "See where you stopped in an episode",
    "user-top-read": "See your top artists and tracks",
    "user-library-read": "See your library",
    "user-library-modify": "Change your library",
    "user-follow-read": "See whom you follow",
    "user-follow-modify": "Follow and unfollow for you",
    "user-personalized": "See what is made for you",
    "playlist-read-private": "See your private playlists",
    "playlist-read-collaborative": "See your collaborative playlists",
    "playlist-modify-private": "Change your private playlists",
    "playlist-modify-public": "Change your public playlists",
    "ugc-image-upload": "Upload images for you",
    "ugc-track-upload": "Upload music",
    "app-remote-control": "Control the Segue app on this device",
}

# What an app can be allowed without a person (client credentials).
APP_SCOPES = frozenset({"ugc-track-upload"})

# What our operators' tools may see. No person can grant it and no app can register for it: it is
# for a client whose line in a catalogue file names it, acting for itself.
OPERATOR_SCOPES: dict[str, str] = {OPERATOR: "See why the platform decides as it does"}


def parse_scopes(text: str) -> tuple[str, ...]:
    """The scopes of a space-separated list, each once, in their order."""
    return tuple(dict.fromkeys(text.split()))


def is_scope(text: str) -> bool:
    """Whether there is such a scope, for people to grant or for operators."""
    return text in SCOPES or text in OPERATOR_SCOPES


def refused(wanted: tuple[str, ...], allowed: tuple[str, ...]) -> tuple[str, ...]:
    """The scopes in `wanted` that no person can grant or that are not in `allowed`."""
    return tuple(scope for scope in wanted if scope not in SCOPES or scope not in allowed)


def refused_alone(wanted: tuple[str, ...], allowed: tuple[str, ...]) -> tuple[str, ...]:
    """The same for an app that acts for itself."""
    own = {*APP_SCOPES, *OPERATOR_SCOPES}.intersection(allowed)
    return tuple(scope for scope in wanted if scope not in own)
