"""Cloud Run's own metrics of each revision, in the Cloud Monitoring API v3
(cloud.google.com/monitoring/api/ref_v3/rest/v3/projects.timeSeries/list)."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

from shared.platform import clients
from shared.platform.settings import settings
from shared.rollout.models import Sample, Service
from shared.rollout.store.rest import call

SHORTEST_WINDOW = timedelta(minutes=1)  # the shortest alignment period
REVISION, CODE_CLASS = "resource.labels.revision_name", "metric.labels.response_code_class"


async def samples(
    service: Service, revisions: Collection[str], since: datetime, now: datetime
) -> dict[str, Sample]:
    """What was measured of `revisions` from `since` to `now`, in whole minutes. The last three
    of them may not be visible yet. Raises Unavailable."""
    start = now - (now - since) // SHORTEST_WINDOW * SHORTEST_WINDOW
    if start >= now:
        return dict.fromkeys(revisions, Sample())
    counts, latencies = await asyncio.gather(
        _series(service, revisions, start, now, "request_count", "REDUCE_SUM", CODE_CLASS),
        _series(service, revisions, start, now, "request_latencies", "REDUCE_PERCENTILE_95"),
    )
    requests, errors = dict.fromkeys(revisions, 0), dict.fromkeys(revisions, 0)
    for series in counts:
        revision = series["resource"]["labels"]["revision_name"]
        count = sum(int(point["value"]["int64Value"]) for point in series["points"])
        requests[revision] += count
        if series["metric"]["labels"]["response_code_class"] == "5xx":
            errors[revision] += count
    p95_ms = {
        series["resource"]["labels"]["revision_name"]: series["points"][0]["value"]["doubleValue"]
        for series in latencies
    }
    return {
        revision: Sample(requests[revision], errors[revision], p95_ms.get(revision))
        for revision in revisions
    }


async def _series(
    service: Service,
    revisions: Collection[str],
    start: datetime,
    end: datetime,
    metric: str,
    reducer: str,
    *groups: str,
) -> list[dict[str, Any]]:
    """A series for each revision and each of `groups`, with the whole window as its one point."""
    names = ", ".join(f'"{revision}"' for revision in revisions)
    answer = await call(
        clients.monitoring(),
        "GET",
        f"/v3/projects/{settings().project}/timeSeries",
        params={
            "filter": " AND ".join(
                (
                    f'metric.type = "run.googleapis.com/{metric}"',
                    'resource.type = "cloud_run_revision"',
                    f'resource.labels.location = "{service.region}"',
                    f'resource.labels.service_name = "{service.name}"',
                    f"{REVISION} = one_of({names})",
                )
            ),
            "interval.startTime": start.isoformat(),
            "interval.endTime": end.isoformat(),
            "aggregation.alignmentPeriod": f"{(end - start).total_seconds():.0f}s",
            # Not ALIGN_DELTA, which makes numbers up for a minute without requests.
            "aggregation.perSeriesAligner": "ALIGN_SUM",
            "aggregation.crossSeriesReducer": reducer,
            "aggregation.groupByFields": [REVISION, *groups],
        },
    )
    series: list[dict[str, Any]] = answer.get("timeSeries", [])
    return series
