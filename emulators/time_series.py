"""Cloud Monitoring's `timeSeries.list`, for the requests that Cloud Run counts.

Of the query language it knows what our functions use: `=` and `one_of` joined by AND, sums of
counts and percentiles of latencies by groups of labels. Anything else is refused by name.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

COUNT = "run.googleapis.com/request_count"
LATENCY = "run.googleapis.com/request_latencies"
SHORTEST_PERIOD_S = 60  # Aggregation.alignment_period
_TERM = re.compile(r'\s*([\w.]+)\s*=\s*(?:"([^"]*)"|one_of\(([^)]*)\))\s*')
_QUOTED = re.compile(r'"([^"]*)"')
_PERCENTILE = re.compile(r"REDUCE_PERCENTILE_(\d\d)")


class InvalidQuery(Exception):
    """What Google would refuse as INVALID_ARGUMENT, or what this emulator lacks."""


@dataclass(frozen=True, slots=True)
class Requests:
    """`count` requests to one revision at one moment, all answered `code_class` (`2xx`) after
    `latency_ms`."""

    at: datetime
    location: str
    service: str
    revision: str
    code_class: str
    count: int
    latency_ms: float

    def labels(self) -> dict[str, str]:
        """The labels by the names that filters and groups use."""
        return {
            "resource.type": "cloud_run_revision",
            "resource.labels.location": self.location,
            "resource.labels.service_name": self.service,
            "resource.labels.revision_name": self.revision,
            "metric.labels.response_code_class": self.code_class,
        }


class TimeSeries:
    """Every request that was reported."""

    def __init__(self) -> None:
        self._reported: list[Requests] = []

    def report(self, requests: Requests) -> None:
        """Adds to the series."""
        self._reported.append(requests)

    def list(self, query: Mapping[str, str], groups: Sequence[str]) -> list[dict[str, Any]]:
        """The series for `query` (parameters of the REST call), one point each. Raises
        InvalidQuery."""
        wanted = _parsed(query.get("filter", ""))
        metric = next(iter(wanted.pop("metric.type", ())), None)
        start, end = _moment(query, "interval.startTime"), _moment(query, "interval.endTime")
        _check_alignment(query, start, end)
        grouped: dict[tuple[str, ...], list[Requests]] = {}
        for each in self._reported:
            labels = each.labels()
            if unknown := (wanted.keys() | set(groups)) - labels.keys():
                raise InvalidQuery(f"unknown label {sorted(unknown)[0]!r}")
            if start < each.at <= end and all(labels[name] in wanted[name] for name in wanted):
                grouped.setdefault(tuple(labels[name] for name in groups), []).append(each)
        reducer = query.get("aggregation.crossSeriesReducer", "")
        return [
            _series(str(metric), dict(zip(groups, key, strict=True)), value, start, end)
            for key, found in sorted(grouped.items())
            if (value := _reduced(metric, reducer, found)) is not None
        ]


def _parsed(text: str) -> dict[str, frozenset[str]]:
    """A filter as label -> the values that it may have."""
    terms: dict[str, frozenset[str]] = {}
    for part in text.split(" AND "):
        found = _TERM.fullmatch(part)
        if found is None:
            raise InvalidQuery(f"cannot read {part!r} of the filter")
        name, value, several = found.groups()
        terms[name] = frozenset(_QUOTED.findall(several)) if several else frozenset({value})
    return terms


def _moment(query: Mapping[str, str], name: str) -> datetime:
    try:
        return datetime.fromisoformat(query[name])
    except (KeyError, ValueError):
        raise InvalidQuery(f"{name} must be an RFC 3339 time") from None


def _check_alignment(query: Mapping[str, str], start: datetime, end: datetime) -> None:
    period = query.get("aggregation.alignmentPeriod", "")
    if not re.fullmatch(r"\d+s", period) or int(period[:-1]) < SHORTEST_PERIOD_S:
        raise InvalidQuery("aggregation.alignmentPeriod must be at least 60s")
    if int(period[:-1]) != (end - start).total_seconds():
        raise InvalidQuery("this emulator aligns to the whole interval alone")
    if query.get("aggregation.perSeriesAligner") != "ALIGN_SUM":
        raise InvalidQuery("this emulator aligns by ALIGN_SUM alone")


def _reduced(metric: str | None, reducer: str, found: Sequence[Requests]) -> dict[str, Any] | None:
    """A point's value; None where there is none to make it of."""
    percentile = _PERCENTILE.fullmatch(reducer)
    if metric == COUNT and reducer == "REDUCE_SUM":
        return {"int64Value": str(sum(each.count for each in found))}
    if metric == LATENCY and percentile:
        return {"doubleValue": _quantile(found, int(percentile[1]) / 100)} if found else None
    raise InvalidQuery(f"this emulator has no {reducer or 'raw data'} of {metric}")


def _quantile(found: Sequence[Requests], share: float) -> float:
    """Exact; Google interpolates within the buckets of a distribution."""
    ordered = sorted(found, key=lambda each: each.latency_ms)
    left = share * sum(each.count for each in ordered)
    for each in ordered:
        left -= each.count
        if left <= 0:
            return each.latency_ms
    return ordered[-1].latency_ms


def _series(
    metric: str, labels: Mapping[str, str], value: dict[str, Any], start: datetime, end: datetime
) -> dict[str, Any]:
    def of(prefix: str) -> dict[str, str]:
        return {
            name.removeprefix(prefix): value
            for name, value in labels.items()
            if name.startswith(prefix)
        }

    interval = {"startTime": start.isoformat(), "endTime": end.isoformat()}
    return {
        "metric": {"type": metric, "labels": of("metric.labels.")},
        "resource": {"type": "cloud_run_revision", "labels": of("resource.labels.")},
        "metricKind": "DELTA",
        "valueType": "INT64" if "int64Value" in value else "DOUBLE",
        "points": [{"interval": interval, "value": value}],
    }
