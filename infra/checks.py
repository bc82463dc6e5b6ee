"""What is deployed, once nothing speaks against it: whatever can be refused is refused here, before
the first resource is made.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from infra import access, archives, names, url_map
from shared import topology

T = TypeVar("T")


class TopologyError(ValueError):
    """The topology cannot be deployed; the message has one line per fault."""


@dataclass(frozen=True, slots=True)
class Sources:
    """The source archives of functions by their names, and the context of the jobs' image."""

    functions: Mapping[str, archives.Archive]
    jobs: archives.Archive


def sources() -> Sources:
    """The sources of every function and job. Raises TopologyError with all faults at once: code
    that is missing or not built, names too long, paths that overlap, grants that do not exist."""
    faults: list[str] = []

    def tried(what: Callable[[], T]) -> T | None:
        try:
            return what()
        except (archives.ArchiveError, ValueError) as fault:
            faults.append(str(fault))
            return None

    functions: dict[str, archives.Archive] = {}
    for entry in topology.ENTRIES.values():
        tried(partial(access.grants, entry))
        tried(partial(names.account_id, entry))
        tried(partial(names.caller_id, entry))
        if not isinstance(entry, topology.Job):
            archive = tried(partial(archives.function_archive, entry.name))
            if archive is not None:
                functions[entry.name] = archive
    for secret in topology.SECRETS:
        if secret.account_key is not None:
            tried(partial(access.signing_grants, secret.account_key))
    served = filter(url_map.behind_balancer, topology.HTTP_FUNCTIONS)
    tried(partial(url_map.route_rules, served))
    jobs = tried(archives.jobs_context)
    if faults or jobs is None:
        lines = "\n".join(f"  {fault}" for fault in dict.fromkeys(faults))
        raise TopologyError(f"the topology cannot be deployed:\n{lines}")
    return Sources(functions, jobs)
