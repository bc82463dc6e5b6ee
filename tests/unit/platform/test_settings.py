from __future__ import annotations

import json

import pytest

from shared.platform.settings import Settings, SettingsError
from tests import local_settings


def test_a_whole_environment_is_understood() -> None:
    settings = Settings.from_env(local_settings.variables())
    assert settings.project == "segue-local"
    assert settings.bucket("audio") == "segue-local-audio"
    assert [cdn.name for cdn in settings.cdns] == ["google", "cloudfront", "akamai"]
    assert settings.secret_version("x") == "projects/segue-local/secrets/x/versions/1"


def test_a_pinned_secret_version_is_the_one_used() -> None:
    variables = local_settings.variables(SEGUE_SECRET_VERSIONS='{"x": 7}')
    assert Settings.from_env(variables).secret_version("x").endswith("/x/versions/7")


def test_every_missing_variable_is_named_at_once() -> None:
    with pytest.raises(SettingsError) as caught:
        Settings.from_env({})
    required = [name for name, field in Settings.model_fields.items() if field.is_required()]
    for name in required:
        assert f"SEGUE_{name.upper()}: missing" in str(caught.value)
    assert "SEGUE_REGION" not in str(caught.value)


def test_all_faults_stand_in_one_message() -> None:
    cdns = json.loads(local_settings.variables()["SEGUE_CDNS"])
    cdns[1]["provider"] = "carrier pigeon"
    variables = local_settings.variables(
        SEGUE_PUBLIC_URL="ftp://segue.example",
        SEGUE_ACCOUNTS_URL="https://segue.example/accounts/",
        SEGUE_TOKEN_JWKS="{not json",
        SEGUE_CDNS=json.dumps(cdns),
    )
    del variables["SEGUE_SERVICE_ACCOUNT"]
    with pytest.raises(SettingsError) as caught:
        Settings.from_env(variables)
    message = str(caught.value)
    for part in (
        "SEGUE_PUBLIC_URL:",
        "SEGUE_ACCOUNTS_URL:",
        "SEGUE_TOKEN_JWKS: not JSON",
        "SEGUE_CDNS (1.provider):",
        "SEGUE_SERVICE_ACCOUNT: missing",
    ):
        assert part in message
    assert message.count("SEGUE_TOKEN_JWKS") == 1
    assert "\n" not in message


def test_json_that_alone_is_wrong_is_a_fault_too() -> None:
    with pytest.raises(SettingsError, match="SEGUE_SECRET_VERSIONS: not JSON"):
        Settings.from_env(local_settings.variables(SEGUE_SECRET_VERSIONS="x"))
    with pytest.raises(SettingsError, match="SEGUE_CDNS"):
        Settings.from_env(local_settings.variables(SEGUE_CDNS="[]"))


def test_settings_do_not_change() -> None:
    settings = Settings.from_env(local_settings.variables())
    with pytest.raises(ValueError, match="frozen"):
        settings.project = "another"  # type: ignore[misc]


def test_cloud_run_tells_a_job_which_of_its_tasks_it_is() -> None:
    alone = Settings.from_env(local_settings.variables())
    assert (alone.task_index, alone.task_count) == (0, 1)
    third = local_settings.variables(CLOUD_RUN_TASK_INDEX="2", CLOUD_RUN_TASK_COUNT="4")
    assert (Settings.from_env(third).task_index, Settings.from_env(third).task_count) == (2, 4)
    with pytest.raises(SettingsError, match="CLOUD_RUN_TASK_COUNT:"):
        Settings.from_env(local_settings.variables(CLOUD_RUN_TASK_COUNT="many"))
