"""Keys of one track, and the frozen values of a Clear Key exchange."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

CMAF_KEY_BYTES = 16  # AES-128, the only size of Common Encryption (ISO/IEC 23001-7)
OGG_KEY_BYTES = 32  # AES-256-CTR, decision 9
KEY_ID_BYTES = 16

LicenceType = Literal["temporary", "persistent-license"]


@dataclass(frozen=True, slots=True)
class ContentKeys:
    """Both content keys of a track, unwrapped. Key ids are 32 lower-case hex digits and public;
    the keys are secret and stay out of every repr and log."""

    cmaf_kid: str
    cmaf_key: bytes = field(repr=False)
    ogg_kid: str
    ogg_key: bytes = field(repr=False)

    def by_kid(self) -> dict[str, bytes]:
        """Key id (hex) to key, as a licence hands them out."""
        return {self.cmaf_kid: self.cmaf_key, self.ogg_kid: self.ogg_key}


@dataclass(frozen=True, slots=True)
class WrappedKeys:
    """What is stored: the ids, and both keys as one KMS ciphertext (CMAF key, then Ogg key)."""

    cmaf_kid: str
    ogg_kid: str
    wrapped: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class LicenceRequest:
    """A Clear Key licence request: key ids as 32 hex digits, in the order asked."""

    kids: tuple[str, ...]
    type: LicenceType
