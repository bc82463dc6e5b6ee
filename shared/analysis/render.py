"""Audio features in the Web API's shape."""

from __future__ import annotations

from shared.analysis.models import AudioFeatures
from shared.analysis.shapes import AudioFeaturesObject
from shared.catalog.render import href, uri
from shared.platform.settings import settings


def audio_features_object(features: AudioFeatures) -> AudioFeaturesObject:
    """AudioFeaturesObject; the address of the analysis answers 404, as we keep none."""
    return {
        "acousticness": features.acousticness,
        "analysis_url": f"{settings().public_url}/v1/audio-analysis/{features.id}",
        "danceability": features.danceability,
        "duration_ms": features.duration_ms,
        "energy": features.energy,
        "id": features.id,
        "instrumentalness": features.instrumentalness,
        "key": features.key,
        "liveness": features.liveness,
        "loudness": features.loudness,
        "mode": features.mode,
        "speechiness": features.speechiness,
        "tempo": features.tempo,
        "time_signature": features.time_signature,
        "track_href": href("track", features.id),
        "type": "audio_features",
        "uri": uri("track", features.id),
        "valence": features.valence,
    }
