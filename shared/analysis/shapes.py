"""The Web API's audio features as types."""

from __future__ import annotations

from typing import Literal

from typing_extensions import TypedDict


class AudioFeaturesObject(TypedDict):
    """Audio features of a track; units and ranges as in `AudioFeatures`."""

    acousticness: float
    analysis_url: str
    danceability: float
    duration_ms: int
    energy: float
    id: str
    instrumentalness: float
    key: int
    liveness: float
    loudness: float
    mode: int
    speechiness: float
    tempo: float
    time_signature: int
    track_href: str
    type: Literal["audio_features"]
    uri: str
    valence: float


class SeveralAudioFeaturesObject(TypedDict):
    """Audio features of several tracks, null where there are none."""

    audio_features: list[AudioFeaturesObject | None]
