"""What to do when an alert comes (F308): markdown that each alert carries with it, and one text for
each function and job, made of what the topology says of it. Pure.

Commands name the project of the stack; `SERVICE`, `REGION` and the like are the reader's to fill in
from the incident.
"""

from __future__ import annotations

from dataclasses import dataclass

from infra import names
from shared import topology

# Limits of an alerting policy's documentation.
MAX_CHARACTERS = 8192
MAX_BYTES = 10_240


@dataclass(frozen=True, slots=True)
class Runbook:
    """What an alert means, what to look at, and what to do first."""

    happened: str
    look: tuple[str, ...]
    first: tuple[str, ...]

    def markdown(self, project: str) -> str:
        """As the documentation of an alerting policy."""
        parts = (
            "## What happened",
            self.happened,
            "## What to look at",
            *(f"- {line}" for line in self.look),
            "## First steps",
            *(f"{number}. {line}" for number, line in enumerate(self.first, 1)),
        )
        return "\n".join(parts).replace("$PROJECT", project)


# What several of them say.
ERRORS = (
    "`gcloud logging read 'resource.type=\"cloud_run_revision\" severity>=ERROR' "
    "--project $PROJECT --freshness 1h --limit 20`; Error Reporting groups the same lines."
)
TAKE_BACK = (
    "A release is the most likely cause. Its traffic goes back by itself when a budget burns; see "
    "`rollouts` in Firestore, and by hand: `gcloud run services update-traffic SERVICE "
    "--to-revisions STABLE=100 --region REGION --project $PROJECT`."
)


def of_entry(entry: topology.Entry) -> str:
    """What an operator should know of a function or job, in markdown: what calls it, what it
    needs, and how to look into it."""
    if isinstance(entry, topology.HttpFunction):
        called = ", ".join(dict.fromkeys(f"`{route.path}`" for route in entry.routes))
    elif isinstance(entry, topology.EventFunction):
        trigger = entry.trigger
        called = (
            f"messages of `{trigger.topic.name}`; dead letters on `{trigger.topic.dead_letter}`"
            if isinstance(trigger, topology.TopicTrigger)
            else f"new objects in the bucket `{trigger.bucket.name}`"
        )
    else:
        called = f"the schedule `{entry.schedule}` (UTC)" if entry.schedule else "an operator"
    lines = [f"**Called by** {called}"]
    for word, needed in (
        ("Reads", entry.reads),
        ("Writes", entry.writes),
        ("Publishes", entry.publishes),
        ("Uses", entry.uses),
    ):
        if needed:
            told = ", ".join(f"{_kind(one)} `{one.name}`" for one in needed)
            lines.append(f"**{word}** {told}")
    kind = "jobs" if isinstance(entry, topology.Job) else "services"
    lines.append(
        f"**Look** `gcloud run {kind} logs read {names.service(entry)} --region REGION --limit 50`"
    )
    return "\n\n".join(lines)


def _kind(resource: topology.Resource) -> str:
    words = {"CryptoKey": "key", "WarehouseTable": "warehouse table", "Table": "Bigtable table"}
    kind = type(resource).__name__
    return words.get(kind, kind.lower())
