"""Time series of Cloud Monitoring, and what is asked of them in PromQL.

One `Series` gives both spellings that Monitoring wants, so that a service level objective and the
alert on it cannot mean different things: PromQL for alerts and charts, Monitoring's own filters for
objectives. Names follow https://cloud.google.com/monitoring/promql/promql-mapping: the first `/`
of a metric type becomes `:`, other special characters `_`; labels of metric and resource are one
set; the kind of monitored resource is always named, since several may write one metric.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

CHART_WINDOW = "${__interval}"  # what one pixel of a chart shows


@dataclass(frozen=True, slots=True)
class Label:
    """A label that must have `value`, or with `regex` match it whole (RE2)."""

    name: str
    value: str | int
    of_resource: bool = False
    regex: bool = False
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Series:
    """Time series of the metric type `metric` on monitored resources of the type `resource`."""

    metric: str
    resource: str
    labels: tuple[Label, ...] = ()

    def of(self, **labels: str | Iterable[str]) -> Series:
        """Of resources with these labels; several values stand for any of them."""
        return self._with(labels, of_resource=True)

    def where(self, **labels: str | int | Iterable[str]) -> Series:
        """With these labels of the metric; several values stand for any of them."""
        return self._with(labels, of_resource=False)

    def matching(self, label: Label) -> Series:
        """With a label of any form."""
        return replace(self, labels=(*self.labels, label))

    def _with(self, labels: Mapping[str, str | int | Iterable[str]], of_resource: bool) -> Series:
        made = []
        for name, value in labels.items():
            if isinstance(value, str | int):
                made.append(Label(name, value, of_resource))
            else:
                made.append(Label(name, any_of(value), of_resource, regex=True))
        return replace(self, labels=(*self.labels, *made))

    def promql(self, suffix: str = "") -> str:
        """As a selector; `suffix` is `_bucket`, `_count` or `_sum` of a distribution."""
        service, _, rest = self.metric.partition("/")
        name = f"{_plain(service)}:{_plain(rest)}{suffix}"
        wanted = [f'monitored_resource="{self.resource}"']
        for label in self.labels:
            operator = _OPERATORS[label.negated, label.regex]
            wanted.append(f"{label.name}{operator}{_quoted(str(label.value))}")
        return f"{name}{{{','.join(wanted)}}}"

    def filter(self) -> str:
        """As a filter of the Monitoring API, https://cloud.google.com/monitoring/api/v3/filters."""
        parts = [f'metric.type="{self.metric}"', f'resource.type="{self.resource}"']
        for label in self.labels:
            owner = "resource" if label.of_resource else "metric"
            value = str(label.value) if isinstance(label.value, int) else _quoted(label.value)
            if label.regex:
                value = f"monitoring.regex.full_match({value})"
            parts.append(f"{owner}.labels.{label.name}{'!=' if label.negated else '='}{value}")
        return " AND ".join(parts)


_OPERATORS = {
    (False, False): "=",
    (False, True): "=~",
    (True, False): "!=",
    (True, True): "!~",
}


def any_of(values: Iterable[str]) -> str:
    """A regular expression for just these values."""
    return "|".join(re.sub(r"([.+*?()|{}^$\[\]\\])", r"\\\1", value) for value in values)


def _plain(part: str) -> str:
    return re.sub(r"[^A-Za-z0-9_]", "_", part)


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _by(labels: Iterable[str]) -> str:
    names = ", ".join(labels)
    return f" by ({names})" if names else ""


def rate(series: Series, *by: str, window: str = CHART_WINDOW) -> str:
    """Per second, over `window`."""
    return f"sum{_by(by)} (rate({series.promql()}[{window}]))"


def count(series: Series, window: str, *by: str) -> str:
    """How many in the last `window`."""
    return f"sum{_by(by)} (increase({series.promql()}[{window}]))"


def ratio(part: Series, whole: Series, *by: str, window: str = CHART_WINDOW) -> str:
    """The share 0..1 of `part` in `whole`; nothing where there is no `part`."""
    return f"{rate(part, *by, window=window)} / {rate(whole, *by, window=window)}"


def quantile(which: float, series: Series, *by: str, window: str = CHART_WINDOW) -> str:
    """The quantile `which` (0..1) of a distribution, in its own unit."""
    rates = f"rate({series.promql('_bucket')}[{window}])"
    return f"histogram_quantile({which:g}, sum{_by(('le', *by))} ({rates}))"


def highest(series: Series, *by: str) -> str:
    """The highest of a gauge."""
    return f"max{_by(by)} ({series.promql()})"


def total(series: Series, *by: str) -> str:
    """The sum of a gauge over everything that reports it."""
    return f"sum{_by(by)} ({series.promql()})"


def duration(seconds: int) -> str:
    """`seconds` in the largest unit that holds them whole: 5m, 6h, 3d."""
    for unit, size in (("d", 86_400), ("h", 3600), ("m", 60)):
        if seconds % size == 0:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"
