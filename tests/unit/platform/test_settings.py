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


def test_keys_lie_in_the_region_unless_another_place_is_set() -> None:
    alone = Settings.from_env(local_settings.variables())
    key = "keyRings/segue/cryptoKeys/k"
    assert alone.crypto_key("k") == f"projects/segue-local/locations/us-central1/{key}"
    elsewhere = local_settings.variables(SEGUE_KMS_LOCATION="global")
    moved = Settings.from_env(elsewhere)
    assert moved.crypto_key("k") == f"projects/segue-local/locations/global/{key}"


def test_a_task_goes_to_its_function_as_the_account_that_this_one_expects() -> None:
    deployed = Settings.from_env(
        local_settings.variables(
            SEGUE_SERVICE_ACCOUNT="call-queue-cdn-priming@p.iam.gserviceaccount.com",
            SEGUE_SERVICE_AUDIENCE="https://queue-cdn-priming-*.run.app",
            SEGUE_TASKS_URL="https://{service}-1.us-central1.run.app",
            SEGUE_TASKS_ACCOUNT="call-{service}@p.iam.gserviceaccount.com",
        )
    ).task_target("prime_cdn")
    assert deployed.url == "https://prime-cdn-1.us-central1.run.app"
    assert deployed.account == "call-prime-cdn@p.iam.gserviceaccount.com"
    assert deployed.audience == deployed.url


def test_where_all_functions_share_an_address_they_share_account_and_audience() -> None:
    alone = Settings.from_env(local_settings.variables())
    target = alone.task_target("prime_cdn")
    assert (target.url, target.account, target.audience) == (
        alone.tasks_url,
        alone.service_account,
        alone.service_audience,
    )


def test_regions_are_the_home_region_alone_unless_they_are_named() -> None:
    assert Settings.from_env(local_settings.variables()).deployed_regions == ("us-central1",)
    named = local_settings.variables(SEGUE_REGIONS='["europe-west1", "us-central1"]')
    assert Settings.from_env(named).deployed_regions == ("europe-west1", "us-central1")


def test_regions_without_the_home_region_are_a_fault() -> None:
    variables = local_settings.variables(SEGUE_REGIONS='["europe-west1"]')
    with pytest.raises(SettingsError, match=r"SEGUE_REGIONS: .*SEGUE_REGION \(us-central1\)"):
        Settings.from_env(variables)
    with pytest.raises(SettingsError, match="SEGUE_REGIONS: not JSON"):
        Settings.from_env(local_settings.variables(SEGUE_REGIONS="europe-west1"))
