"""KMS with the key that wraps content keys."""

from __future__ import annotations

import contextlib
import os

import grpc
import pytest
from google.api_core.exceptions import AlreadyExists
from google.cloud.kms_v1 import CryptoKey, KeyManagementServiceClient
from google.cloud.kms_v1.services.key_management_service import transports

from shared import topology
from tests import local_settings


def create_kek(address: str) -> None:
    """The key ring and the key of the topology, in the KMS at `address`."""
    parent = f"projects/{local_settings.PROJECT}/locations/us-central1"
    with grpc.insecure_channel(address) as channel:
        transport = transports.KeyManagementServiceGrpcTransport(channel=channel)
        client = KeyManagementServiceClient(transport=transport)
        with contextlib.suppress(AlreadyExists):
            client.create_key_ring(
                request={"parent": parent, "key_ring_id": topology.KMS_KEY_RING, "key_ring": {}}
            )
        with contextlib.suppress(AlreadyExists):
            client.create_crypto_key(
                request={
                    "parent": f"{parent}/keyRings/{topology.KMS_KEY_RING}",
                    "crypto_key_id": topology.CONTENT_KEY_KEK.name,
                    "crypto_key": {"purpose": CryptoKey.CryptoKeyPurpose.ENCRYPT_DECRYPT},
                }
            )


@pytest.fixture(scope="session")
def kms(secrets: str) -> str:
    """Address of the KMS."""
    address = os.environ["SEGUE_KMS_ENDPOINT"]
    create_kek(address)
    return address
