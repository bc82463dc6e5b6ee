"""What the cloud puts into the environment is what the product reads out of it."""

from __future__ import annotations

import json
from fnmatch import fnmatchcase

import pytest

from infra import stacks
from infra.config import StackConfig
from infra.environment import Made, environment, run_url
from infra.runtime import Tree
from shared import topology
from shared.platform.settings import Settings

NUMBER = "123456789012"


def settings_of(entry: topology.Entry, stack: str = "prod", region: str = "") -> Settings:
    config = stacks.example(stack)
    versions = {name: number for number, name in enumerate(config.keys, start=2)}
    versions |= {s.name: 7 for s in topology.SECRETS if s.account_key}
    made = Made(project_number=NUMBER, secret_versions=versions)
    variables = environment(config, entry, region or config.home, "us", made)
    unknown = {
        name
        for name in variables
        if name.startswith("SEGUE_")
        and name.removeprefix("SEGUE_").lower() not in Settings.model_fields
    }
    assert not unknown
    return Settings.from_env(variables)


@pytest.mark.parametrize("stack", stacks.names())
@pytest.mark.parametrize("name", sorted(topology.ENTRIES))
def test_every_entry_finds_its_settings(name: str, stack: str) -> None:
    config = stacks.example(stack)
    for region in config.regions:
        found = settings_of(topology.ENTRIES[name], stack, region)
        assert found.region == region
        assert found.project == config.project
        assert not found.anonymous
        assert found.rate_limit_scale == 1
        assert found.deployed_regions == config.regions
        assert {cdn.name for cdn in found.cdns} == {cdn.name for cdn in config.cdns}


def test_endpoints_are_google_s_own() -> None:
    found = settings_of(topology.ENTRIES["playback"])
    endpoints = {name: value for name, value in found if name.endswith("_endpoint")}
    assert endpoints
    assert set(endpoints.values()) == {None}


def test_versions_in_use_reach_the_product() -> None:
    found = settings_of(topology.ENTRIES["playback"])
    config = stacks.example("prod")
    numbers = {name: number for number, name in enumerate(config.keys, start=2)}
    assert found.secret_versions["token-signing-key"] == numbers["token-signing-key"]
    assert {cdn.name: cdn.key_version for cdn in found.cdns} == {
        cdn.name: numbers[cdn.secret] for cdn in config.cdns
    }


def test_calls_are_for_the_function_and_from_its_caller() -> None:
    found = settings_of(topology.ENTRIES["publish_track"])
    assert found.service_account == "call-publish-track@segue-prod-example.iam.gserviceaccount.com"
    own = run_url("publish-track", NUMBER, "us-central1")
    assert fnmatchcase(own, found.service_audience)
    others = [run_url(f"{e.replace('_', '-')}", NUMBER, "us-central1") for e in topology.ENTRIES]
    assert [url for url in others if fnmatchcase(url, found.service_audience)] == [own]


def test_a_service_without_an_address_is_refused() -> None:
    with pytest.raises(ValueError, match="rename"):
        run_url("x" * 60, NUMBER, "us-central1")


def test_tokens_name_the_keys_that_the_cdn_holds(made: tuple[StackConfig, Tree]) -> None:
    config, tree = made
    held = {
        key.inputs["name"]
        for key in tree.of_type("gcp:compute/backendBucketSignedUrlKey:BackendBucketSignedUrlKey")
    }
    function = tree.one("gcp:cloudfunctionsv2/function:Function", f"playback-{config.home}")
    variables = function.inputs["serviceConfig"]["environmentVariables"]
    signing = {cdn["name"]: cdn["key_name"] for cdn in json.loads(variables["SEGUE_CDNS"])}
    assert held
    assert signing["google"] in held
