"""Covers that people upload (F160): checked, cut square and scaled. Pure.

An image is decoded and encoded anew, so nothing but the picture is served: no place where it was
taken, no bytes that a browser might take for something else.
"""

from __future__ import annotations

import hashlib
import io
from base64 import b64decode

from shared.platform.errors import InvalidInput, TooLarge

SIZES_PX = (640, 300, 64)
BODY_LIMIT_BYTES = 256 * 1024  # of the base64 text, as in the original
MIN_EDGE_PX = 16
MAX_PIXELS = 40_000_000  # a decompression bomb beyond
JPEG_QUALITY = 88


def decoded(body: bytes) -> bytes:
    """The JPEG in a request's body, which is base64. Raises InvalidInput, TooLarge."""
    if len(body) > BODY_LIMIT_BYTES:
        raise TooLarge(f"The image is too large: {BODY_LIMIT_BYTES} bytes of base64 at most")
    text = b"".join(body.split())
    if text.startswith(b"data:"):
        text = text.partition(b",")[2]
    try:
        image = b64decode(text, validate=True)
    except ValueError:
        raise InvalidInput("The body must be a JPEG image in base64") from None
    if not image:
        raise InvalidInput("The body must be a JPEG image in base64; it is empty")
    return image


def scaled(image: bytes) -> dict[int, bytes]:
    """JPEGs by edge length in px, the middle cut square. Takes tens of milliseconds. Raises
    InvalidInput for what is no usable JPEG."""
    from PIL import Image, ImageOps, UnidentifiedImageError

    try:
        with Image.open(io.BytesIO(image), formats=("JPEG",)) as opened:
            width, height = opened.size
            if min(width, height) < MIN_EDGE_PX or width * height > MAX_PIXELS:
                raise InvalidInput(
                    f"The image is {width} by {height} px; {MIN_EDGE_PX} px at least, "
                    f"{MAX_PIXELS:,} pixels at most"
                )
            picture = ImageOps.exif_transpose(opened.convert("RGB"))
            return {size_px: _fitted(picture, size_px) for size_px in SIZES_PX}
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        raise InvalidInput("The body must be a JPEG image in base64; this is none") from None


def folder(playlist_id: str, image: bytes) -> str:
    """Where the sizes of `image` lie: by content, so a change shows at once under another
    address, and by playlist, so they can be found and deleted with it."""
    return f"{playlist_id}/{hashlib.sha256(image).hexdigest()[:32]}"


def _fitted(picture: object, size_px: int) -> bytes:
    from PIL import Image, ImageOps

    assert isinstance(picture, Image.Image)
    out = io.BytesIO()
    ImageOps.fit(picture, (size_px, size_px)).save(out, "JPEG", quality=JPEG_QUALITY)
    return out.getvalue()
