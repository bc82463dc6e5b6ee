"""What a signal is about, from a Web API URI."""

from __future__ import annotations

from typing import TypedDict

_TRACK = "spotify:track:"


class Subject(TypedDict, total=False):
    """The fields of a `Signal` that name it: one of the two."""

    track_id: str
    subject_uri: str


def subject(uri: str) -> Subject:
    """A track by its id, anything else by its URI (`spotify:artist:<id>`, ...)."""
    if uri.startswith(_TRACK):
        return {"track_id": uri.removeprefix(_TRACK)}
    return {"subject_uri": uri}
