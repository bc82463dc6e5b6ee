"""Which lines are kept, and which are dropped before they cost anything (F304, F305). Pure.

All errors are kept, and of successes a share: a line is kept or dropped by its own id, so that the
share is the same everywhere. Dropped lines are still counted by log-based metrics.
https://cloud.google.com/logging/docs/view/logging-query-language#sample
"""

from __future__ import annotations

from infra.monitoring.log_metrics import QUALITY_LINE

_REQUEST_LOGS = '(log_id("run.googleapis.com/requests") OR log_id("requests"))'
FIRST_FAILURE = 400
PERMISSION_DENIED = 7  # google.rpc.Code
DATA_ACCESS = 'log_id("cloudaudit.googleapis.com/data_access")'


def exclusions(keep_successes: float) -> dict[str, tuple[str, str]]:
    """What the project does not keep: name -> filter and reason. `keep_successes` is the share 0..1
    of successful requests whose line is kept."""
    return {
        "successful-requests": (
            f"{_REQUEST_LOGS} AND httpRequest.status<{FIRST_FAILURE} AND severity<WARNING "
            f"AND sample(insertId, {1 - keep_successes:.4g})",
            f"All but {keep_successes:.0%} of successful requests; every failure is kept",
        ),
        "playback-quality": (
            f'resource.type="cloud_run_revision" AND {QUALITY_LINE}',
            "Counted by log-based metrics, of no use one by one",
        ),
        "debug": (
            'resource.type=("cloud_run_revision" OR "cloud_run_job") AND severity=DEBUG',
            "Nobody reads them in the cloud",
        ),
        # An alert on refusals reads them here.
        "data-access": (
            f"{DATA_ACCESS} AND NOT protoPayload.status.code={PERMISSION_DENIED}",
            "Kept in the bucket `audit`",
        ),
    }
