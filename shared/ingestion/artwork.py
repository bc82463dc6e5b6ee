"""Cover images: an embedded cover scaled, or one drawn from the album's id. Pure.

A drawn cover is the same for every track of an album and on every machine: two tones of one
palette, three soft discs of light, and rings as on a record.
"""

from __future__ import annotations

import colorsys
import hashlib
import io
from typing import TYPE_CHECKING

from shared.platform.ids import content_id

if TYPE_CHECKING:
    from PIL import Image

SIZES_PX = (640, 300, 64)
JPEG_QUALITY = 88
MIN_EDGE_PX = 64  # an embedded image smaller than this is no cover
MAX_PIXELS = 50_000_000  # a decompression bomb beyond
# Pillow knows dozens more, of which some (EPS) start a program on what a stranger sent.
FORMATS = ("JPEG", "PNG", "GIF", "BMP", "WEBP")
_DRAWN_PX = 640


def embedded_id(data: bytes) -> str:
    """Image id of an embedded cover: the same picture is stored once."""
    return content_id("image", hashlib.sha256(data).hexdigest())


def drawn_id(album_id: str) -> str:
    """Image id of the cover that is drawn for an album."""
    return content_id("image", "drawn-1", album_id)


def scaled(data: bytes) -> dict[int, bytes] | None:
    """JPEGs by edge length in px, the middle cut square; None where `data` is no usable image."""
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            width, height = image.size
            if min(width, height) < MIN_EDGE_PX or width * height > MAX_PIXELS:
                return None
            return _sizes(image.convert("RGB"))
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None


def drawn(album_id: str) -> dict[int, bytes]:
    """JPEGs by edge length in px of the cover drawn for `album_id`."""
    from PIL import Image, ImageChops, ImageDraw, ImageFilter

    seed = hashlib.sha256(f"cover/{album_id}".encode()).digest()
    hue = seed[0] / 256
    edge = _DRAWN_PX
    dark = _rgb(hue, 0.62, 0.20 + seed[1] / 2560)
    warm = _rgb(hue + 0.07 + seed[2] / 1800, 0.72, 0.62)
    ramp = Image.linear_gradient("L").resize((edge * 2, edge * 2))
    ramp = ramp.rotate(seed[3] * 360 / 256).crop(
        (edge // 2, edge // 2, edge * 3 // 2, edge * 3 // 2)
    )
    cover = Image.composite(Image.new("RGB", (edge, edge), warm),
                            Image.new("RGB", (edge, edge), dark), ramp)  # fmt: skip
    for index in range(3):
        x, y, size = (seed[4 + index * 3 + part] / 256 for part in range(3))
        radius = edge * (0.18 + size * 0.30)
        light = Image.new("RGB", (edge, edge))
        ImageDraw.Draw(light).ellipse(
            _box(edge * (0.1 + x * 0.8), edge * (0.1 + y * 0.8), radius),
            fill=_rgb(hue + (index - 1) * 0.11, 0.55, 0.42),
        )
        cover = ImageChops.screen(cover, light.filter(ImageFilter.GaussianBlur(6 + index * 26)))
    rings = Image.new("L", (edge * 2, edge * 2))
    pen = ImageDraw.Draw(rings)
    center_x, center_y = (edge * 2 * (0.25 + seed[part] / 512) for part in (14, 15))
    for ring in range(14):
        pen.ellipse(_box(center_x, center_y, edge * (0.10 + ring * 0.075)),
                    outline=70 - ring * 4, width=3)  # fmt: skip
    white = Image.new("RGB", (edge, edge), (255, 250, 240))
    return _sizes(Image.composite(white, cover, rings.resize((edge, edge))))


def _sizes(image: Image.Image) -> dict[int, bytes]:
    from PIL import ImageOps

    made = {}
    for size_px in SIZES_PX:
        out = io.BytesIO()
        ImageOps.fit(image, (size_px, size_px)).save(out, "JPEG", quality=JPEG_QUALITY)
        made[size_px] = out.getvalue()
    return made


def _box(x: float, y: float, radius: float) -> tuple[float, float, float, float]:
    return x - radius, y - radius, x + radius, y + radius


def _rgb(hue: float, saturation: float, value: float) -> tuple[int, int, int]:
    red, green, blue = colorsys.hsv_to_rgb(hue % 1, saturation, value)
    return round(red * 255), round(green * 255), round(blue * 255)
