"""Google's Transcoder may touch what our jobs name, and no more."""

from __future__ import annotations

import pytest

from tests.infra.data_tree import STACKS, data_tree
from tests.infra.provider_types import faults

BUCKET_GRANT = "gcp:storage/bucketIAMMember:BucketIAMMember"
TOPIC_GRANT = "gcp:pubsub/topicIAMMember:TopicIAMMember"
PROJECT_GRANT = "gcp:projects/iAMMember:IAMMember"
AGENT = "serviceAccount:service-100000000001@gcp-sa-transcoder.iam.gserviceaccount.com"


@pytest.mark.parametrize("stack", STACKS)
def test_the_provider_takes_every_input(stack: str) -> None:
    _, tree = data_tree(stack)
    made = tree.of_type(BUCKET_GRANT, TOPIC_GRANT, PROJECT_GRANT)
    assert [fault for resource in made for fault in faults(resource)] == []


@pytest.mark.parametrize("stack", STACKS)
def test_it_reads_masters_and_writes_where_jobs_write(stack: str) -> None:
    config, tree = data_tree(stack)
    granted = {
        one.inputs["bucket"].removeprefix(f"{config.project}-"): one.inputs["role"]
        for one in tree.of_type(BUCKET_GRANT)
        if one.inputs["member"] == AGENT
    }
    assert granted == {
        "masters": "roles/storage.objectViewer",
        "staging": "roles/storage.objectUser",
        "audio": "roles/storage.objectUser",
    }


def test_it_tells_when_a_job_is_done() -> None:
    _, tree = data_tree("prod")
    told = [one.inputs for one in tree.of_type(TOPIC_GRANT) if one.inputs["member"] == AGENT]
    assert [(one["topic"], one["role"]) for one in told] == [
        ("transcode-finished", "roles/pubsub.publisher")
    ]


def test_it_reads_the_keys_of_running_jobs_and_no_other_secret() -> None:
    _, tree = data_tree("prod")
    (grant,) = [one for one in tree.of_type(PROJECT_GRANT) if one.inputs["member"] == AGENT]
    assert grant.inputs["role"] == "roles/secretmanager.secretAccessor"
    # Names of secrets in conditions carry the project's number, not its id.
    assert grant.inputs["condition"]["expression"] == (
        'resource.name.startsWith("projects/100000000001/secrets/transcode-key-")'
    )
