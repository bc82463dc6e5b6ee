"""Physical names in Google Cloud, each decided once."""

from __future__ import annotations

from shared import topology

RING = topology.KMS_KEY_RING
BIGTABLE_INSTANCE = topology.BIGTABLE_INSTANCE
DATASET = topology.WAREHOUSE_DATASET
SPANNER_INSTANCE = "segue-search"  # an instance's id has 2 to 64 characters
SPANNER_DATABASE = "search"
SPARK_ACCOUNT = "spark-training"  # an account's id has 6 to 30 characters
SPARK_PROGRAM = "programs/spark.py"  # in the bucket of trainings


def service(entry: topology.Entry) -> str:
    """A function or job as Cloud Run calls it: its names know no underscore."""
    return entry.name.replace("_", "-")


def account_id(entry: topology.Entry) -> str:
    """Service account that `entry` runs as, 6 to 30 characters."""
    kind = "job" if isinstance(entry, topology.Job) else "fn"
    return _account(f"{kind}-{service(entry)}")


def caller_id(entry: topology.Entry) -> str:
    """Service account that Google's services call `entry` as (push, Eventarc, Tasks, Scheduler)."""
    return _account(f"call-{service(entry)}")


def _account(name: str) -> str:
    if len(name) > 30:
        raise ValueError(f"{name}: a service account's id has at most 30 characters; rename")
    return name


def email(account_id: str, project: str) -> str:
    """Address of a service account of ours."""
    return f"{account_id}@{project}.iam.gserviceaccount.com"


def bucket(declared: topology.Bucket, project: str) -> str:
    """Physical name of a bucket, as `Settings.bucket` has it."""
    return f"{project}-{declared.name}"


def database(zone: str, home: str) -> str:
    """Firestore database of a residency zone: the home zone's is the default one."""
    return "(default)" if zone == home else f"segue-{zone}"


def search_database(project: str) -> str:
    """Full name of Spanner's database, as `Settings.spanner_database` has it."""
    return f"projects/{project}/instances/{SPANNER_INSTANCE}/databases/{SPANNER_DATABASE}"


def spark_program(project: str) -> str:
    """Where Dataproc finds what a batch runs, as `Settings.spark_program` has it."""
    return f"gs://{bucket(topology.TRAININGS, project)}/{SPARK_PROGRAM}"


def transactions_profile(region: str) -> str:
    """Bigtable's app profile for conditional writes, which want a single cluster."""
    return f"transactions-{region}"


def subscription(topic: topology.Topic, function: topology.EventFunction) -> str:
    """The push subscription of `function`, as the local cloud has it."""
    return f"{topic.name}.{function.name}"
