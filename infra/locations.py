"""Google Cloud's locations, as far as a stack may name them, so that a misspelt one is found before
anything is made.

https://cloud.google.com/run/docs/locations, https://cloud.google.com/firestore/docs/locations,
https://cloud.google.com/storage/docs/locations
"""

from __future__ import annotations

# Where every service of the topology runs: functions, Transcoder, Tasks, Eventarc, Bigtable, KMS.
REGIONS = frozenset(
    (
        *("asia-east1", "asia-northeast1", "asia-northeast3", "asia-south1", "asia-southeast1"),
        *("australia-southeast1", "europe-west1", "europe-west2", "europe-west3", "europe-west4"),
        *("northamerica-northeast1", "southamerica-east1"),
        *("us-central1", "us-east1", "us-west1", "us-west2"),
    )
)
# Multi-regions of Firestore, and the region whose key rings encrypt them.
FIRESTORE_MULTI_REGIONS = {"nam5": "us", "nam7": "us", "eur3": "europe"}
FIRESTORE_LOCATIONS = REGIONS | FIRESTORE_MULTI_REGIONS.keys()
# Multi-regions of Cloud Storage and BigQuery, and those whose key rings encrypt them.
STORAGE_MULTI_REGIONS = {"US": "us", "EU": "europe", "ASIA": "asia"}
STORAGE_LOCATIONS = REGIONS | STORAGE_MULTI_REGIONS.keys()


def key_location(location: str) -> str:
    """Where the key lies that encrypts data in `location`: Cloud KMS wants them together.

    https://cloud.google.com/kms/docs/locations
    """
    return (FIRESTORE_MULTI_REGIONS | STORAGE_MULTI_REGIONS).get(location, location)
