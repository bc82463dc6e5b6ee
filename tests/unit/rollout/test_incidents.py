"""What Cloud Monitoring publishes, read."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import ValidationError

from shared.rollout.models import SloBurn


def incident(version: str = "1.2", **changes: Any) -> str:
    """An incident of a burn-rate policy, with the fields of the format's version 1.2."""
    body: dict[str, Any] = {
        "incident_id": "0.opqiw61fsv7p",
        "scoping_project_id": "segue-prod",
        "scoping_project_number": 12345,
        "url": "https://console.cloud.google.com/monitoring/alerting/incidents/0.opqiw61fsv7p",
        "started_at": 1_787_920_920,
        "ended_at": None,
        "state": "open",
        "resource_id": "",
        "resource_name": "",
        "resource": {"type": "https_lb_rule", "labels": {"url_map_name": "segue"}},
        "metric": {"type": "", "displayName": "", "labels": {}},
        "metadata": {"system_labels": {}, "user_labels": {}},
        "policy_name": "Playback burns 14.4 times its budget",
        "policy_user_labels": {"severity": "page"},
        "documentation": {"content": "", "mime_type": "text/markdown"},
        "condition": {"name": "", "displayName": ""},
        "condition_name": "1 h",
        "threshold_value": "14.4",
        "observed_value": "61.2",
        "summary": "",
        **changes,
    }
    return json.dumps({"incident": body, "version": version})


def test_an_opened_incident_burns() -> None:
    burn = SloBurn.model_validate_json(incident())
    assert burn.is_burning
    assert burn.service is None
    assert burn.started_at == datetime.fromtimestamp(1_787_920_920, UTC)


def test_a_closed_one_does_not_and_neither_does_the_channels_test() -> None:
    assert not SloBurn.model_validate_json(incident(state="closed")).is_burning
    assert not SloBurn.model_validate_json(incident("test", state="OPEN")).is_burning


@pytest.mark.parametrize(
    "changes",
    [
        {"policy_user_labels": {"function": "prime_cdn"}},
        {"policy_user_labels": {"function": "prime-cdn"}},
        {
            "policy_user_labels": None,
            "resource": {"type": "cloud_run_revision", "labels": {"service_name": "prime-cdn"}},
        },
        {
            "policy_user_labels": {"function": "prime_cdn"},
            "resource": {"type": "cloud_run_revision", "labels": {"service_name": "catalog"}},
        },
    ],
)
def test_the_function_is_named_by_the_policys_label_or_the_resource(
    changes: dict[str, Any],
) -> None:
    assert SloBurn.model_validate_json(incident(**changes)).service == "prime-cdn"


def test_a_missing_resource_names_nobody() -> None:
    assert SloBurn.model_validate_json(incident(resource=None)).service is None


@pytest.mark.parametrize(
    "payload",
    [
        "[]",
        '{"version": "1.2"}',
        incident("2.0"),
        incident(state="acknowledged"),
        incident(started_at=-1),
        incident(policy_user_labels=["function"]),
    ],
)
def test_what_is_not_an_incident_is_refused(payload: str) -> None:
    with pytest.raises(ValidationError):
        SloBurn.model_validate_json(payload)
