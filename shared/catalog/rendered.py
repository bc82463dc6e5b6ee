"""Answers kept as bytes, rendered once per document and market."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from cachetools import LRUCache

from shared.platform.caching import etag_of, to_bytes

RENDERED_KEPT = 5_000  # about 8 kB each


@dataclass(frozen=True, slots=True)
class Rendered:
    """A JSON body with its strong ETag; it holds while `sources` are the very documents that the
    catalog's caches give, so it can never outlive them."""

    sources: tuple[Any, ...]
    body: bytes
    etag: str


_held: LRUCache[tuple[str, ...], Rendered] = LRUCache(RENDERED_KEPT)


def rendered(
    key: tuple[str, ...], sources: tuple[Any, ...], shape: Callable[[], Mapping[str, Any]]
) -> Rendered:
    """The answer `key`, shaped anew only when one of `sources` is another object than before."""
    held = _held.get(key)
    if held is not None and all(a is b for a, b in zip(held.sources, sources, strict=True)):
        return held
    body = to_bytes(shape())
    _held[key] = fresh = Rendered(sources, body, etag_of(body))
    return fresh
