"""Uploads: announced, received, looked up, and redriven from the masters bucket."""

from __future__ import annotations

import asyncio
import base64
import binascii
import datetime as dt
import hashlib
import json
import logging
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

from pydantic import ValidationError

from shared import topology
from shared.ingestion import paths
from shared.ingestion.models import (
    PROGRESS_PERCENT,
    TERMINAL_STATES,
    MasterMetadata,
    MasterReceived,
    Upload,
    UploadRequest,
    UploadTicket,
)
from shared.ingestion.store import ingestions, objects, uploads
from shared.platform.errors import InvalidInput, NotFound, TooLarge
from shared.platform.events import StoredObject, publish
from shared.platform.ids import content_id, is_id, random_id
from shared.platform.settings import settings

# The function that validates keeps a master in its memory-backed disk, twice over in the worst
# case of an unpacked download.
MAX_MASTER_BYTES = 2**30
CONTENT_TYPES = {
    ".wav": "audio/wav",
    ".wave": "audio/wav",
    ".flac": "audio/flac",
    ".mp3": "audio/mpeg",
    ".m4a": "audio/mp4",
    ".mp4": "audio/mp4",
    ".ogg": "audio/ogg",
    ".oga": "audio/ogg",
}
UPLOAD_URL_LIFE = dt.timedelta(hours=1)  # to start; the session that it opens lives a week
UPLOAD_LIFE = dt.timedelta(days=8)
MAX_METADATA_BYTES = 6 * 1024  # of the 8 KiB that an object's custom metadata may have
METADATA_KEY = "segue"

_log = logging.getLogger(__name__)


async def start_upload(
    user_id: str, request: UploadRequest, upload_id: str | None = None
) -> UploadTicket:
    """A new upload and the signed URL that starts it; `upload_id` is fresh or, for a request that
    may be repeated, made of its idempotency key.

    Raises TooLarge above 1 GiB, InvalidInput for an empty file, a name that says no audio, or
    metadata that does not fit.
    """
    if request.size_bytes > MAX_MASTER_BYTES:
        raise TooLarge(
            f"The file has {request.size_bytes} bytes; a master has at most {MAX_MASTER_BYTES} "
            "bytes (1 GiB). FLAC makes it smaller without loss."
        )
    if request.size_bytes < 1:
        raise InvalidInput("size_bytes: the file is empty.")
    filename = paths.safe_filename(request.filename)
    content_type = CONTENT_TYPES.get(PurePosixPath(filename).suffix.lower())
    if content_type is None:
        raise InvalidInput(
            f"filename: {request.filename[:100]!r} does not end in one of "
            f"{', '.join(CONTENT_TYPES)}."
        )
    upload_id, now = upload_id or random_id(), datetime.now(UTC)
    headers = {
        "x-goog-resumable": "start",
        "content-type": request.content_type or content_type,
        "x-upload-content-length": str(request.size_bytes),
        "x-goog-content-length-range": f"{request.size_bytes},{request.size_bytes}",
        "x-goog-if-generation-match": "0",  # the URL starts one object and replaces none
        f"x-goog-meta-{METADATA_KEY}": encode_metadata(
            MasterMetadata(user_id=user_id, filename=filename, metadata=request.metadata)
        ),
    }
    url = await objects.sign_upload(paths.master(upload_id, filename), headers, UPLOAD_URL_LIFE)
    await uploads.create(
        Upload(
            upload_id=upload_id,
            user_id=user_id,
            filename=filename,
            size_bytes=request.size_bytes,
            state="awaiting_upload",
            metadata=request.metadata,
            updated_at=now,
        ),
        now + UPLOAD_LIFE,
    )
    return UploadTicket(
        upload_id=upload_id, upload_url=url, headers=headers, expires_at=now + UPLOAD_URL_LIFE
    )


async def put_sound(track_id: str, file: Path, owner: str) -> str:
    """Puts the audio file at `file` into the masters bucket as the sound of `track_id`, which the
    catalogue has; ingestion takes it from there. Returns the id of the upload, which `owner` may
    look up. The same file for the same track again does nothing.

    For the platform's own loading of catalogues: the public API signs no URL for where it lies.
    Raises TooLarge, and InvalidInput for a name that says no audio.
    """
    filename = paths.safe_filename(file.name)
    content_type = CONTENT_TYPES.get(PurePosixPath(filename).suffix.lower())
    if content_type is None:
        raise InvalidInput(f"{file.name!r} does not end in one of {', '.join(CONTENT_TYPES)}.")
    size_bytes, digest = await asyncio.to_thread(_measure, file)
    if size_bytes > MAX_MASTER_BYTES:
        raise TooLarge(f"{file.name!r} has {size_bytes} bytes; at most {MAX_MASTER_BYTES} (1 GiB).")
    upload_id = content_id("sound", track_id, digest)
    name = paths.sound_master(upload_id, filename)
    if not await objects.exists(topology.MASTERS, name):
        stated = MasterMetadata(user_id=owner, filename=filename, track_id=track_id)
        await objects.write(
            topology.MASTERS, name, file, content_type, {METADATA_KEY: encode_metadata(stated)}
        )
    return upload_id


def _measure(file: Path) -> tuple[int, str]:
    """Size in bytes and SHA-256 in hex."""
    with file.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
        return stream.tell(), digest


async def get_upload(user_id: str, upload_id: str) -> Upload:
    """The caller's upload. Raises NotFound, also for somebody else's: ids are not to be probed."""
    upload = await uploads.load(upload_id) if is_id(upload_id) else None
    if upload is None or upload.user_id != user_id:
        raise NotFound(f"There is no upload {upload_id[:40]!r} of yours.")
    return upload


async def uploader_of(content_hash: str) -> str | None:
    """Who uploaded the master with this SHA-256 (hex), None where nobody did."""
    ingestion = await ingestions.load(content_hash) if content_hash else None
    upload = await uploads.load(ingestion.upload_id) if ingestion else None
    return upload.user_id if upload else None


async def receive_master(stored: StoredObject) -> None:
    """A master is complete: notes it and asks for its validation. Objects that did not come
    through `start_upload` are masters as well."""
    if stored.name.endswith("/"):  # a "folder", as some tools make them
        return
    received = await note_master(
        stored.bucket, stored.name, stored.generation, stored.size_bytes, stored.metadata
    )
    # Published also when it was seen before: the last attempt may have ended right here.
    await publish([received])


async def note_master(
    bucket: str, name: str, generation: int, size_bytes: int, metadata: dict[str, str]
) -> MasterReceived:
    """Stores that a master has arrived; returns the event to publish."""
    upload_id = paths.upload_id_of(bucket, name)
    stated = decode_metadata(metadata.get(METADATA_KEY), name)
    await uploads.receive(
        Upload(
            upload_id=upload_id,
            user_id=stated.user_id,
            filename=stated.filename or paths.safe_filename(name) or "master",
            size_bytes=size_bytes,
            state="received",
            progress_percent=PROGRESS_PERCENT["received"],
            generation=generation,
            sound_of=stated.track_id if paths.is_sound_master(name) else None,
            metadata=stated.metadata,
            updated_at=datetime.now(UTC),
        )
    )
    return MasterReceived(upload_id=upload_id, bucket=bucket, name=name, generation=generation)


async def redrive(stuck_after: dt.timedelta | None) -> tuple[int, int]:
    """Publishes MasterReceived for every master that has no end yet; returns how many masters
    there are and how many were redriven.

    With `stuck_after`, work that moved within that time is left alone; None takes all that is
    unfinished. The masters bucket is the source of truth: with an empty database, this rebuilds
    the catalogue.
    """
    bucket = settings().bucket(topology.MASTERS.name)
    seen = redriven = 0
    async for page in objects.masters():
        by_id = {
            paths.upload_id_of(bucket, found.name): found
            for found in page
            if not found.name.endswith("/")
        }
        held = await uploads.load_many(by_id)
        events = []
        for upload_id, found in by_id.items():
            upload = held.get(upload_id)
            if upload is not None and upload.generation == found.generation:
                if upload.state in TERMINAL_STATES:
                    continue
                age = datetime.now(UTC) - upload.updated_at
                if stuck_after is not None and age < stuck_after:
                    continue
            events.append(
                await note_master(
                    bucket, found.name, found.generation, found.size_bytes, found.metadata
                )
            )
        await publish(events)
        seen += len(by_id)
        redriven += len(events)
    return seen, redriven


def encode_metadata(metadata: MasterMetadata) -> str:
    """`metadata` as the value of an object's custom metadata. Raises InvalidInput."""
    text = metadata.model_dump_json(exclude_none=True).encode()
    value = base64.urlsafe_b64encode(text).decode()
    if len(value) > MAX_METADATA_BYTES:
        raise InvalidInput("metadata: all fields together are too long (about 4,500 bytes).")
    return value


def decode_metadata(value: str | None, name: str) -> MasterMetadata:
    """The inverse of `encode_metadata`; empty for masters that came without or with another's."""
    if not value:
        return MasterMetadata()
    try:
        return MasterMetadata.model_validate(json.loads(base64.urlsafe_b64decode(value)))
    except (ValueError, binascii.Error, ValidationError) as error:
        _log.warning("metadata of master %s is ignored: %s", name, error)
        return MasterMetadata()
