"""Job configurations as ingestion sends them."""

from __future__ import annotations

from typing import Any

AAC_KBPS = (64, 96, 160, 256)
VORBIS_KBPS = (24, 96, 160, 320)


def ladder(source: str, output: str, secret_version: str, **more: Any) -> dict[str, Any]:
    """Every rendition of a track: encrypted AAC in CMAF with both manifests, Ogg Vorbis."""
    aac = {f"aac_{kbps}": kbps for kbps in AAC_KBPS}
    vorbis = {f"vorbis_{kbps}": kbps for kbps in VORBIS_KBPS}
    return {
        "inputs": [
            {
                "key": "master",
                "uri": source,
                "preprocessing_config": {"audio": {"lufs": -14}},
            }
        ],
        "edit_list": [{"key": "all", "inputs": ["master"]}],
        "elementary_streams": [audio(key, "aac", kbps) for key, kbps in aac.items()]
        + [
            audio(key, "vorbis", kbps, **({"channels": 1, "hertz": 22_050} if kbps == 24 else {}))
            for key, kbps in vorbis.items()
        ],
        "mux_streams": [cmaf(key, "cmaf") for key in aac]
        + [{"key": key, "container": "ogg", "elementary_streams": [key]} for key in vorbis],
        "manifests": [
            {"file_name": "master.m3u8", "type_": "HLS", "mux_streams": list(aac)},
            {
                "file_name": "manifest.mpd",
                "type_": "DASH",
                "mux_streams": list(aac),
                "dash": {"segment_reference_scheme": "SEGMENT_TEMPLATE_NUMBER"},
            },
        ],
        "encryptions": [
            {
                "id": "cmaf",
                "mpeg_cenc": {"scheme": "cbcs"},
                "secret_manager_key_source": {"secret_version": secret_version},
                "drm_systems": {"clearkey": {}},
            }
        ],
        "output": {"uri": output},
        **more,
    }


def single(source: str, output: str, lufs: float = 0, **more: Any) -> dict[str, Any]:
    """One AAC file in MP4."""
    return {
        "inputs": [
            {"key": "master", "uri": source, "preprocessing_config": {"audio": {"lufs": lufs}}}
        ],
        "elementary_streams": [audio("aac", "aac", 256)],
        "mux_streams": [{"key": "aac", "container": "mp4", "elementary_streams": ["aac"]}],
        "output": {"uri": output},
        **more,
    }


def preview(source: str, output: str, start_s: float, end_s: float) -> dict[str, Any]:
    """A clip: one MP3, and one AAC rendition in clear CMAF."""
    return {
        "inputs": [{"key": "master", "uri": source}],
        "edit_list": [
            {
                "key": "clip",
                "inputs": ["master"],
                "start_time_offset": duration(start_s),
                "end_time_offset": duration(end_s),
            }
        ],
        "elementary_streams": [audio("preview", "mp3", 96), audio("clip_aac", "aac", 96)],
        "mux_streams": [
            {"key": "preview", "container": "mp3", "elementary_streams": ["preview"]},
            cmaf("clip", elementary="clip_aac"),
        ],
        "manifests": [{"file_name": "preview.m3u8", "type_": "HLS", "mux_streams": ["clip"]}],
        "output": {"uri": output},
    }


def audio(
    key: str, codec: str, kbps: int, channels: int = 2, hertz: int = 44_100
) -> dict[str, Any]:
    """An elementary stream."""
    return {
        "key": key,
        "audio_stream": {
            "codec": codec,
            "bitrate_bps": kbps * 1000,
            "channel_count": channels,
            "sample_rate_hertz": hertz,
        },
    }


def cmaf(key: str, encryption_id: str = "", elementary: str = "") -> dict[str, Any]:
    """A mux stream of individual segments of six seconds."""
    return {
        "key": key,
        "container": "fmp4",
        "elementary_streams": [elementary or key],
        "segment_settings": {"segment_duration": duration(6), "individual_segments": True},
        "encryption_id": encryption_id,
    }


def duration(seconds: float) -> dict[str, int]:
    """google.protobuf.Duration."""
    whole = int(seconds)
    return {"seconds": whole, "nanos": round((seconds - whole) * 1e9)}
