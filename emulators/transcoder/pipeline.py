"""What a job does between RUNNING and its end."""

from __future__ import annotations

import asyncio
import logging
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from weakref import WeakValueDictionary

from . import ffmpeg
from .cache import Cache, cache_key
from .cloud import Cloud
from .encode import encode
from .ffmpeg import Gain
from .keys import ContentKey, match_keys, read_secret
from .loudness import Loudness, find_gains, inspect
from .package import package
from .plan import Elementary, Layout, Plan

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a job did, for the log."""

    encoded: tuple[str, ...]
    cached: tuple[str, ...]
    files: int


class Pipeline:
    """Runs plans against the services around it."""

    def __init__(self, state: Path, cloud: Cloud, secret_manager: str, cache: Cache) -> None:
        self._temporary = state / "tmp"
        shutil.rmtree(self._temporary, ignore_errors=True)  # of a predecessor that was killed
        self._temporary.mkdir(parents=True)
        self._cloud = cloud
        self._secret_manager = secret_manager
        self._cache = cache
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def execute(self, plan: Plan, job: str) -> Outcome:
        """Does everything `plan` says. Raises JobFailed; leaves no temporary files."""
        directory = Path(tempfile.mkdtemp(prefix=f"{job}-", dir=self._temporary))
        try:
            started = time.monotonic()
            source = directory / "input"
            content = await self._cloud.download(plan.source, source)
            keys = await self._keys(plan)
            files, fresh = await self._streams(plan, source, content, directory)
            output = directory / "output"
            output.mkdir()
            packaging = time.monotonic()
            await package(plan.muxes, plan.manifests, files, keys, output)
            uploading = time.monotonic()
            count = await self._cloud.upload_directory(output, plan.output)
            log.info(
                "%s: prepared in %.1f s, packaged in %.1f s, uploaded %d files in %.1f s",
                job, packaging - started, uploading - packaging, count,
                time.monotonic() - uploading,
            )  # fmt: skip
            cached = tuple(key for key in files if key not in fresh)
            return Outcome(fresh, cached, count)
        finally:
            shutil.rmtree(directory, ignore_errors=True)

    async def publish(self, topic: str, message: object) -> None:
        """Publishes a job's end, until it is accepted."""
        await self._cloud.publish(topic, message)

    async def _keys(self, plan: Plan) -> dict[str, ContentKey]:
        keys: dict[str, ContentKey] = {}
        for encryption in plan.encryptions:
            payload = await read_secret(self._secret_manager, encryption.secret_version)
            names = [mux.key for mux in plan.muxes if mux.encryption == encryption]
            keys |= match_keys(payload, names)
        return keys

    async def _streams(
        self, plan: Plan, source: Path, content: str, directory: Path
    ) -> tuple[dict[str, Path], tuple[str, ...]]:
        """The elementary streams' files by key, and which of them had to be encoded."""
        names = {stream.key: self._stream_key(plan, stream, content) for stream in plan.elementary}
        async with self._alone(names.values()):
            return await self._fetch_or_encode(plan, source, content, names, directory)

    @asynccontextmanager
    async def _alone(self, names: Iterable[str]) -> AsyncIterator[None]:
        """Holds each name, so that the second of two equal jobs finds the first one's work."""
        async with AsyncExitStack() as held:
            for name in sorted(set(names)):  # in one order everywhere: no deadlock
                lock = self._locks.setdefault(name, asyncio.Lock())
                await held.enter_async_context(lock)
            yield

    async def _fetch_or_encode(
        self,
        plan: Plan,
        source: Path,
        content: str,
        names: Mapping[str, str],
        directory: Path,
    ) -> tuple[dict[str, Path], tuple[str, ...]]:
        files: dict[str, Path] = {}
        for stream in plan.elementary:
            target = directory / f"cached-{stream.key}{stream.suffix}"
            if self._cache.fetch(names[stream.key], stream.suffix, target):
                files[stream.key] = target
        missing = [stream for stream in plan.elementary if stream.key not in files]
        if missing:
            layouts = list(dict.fromkeys(stream.layout for stream in missing))
            async with self._alone([content]):
                duration_s, gains = await self._gains(plan, source, content, layouts)
            encoded = await encode(source, missing, plan.cuts, gains, duration_s, directory)
            for stream in missing:
                self._cache.store(names[stream.key], stream.suffix, encoded[stream.key])
            files |= encoded
        return files, tuple(stream.key for stream in missing)

    def _stream_key(self, plan: Plan, stream: Elementary, content: str) -> str:
        # Keys, names and languages do not change a sample.
        layout = (stream.layout.sample_rate_hz, stream.layout.channel_count)
        cuts = [asdict(cut) for cut in plan.cuts]
        return cache_key(
            "stream", ffmpeg.version(), content, stream.codec, stream.bitrate_bps, layout,
            plan.lufs, cuts,
        )  # fmt: skip

    async def _gains(
        self, plan: Plan, source: Path, content: str, layouts: list[Layout]
    ) -> tuple[float, Mapping[Layout, Gain]]:
        """Duration of the whole input in seconds, and the gain for each layout.

        Loudness is a property of the input, not of a cut of it: a preview clip plays as loud as
        the same passage of the track.
        """
        names = {
            layout: cache_key("gain", ffmpeg.version(), content, plan.lufs, asdict(layout))
            for layout in layouts
        }
        duration_key = cache_key("duration", ffmpeg.version(), content)
        duration_s: float | None = self._cache.fetch_json(duration_key)
        gains = {layout: Gain() for layout in layouts}
        if plan.lufs != 0:
            known = {layout: self._cache.fetch_json(names[layout]) for layout in layouts}
            gains = {layout: Gain(**value) for layout, value in known.items() if value}
        unknown = [layout for layout in layouts if layout not in gains]
        if duration_s is None or unknown:
            inspection = await inspect(source, unknown)
            duration_s = inspection.duration_s
            self._cache.store_json(duration_key, duration_s)
            if unknown:
                gains |= await self._find(plan, source, inspection.loudness)
                for layout in unknown:
                    self._cache.store_json(names[layout], asdict(gains.setdefault(layout, Gain())))
        return duration_s, gains

    async def _find(
        self, plan: Plan, source: Path, measured: Mapping[Layout, Loudness]
    ) -> dict[Layout, Gain]:
        gains = await find_gains(source, plan.lufs, measured)
        for layout, loudness in measured.items():
            log.info(
                "%d Hz, %d channels: %.1f LUFS, %.1f dBTP; %s",
                layout.sample_rate_hz, layout.channel_count, loudness.integrated_lufs,
                loudness.true_peak_dbtp, gains[layout],
            )  # fmt: skip
        return gains
