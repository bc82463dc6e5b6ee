"""Child processes that end with this one, and whose last words become the error."""

from __future__ import annotations

import asyncio
import re
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from emulators.processes import dying_with_parent

_NICENESS = 5  # encoding yields to whatever answers requests
_KEPT_LINES = 400
_ADDRESS = re.compile(r"\[([^\]@]+?) ?@ ?0x[0-9a-f]+\] ?")


@dataclass(frozen=True, slots=True)
class Finished:
    """How a child ended, with the last lines of its stderr and all of its stdout."""

    returncode: int
    stdout: str
    stderr: list[str]


async def run(arguments: Sequence[str]) -> Finished:
    """Runs a program to its end; it is killed when this task is cancelled or this process ends."""
    child = await asyncio.create_subprocess_exec(
        *dying_with_parent(["nice", "-n", str(_NICENESS), *arguments]),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        limit=1 << 20,
    )
    assert child.stdout is not None
    assert child.stderr is not None
    try:
        lines: deque[str] = deque(maxlen=_KEPT_LINES)

        async def keep(stream: asyncio.StreamReader) -> None:
            async for line in stream:
                lines.append(line.decode(errors="replace").rstrip())

        stdout, _ = await asyncio.gather(child.stdout.read(), keep(child.stderr))
        return Finished(await child.wait(), stdout.decode(errors="replace"), list(lines))
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()


def last_words(stderr: Sequence[str], count: int = 2) -> str:
    """The last meaningful lines of a failed program, without addresses, paths and repeats."""
    meaningful: list[str] = []
    for line in reversed(stderr):
        text = _ADDRESS.sub("", line).strip()
        text = re.sub(r"(/[\w.+-]+){2,}/", "", text)
        text = re.sub(r"^(\[\w+\] ?)+", "", text).rstrip(".")
        if not text or text.startswith(("Conversion failed", "size=", "frame=", "Last message")):
            continue
        if text not in meaningful:
            meaningful.append(text)
        if len(meaningful) == count:
            break
    return "; ".join(reversed(meaningful)) or "no message"
