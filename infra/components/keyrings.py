"""Keys of Cloud KMS: those that encrypt data at rest, and those that the product itself calls.

A key ring is called `segue` wherever it lies. Neither rings nor keys can be deleted from a project:
deleting one from the stack destroys its versions, and with them everything that they encrypt.
https://cloud.google.com/kms/docs/locations
"""

from __future__ import annotations

import pulumi
import pulumi_gcp as gcp

from infra import names
from infra.components import child
from infra.components.project import Project
from infra.config import StackConfig
from infra.locations import key_location
from shared import topology

DAY_S = 86_400
DATA_KEY = "data"
DATA_ROTATION_DAYS = 90
UNDO_DAYS = 30  # between the order to destroy a version and its destruction
# Every region unwraps content keys, so their key is served from all of them, not from one that
# can be lost. HSMs stand behind this location too.
APPLICATION_LOCATION = "global"
_USE = "roles/cloudkms.cryptoKeyEncrypterDecrypter"


class Keyrings(pulumi.ComponentResource):
    """The stack's key rings and keys.

    `application_keys` holds the topology's own by name; all lie in `application_location`, which
    the product knows as `Settings.kms_location`.
    """

    def __init__(self, config: StackConfig, project: Project) -> None:
        super().__init__("segue:keyrings:Keyrings", names.RING)
        self._config = config
        self._project = project
        self._rings: dict[str, gcp.kms.KeyRing] = {}
        self._data_keys: dict[str, gcp.kms.CryptoKey] = {}
        self._grants: dict[tuple[str, str], gcp.kms.CryptoKeyIAMMember] = {}
        self.application_location = APPLICATION_LOCATION
        self.application_keys: dict[str, gcp.kms.CryptoKey] = {
            declared.name: self._application_key(declared) for declared in topology.CRYPTO_KEYS
        }

    def data_key(self, location: str, agent: str) -> pulumi.Output[str]:
        """Id of the key that encrypts what lies in `location` (of Cloud Storage, Firestore,
        BigQuery, or a region), made at first use. It is known once Google's service agent `agent`
        (a name of `Project.agent`) may use the key.
        """
        place = key_location(location)
        if place not in self._data_keys:
            self._data_keys[place] = self._key(
                f"{DATA_KEY}-{place}", DATA_KEY, place, DATA_ROTATION_DAYS, "SOFTWARE"
            )
        key = self._data_keys[place]
        if (place, agent) not in self._grants:
            self._grants[place, agent] = gcp.kms.CryptoKeyIAMMember(
                f"{DATA_KEY}-{place}-{agent}",
                crypto_key_id=key.id,
                role=_USE,
                member=self._project.agent(agent),
                opts=child(self, hooks=self._project.settled),
            )
        granted = self._grants[place, agent]
        return pulumi.Output.all(key.id, granted.id).apply(lambda ids: str(ids[0]))

    def _application_key(self, declared: topology.CryptoKey) -> gcp.kms.CryptoKey:
        if declared.purpose != "ENCRYPT_DECRYPT":
            raise ValueError(
                f"the key {declared.name} has the purpose {declared.purpose}, which Cloud KMS does "
                "not rotate by itself; teach infra/components/keyrings.py its algorithm"
            )
        protection = declared.protection if self._config.hsm else "SOFTWARE"
        return self._key(
            declared.name, declared.name, APPLICATION_LOCATION, declared.rotation_days, protection
        )

    def _key(
        self, logical_name: str, name: str, location: str, rotation_days: int, protection: str
    ) -> gcp.kms.CryptoKey:
        return gcp.kms.CryptoKey(
            logical_name,
            name=name,
            key_ring=self._ring(location).id,
            purpose="ENCRYPT_DECRYPT",
            rotation_period=f"{rotation_days * DAY_S}s",
            destroy_scheduled_duration=f"{UNDO_DAYS * DAY_S}s",
            version_template=gcp.kms.CryptoKeyVersionTemplateArgs(
                algorithm="GOOGLE_SYMMETRIC_ENCRYPTION", protection_level=protection
            ),
            opts=child(self, protect=self._config.protect),
        )

    def _ring(self, location: str) -> gcp.kms.KeyRing:
        if location not in self._rings:
            self._rings[location] = gcp.kms.KeyRing(
                f"{names.RING}-{location}",
                project=self._config.project,
                name=names.RING,
                location=location,
                opts=child(self, depends_on=self._project.ready),
            )
        return self._rings[location]
