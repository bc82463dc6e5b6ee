"""Log-based metrics, as `infra.monitoring.log_metrics` defines them."""

from __future__ import annotations

import pulumi
import pulumi_gcp as gcp

from infra.components import child
from infra.components.project import Project
from infra.config import StackConfig
from infra.monitoring.log_metrics import LOG_METRICS, LogMetric

_Descriptor = gcp.logging.MetricMetricDescriptorArgs
_Label = gcp.logging.MetricMetricDescriptorLabelArgs


class LogMetrics(pulumi.ComponentResource):
    """`metrics` holds them by name."""

    def __init__(
        self, config: StackConfig, project: Project, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("segue:operations:LogMetrics", "log-metrics", None, opts)
        self._config, self._project = config, project
        self.metrics = {metric.name: self._metric(metric) for metric in LOG_METRICS}

    def _metric(self, metric: LogMetric) -> gcp.logging.Metric:
        buckets = None
        if metric.field:
            edges = gcp.logging.MetricBucketOptionsExplicitBucketsArgs(bounds=list(metric.bounds))
            buckets = gcp.logging.MetricBucketOptionsArgs(explicit_buckets=edges)
        return gcp.logging.Metric(
            metric.name,
            name=metric.name,
            project=self._config.project,
            description=metric.description,
            filter=metric.filter,
            metric_descriptor=_Descriptor(
                metric_kind="DELTA",
                value_type="DISTRIBUTION" if metric.field else "INT64",
                unit=metric.unit,
                labels=[_Label(key="cdn", value_type="STRING", description="The CDN in use")],
            ),
            label_extractors={"cdn": "EXTRACT(jsonPayload.cdn)"},
            value_extractor=metric.field and f"EXTRACT({metric.field})",
            bucket_options=buckets,
            opts=child(self, depends_on=self._project.ready),
        )
