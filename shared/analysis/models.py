"""What a track sounds like, in numbers (F126)."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, computed_field

from shared.catalog.models import Document

Share = Annotated[float, Field(ge=0, le=1)]


class AudioFeatures(Document):
    """Audio features of the track `id`.

    Shares are 0..1, `key` is a pitch class (0 = C, -1 unknown), `mode` 1 major or 0 minor,
    `loudness` dB (about -60..0), `tempo` beats per minute, `time_signature` 3..7 beats a bar.
    Measured from the sound, they say of which asset (`Track.asset_version`) and by which version of
    the extractor; stated by a catalogue, they say "" and 0.
    """

    id: str
    duration_ms: int = Field(gt=0)
    acousticness: Share = 0.0
    danceability: Share = 0.0
    energy: Share = 0.0
    instrumentalness: Share = 0.0
    liveness: Share = 0.0
    speechiness: Share = 0.0
    valence: Share = 0.0
    key: int = Field(default=-1, ge=-1, le=11)
    mode: int = Field(default=1, ge=0, le=1)
    loudness: float = Field(default=-14.0, ge=-100, le=20)
    tempo: float = Field(default=120.0, ge=0, le=1000)
    time_signature: int = Field(default=4, ge=3, le=7)
    asset_version: str = ""
    extractor: int = Field(default=0, ge=0)

    @computed_field  # type: ignore[prop-decorator]
    @property
    def cell(self) -> str:
        """The cell of feature space that it lies in; stored, so that neighbours can be asked."""
        axes = (self.energy, self.danceability, self.valence, self.acousticness)
        return "".join(str(min(int(value * CELLS_PER_AXIS), CELLS_PER_AXIS - 1)) for value in axes)


class Failure(Document):
    """That the sound of an asset could not be analysed, and how often that was tried."""

    asset_version: str
    extractor: int
    attempts: int = Field(ge=1)
    reason: str


class StoredFeatures(AudioFeatures):
    """What is stored of a track: its features, unless nothing is known but that analysing its
    sound has failed (`duration_ms` is 0 then)."""

    duration_ms: int = Field(default=0, ge=0)
    failure: Failure | None = None


CELLS_PER_AXIS = 4  # 256 cells: some 400 of 100,000 tracks in each
