"""A track's audio features out of its samples: the parts put together. Pure."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from shared.analysis.extraction.qualities import qualities
from shared.analysis.extraction.rhythm import rhythm
from shared.analysis.extraction.spectra import RATE_HZ, partials, spectra
from shared.analysis.extraction.tonality import tonality
from shared.analysis.models import AudioFeatures

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

EXTRACTOR = 1  # change it with anything that changes a feature: tracks are then analysed anew
MIN_LOUDNESS_DB = -60.0


def extract(
    track_id: str,
    samples: NDArray[np.float32],
    *,
    loudness_lufs: float,
    duration_ms: int,
    asset_version: str = "",
) -> AudioFeatures:
    """The features of a track that sounds like `samples`: mono (n,), -1..1 at `RATE_HZ`, of which
    some minutes suffice. `loudness_lufs` is the integrated loudness (EBU R128) of all channels.

    Silence has the loudness of -60 dB, no key (-1), no tempo (0) and all shares 0. Raises
    ValueError for samples that are no such thing.
    """
    import numpy as np

    if samples.ndim != 1 or not np.isfinite(samples).all():
        raise ValueError(f"give mono samples of finite numbers at {RATE_HZ} Hz")
    loudness = round(max(loudness_lufs, MIN_LOUDNESS_DB), 2)
    common = {
        "id": track_id,
        "duration_ms": duration_ms,
        "loudness": loudness,
        "asset_version": asset_version,
        "extractor": EXTRACTOR,
    }
    seen = spectra(samples)
    if not seen.sounding.any():
        return AudioFeatures(**{**common, "loudness": MIN_LOUDNESS_DB, "tempo": 0.0})
    beat = rhythm(seen)
    tones = tonality(partials(samples))
    return AudioFeatures(
        **common,
        tempo=round(beat.tempo_bpm, 2),
        time_signature=beat.time_signature,
        key=tones.key,
        mode=tones.mode,
        **asdict(qualities(seen, beat, tones, loudness)),
    )
