"""Arrays and strings of a bundle on disk, memory-mapped: what nobody asks for costs no memory."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

_MOST_BYTES = 2**32 - 1  # of all strings: offsets are unsigned 32-bit numbers


def save(folder: Path, name: str, array: ArrayLike, dtype: DTypeLike | None = None) -> None:
    """Writes `array` as `<name>.npy`, in little-endian order."""
    values = np.ascontiguousarray(array, dtype=dtype)
    np.save(folder / f"{name}.npy", values.astype(values.dtype.newbyteorder("<"), copy=False))


def mapped(folder: Path, name: str) -> NDArray[Any]:
    """The array that `save` wrote. Raises OSError or ValueError for a file that is missing or cut
    off."""
    found: NDArray[Any] = np.load(folder / f"{name}.npy", mmap_mode="r", allow_pickle=False)
    return found.view(np.ndarray)  # a memmap is several times as slow at reading one element


class Lists:
    """Many short lists of numbers in one array (compressed sparse rows). Other `values` may share
    the offsets."""

    def __init__(self, folder: Path, name: str, *, values: str | None = None) -> None:
        self._offsets = mapped(folder, f"{name}.offsets")
        self._values = mapped(folder, values or f"{name}.values")
        if not len(self._offsets) or int(self._offsets[-1]) != len(self._values):
            raise ValueError(f"{values or name} is not as long as the offsets of {name} say")

    def __len__(self) -> int:
        return len(self._offsets) - 1

    def __getitem__(self, number: int) -> NDArray[Any]:
        """One list, not copied."""
        return self._values[self._offsets[number] : self._offsets[number + 1]]

    @staticmethod
    def save(
        folder: Path, name: str, lengths: ArrayLike, values: ArrayLike, dtype: DTypeLike
    ) -> None:
        """Writes lists of `lengths`, whose `values` follow one another."""
        offsets = np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)])
        save(folder, f"{name}.offsets", offsets, np.int64)
        save(folder, f"{name}.values", values, dtype)


class Strings:
    """A table of strings by number."""

    def __init__(self, folder: Path, name: str) -> None:
        self._offsets = mapped(folder, f"{name}.offsets")
        self._bytes = mapped(folder, f"{name}.bytes")
        if not len(self._offsets) or int(self._offsets[-1]) != len(self._bytes):
            raise ValueError(f"{name}.bytes is not as long as its offsets say")

    def __len__(self) -> int:
        return len(self._offsets) - 1

    def __getitem__(self, number: int) -> str:
        start, end = self._offsets[number : number + 2].tolist()
        return self._bytes[start:end].tobytes().decode()

    @staticmethod
    def save(folder: Path, name: str, strings: Iterable[str]) -> None:
        """Writes `strings` in their order. Raises ValueError past 4 GiB in all."""
        encoded = [one.encode() for one in strings]
        offsets = np.concatenate([[0], np.cumsum([len(one) for one in encoded], dtype=np.int64)])
        if offsets[-1] > _MOST_BYTES:
            raise ValueError(
                f"the names of a bundle take {offsets[-1]:,} bytes; offsets of 32 bits reach "
                f"{_MOST_BYTES:,}: widen them in {__name__} and raise the bundle's format"
            )
        save(folder, f"{name}.offsets", offsets, np.uint32)
        save(folder, f"{name}.bytes", np.frombuffer(b"".join(encoded), np.uint8))


class Keys:
    """Numbers by string: 64-bit hashes in order, of which no two are equal, looked up by bisection
    and confirmed by the string itself."""

    def __init__(self, folder: Path, name: str, string_of: Callable[[int], str]) -> None:
        self._hashes = mapped(folder, f"{name}.hashes")
        self._numbers = mapped(folder, f"{name}.numbers")
        self._salt = mapped(folder, f"{name}.salt").tobytes()
        self._string_of = string_of
        if len(self._hashes) != len(self._numbers):
            raise ValueError(f"{name}.numbers is not as long as {name}.hashes")

    def find(self, key: str) -> int | None:
        """The number of `key`, None where it is unknown."""
        hashed = np.uint64(_hash(key, self._salt))
        place = int(np.searchsorted(self._hashes, hashed))
        if place == len(self._hashes) or self._hashes[place] != hashed:
            return None
        number = int(self._numbers[place])
        return number if self._string_of(number) == key else None

    @staticmethod
    def save(folder: Path, name: str, keys: Sequence[str]) -> None:
        """Writes the numbers 0..len - 1 of `keys`, each of which occurs once. Raises ValueError
        for one that occurs twice."""
        if len(set(keys)) != len(keys):
            raise ValueError(f"a key of {name} occurs twice; give each once")
        for salt in range(256):  # of a million keys two share a hash once in 37 million salts
            hashes = np.array([_hash(key, bytes([salt])) for key in keys], np.uint64)
            order = np.argsort(hashes)
            ordered = hashes[order]
            if not (ordered[1:] == ordered[:-1]).any():
                break
        save(folder, f"{name}.hashes", ordered, np.uint64)
        save(folder, f"{name}.numbers", order, np.int32)
        save(folder, f"{name}.salt", [salt], np.uint8)


def _hash(key: str, salt: bytes) -> int:
    return int.from_bytes(
        hashlib.blake2b(key.encode(), digest_size=8, salt=salt).digest(), "little"
    )
