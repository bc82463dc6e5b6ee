"""What home is made of, taken away."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import pytest

from shared.accounts import service as accounts
from shared.catalog import caches
from shared.experiments import service as experiments
from shared.experiments import shelves as learned_shelves
from shared.recommendations import taste
from tests import local_settings

ENDPOINTS: Mapping[str, tuple[str, ...]] = {
    "Bigtable": ("BIGTABLE_EMULATOR_HOST", "SEGUE_BIGTABLE_ENDPOINT"),
    "Firestore": ("FIRESTORE_EMULATOR_HOST",),
    "Pub/Sub": ("PUBSUB_EMULATOR_HOST", "SEGUE_PUBSUB_ENDPOINT"),
    "Cloud Storage": ("STORAGE_EMULATOR_HOST", "SEGUE_STORAGE_URL"),
}


@contextmanager
def silent() -> Iterator[int]:
    """A port where somebody listens and never says a word."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(64)
        yield int(listening.getsockname()[1])


@contextmanager
def away(names: tuple[str, ...], port: int) -> Iterator[None]:
    """These dependencies are at a port where nobody serves, and nothing of them is at hand."""
    with pytest.MonkeyPatch.context() as patch:
        for name in names:
            for variable in ENDPOINTS[name]:
                if variable in os.environ:
                    url = "http://" if os.environ[variable].startswith("http") else ""
                    patch.setenv(variable, f"{url}127.0.0.1:{port}")
        local_settings.forget_settings()
        forget()
        yield
    local_settings.forget_settings()
    forget()


def forget() -> None:
    """What this instance has read and would not ask for again."""
    caches_held = (caches.tracks, caches.albums, caches.artists, taste._followed, accounts._users)
    for cache in caches_held:
        cache.clear()
    experiments.definitions.forget()
    learned_shelves._held.forget()
