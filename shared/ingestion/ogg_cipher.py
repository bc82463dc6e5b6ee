"""AES-256-CTR over Ogg files, so that they stay range-addressable (decision 9).

The counter block is 8 bytes that differ from file to file, then 8 bytes that count: a player that
seeks to byte n starts at counter n / 16.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

CHUNK_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class EncryptedFile:
    """`iv` is hex (16 bytes), `checksum` the SHA-256 of the ciphertext in hex."""

    iv: str
    checksum: str
    size_bytes: int


def encrypt(source: Path, target: Path, key: bytes, object_path: str) -> EncryptedFile:
    """Encrypts `source` to `target` under the 32-byte `key`.

    The IV is derived from the path and the content: a repeated publish of the same file writes the
    same bytes, and another content never meets the same key stream.
    """
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

    plain_hash = hashlib.sha256()
    with source.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            plain_hash.update(chunk)
    seed = hashlib.sha256(b"ogg-iv\0" + object_path.encode() + b"\0" + plain_hash.digest())
    iv = seed.digest()[:8] + bytes(8)
    encryptor = Cipher(algorithms.AES256(key), modes.CTR(iv)).encryptor()
    cipher_hash, size_bytes = hashlib.sha256(), 0
    with source.open("rb") as file, target.open("wb") as out:
        while chunk := file.read(CHUNK_BYTES):
            chunk = encryptor.update(chunk)
            cipher_hash.update(chunk)
            size_bytes += out.write(chunk)
    return EncryptedFile(iv.hex(), cipher_hash.hexdigest(), size_bytes)
