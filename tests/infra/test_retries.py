"""What is tried again: what Google does not know yet, and nothing else."""

from __future__ import annotations

import asyncio

import pulumi
import pytest

from infra import retries

AGENT = (
    "Error applying IAM policy: googleapi: Error 400: Service account "
    "service-100000000001@https-lb.iam.gserviceaccount.com does not exist., invalid"
)
METRIC = (
    "Error creating Slo: googleapi: Error 400: Invalid SLO definition: The metric referenced by "
    "the provided filter is unknown. Check the metric name and labels."
)

PAUSE_S = retries.PAUSE_S
EVENTARC = (
    'Error creating Trigger: googleapi: Error 400: Invalid resource state for "": Permission '
    "denied while using the Eventarc Service Agent. If you recently started to use Eventarc, it "
    "may take a few minutes before all necessary permissions are propagated."
)
EXPORT = (
    "Error creating Subscription: googleapi: Error 400: Service account "
    "service-100000000001@gcp-sa-pubsub.iam.gserviceaccount.com is missing permissions required "
    "to write to the BigQuery table: bigquery.tables.get, bigquery.tables.updateData."
)


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retries, "PAUSE_S", 0.0)


def asked(*errors: str) -> bool:
    args = pulumi.ErrorHookArgs("urn", "id", "name", "type", errors=list(errors))
    return asyncio.run(retries.again(args))


@pytest.mark.parametrize("error", [AGENT, METRIC, EVENTARC, EXPORT])
def test_what_google_has_just_made_is_waited_for(error: str) -> None:
    assert asked(error)
    assert asked(*[error] * retries.TRIES)
    assert not asked(*[error] * (retries.TRIES + 1))


@pytest.mark.parametrize(
    "error",
    [
        "googleapi: Error 403: Permission denied",
        "googleapi: Error 404: The specified bucket does not exist., notFound",
        "googleapi: Error 409: already exists",
    ],
)
def test_other_faults_are_told_at_once(error: str) -> None:
    assert not asked(error)
    assert not asked(error, AGENT)


def test_it_waits_as_long_as_metrics_of_logs_take() -> None:
    assert retries.TRIES * PAUSE_S >= 600
