"""Roles that `infra/access.py` grants: our own, and those that only a project can grant.

https://cloud.google.com/iam/docs/roles-permissions
"""

from __future__ import annotations

from shared import topology

ACT_AS = "roles/iam.serviceAccountUser"
FIRESTORE_READER = "roles/datastore.viewer"
FIRESTORE_WRITER = "roles/datastore.user"
JOB_USER = "roles/bigquery.jobUser"

# Where Google's own roles hold more than we call. Each is a role of the project: no slash, no dash.
CUSTOM_ROLES: dict[str, tuple[str, ...]] = {
    # Bigtable's client warms each new connection, which is a permission on the instance.
    "segueBigtableWarmer": ("bigtable.instances.ping",),
    # A new secret is empty and nobody's: this alone reads and changes nothing.
    "segueSecretCreator": ("secretmanager.secrets.create",),
    "segueTemporarySecrets": ("secretmanager.versions.add", "secretmanager.secrets.delete"),
    "segueTranscoder": (
        "transcoder.jobs.create",
        "transcoder.jobs.get",
        "transcoder.jobs.list",
    ),
    "segueTraffic": (
        "run.operations.get",
        "run.revisions.get",
        "run.services.get",
        "run.services.update",
    ),
    "segueTimeSeries": ("monitoring.timeSeries.list",),
}
# On Spanner's database of search, where a stack has one. Google's own roles hold more:
# `databaseUser` changes tables too.
SEARCH_READER, SEARCH_WRITER = "segueSearchReader", "segueSearchWriter"
_SEARCH_READS = (
    "spanner.databases.beginReadOnlyTransaction",
    "spanner.databases.get",
    "spanner.databases.read",
    "spanner.databases.select",
    "spanner.sessions.create",
    "spanner.sessions.delete",
    "spanner.sessions.get",
)
SEARCH_ROLES: dict[str, tuple[str, ...]] = {
    SEARCH_READER: _SEARCH_READS,
    SEARCH_WRITER: (
        *_SEARCH_READS,
        "spanner.databases.beginOrRollbackReadWriteTransaction",
        "spanner.databases.beginPartitionedDmlTransaction",
        "spanner.databases.write",
    ),
}
# Where Dataproc factorises (`sparkTraining`): what `train_embeddings` does there.
SPARK_SUBMITTER = "segueSparkSubmitter"
SPARK_ROLES: dict[str, tuple[str, ...]] = {
    SPARK_SUBMITTER: ("dataproc.batches.create", "dataproc.batches.get"),
}
# What the machines of a batch run as.
SPARK_WORKER = "roles/dataproc.worker"
SERVICE_ROLES = {
    topology.TRANSCODER.name: "segueTranscoder",
    topology.RUN.name: "segueTraffic",
    topology.MONITORING.name: "segueTimeSeries",
}

# Every role that is granted on the project, and why on nothing smaller.
PROJECT_LEVEL = {
    FIRESTORE_READER: "Firestore has no policies of its own; a condition names our databases",
    FIRESTORE_WRITER: "Firestore has no policies of its own; a condition names our databases",
    JOB_USER: "a query runs in a project, whatever it reads",
    "segueSecretCreator": "a secret that is not there yet has no policy",
    "segueTemporarySecrets": "a secret that is not there yet has no policy; a condition names them",
    "segueTranscoder": "Transcoder jobs have no policies",
    "segueTraffic": "operations have no policies; our functions are the project's only services",
    "segueTimeSeries": "time series have no policies",
    SPARK_SUBMITTER: "a batch that is not there yet has no policy",
    SPARK_WORKER: "Dataproc's machines want it of the project",
}
