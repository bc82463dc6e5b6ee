"""What listeners experience, and what the CDNs do for it."""

from __future__ import annotations

from collections.abc import Iterator

from infra import names
from infra.monitoring import log_metrics, metrics, promql
from infra.monitoring.charts import PERCENT, Line, Row, chart, quantiles
from shared import topology

START_P50_MS, START_P95_MS = 150, 350  # F064


def rows() -> Iterator[Row]:
    """The rows of the dashboard."""
    start = log_metrics.TIME_TO_FIRST_AUDIO.series
    by_cdn = "${labels.cdn}"
    yield Row(
        (
            chart("Press to first sound (F063)", *quantiles(start), unit="ms", limit=500),
            *(
                chart(
                    f"p{which * 100:g} to first sound by CDN (F064)",
                    Line(promql.quantile(which, start, "cdn"), by_cdn),
                    unit="ms",
                    limit=limit,
                )
                for which, limit in ((0.5, START_P50_MS), (0.95, START_P95_MS))
            ),
        )
    )
    starts, disturbed = log_metrics.STARTS.series, log_metrics.DISTURBANCES.series
    yield Row(
        (
            chart("Plays by CDN", Line(promql.rate(starts, "cdn"), by_cdn, True), unit="1/s"),
            chart(
                "Disturbances per play, by CDN",
                Line(promql.ratio(disturbed, starts, "cdn"), by_cdn),
            ),
            chart("Bitrate", *quantiles(log_metrics.BITRATE.series), unit="kbit/s"),
        )
    )
    playback = {"service_name": names.service(topology.ENTRIES["playback"])}
    refused = promql.rate(metrics.REQUESTS.of(**playback), "response_code")
    hits = metrics.CDN_REQUESTS.where(cache_result="HIT")
    yield Row(
        (
            chart(
                "Manifests, licences and streams by status",
                Line(refused, "${labels.response_code}", stacked=True),
                unit="1/s",
            ),
            chart(
                "CDN: share of hits, by backend",
                Line(
                    promql.ratio(hits, metrics.CDN_REQUESTS, "backend_target_name"),
                    "${labels.backend_target_name}",
                ),
                unit=PERCENT,
            ),
            chart(
                "CDN: bytes by result",
                Line(
                    promql.rate(metrics.CDN_BYTES, "cache_result"), "${labels.cache_result}", True
                ),
                unit="By/s",
            ),
        )
    )
