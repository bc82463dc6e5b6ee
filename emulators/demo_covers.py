"""Album covers of the demo catalogue, drawn: a sun, a harbour at night, cut paper, a signal."""

from __future__ import annotations

import io
import math
import random
from collections.abc import Callable

from PIL import Image, ImageDraw, ImageFilter

SIZE_PX = 640
_EDGE = SIZE_PX * 2  # drawn twice as large, then scaled: smooth edges

Color = tuple[int, int, int]


def png(design: str) -> bytes:
    """The cover `design` (sun, harbour, paper or signal) as PNG, 640 x 640."""
    image = _DESIGNS[design]().resize((SIZE_PX, SIZE_PX), Image.Resampling.LANCZOS)
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


def _gradient(*colors: Color) -> Image.Image:
    """From top to bottom through `colors`."""
    column = Image.new("RGB", (1, len(colors)))
    column.putdata(colors)
    return column.resize((_EDGE, _EDGE), Image.Resampling.BICUBIC)


def _sun() -> Image.Image:
    image = _gradient((24, 14, 56), (78, 24, 96), (190, 48, 110), (250, 130, 92), (40, 16, 66))
    glow = Image.new("L", (_EDGE, _EDGE))
    ImageDraw.Draw(glow).ellipse((240, 220, 1040, 1020), fill=150)
    image.paste((255, 170, 120), mask=glow.filter(ImageFilter.GaussianBlur(90)))
    disc = Image.new("L", (_EDGE, _EDGE))
    pen = ImageDraw.Draw(disc)
    pen.ellipse((330, 310, 950, 930), fill=255)
    for stripe in range(9):
        top = 600 + stripe * 38
        pen.rectangle((300, top, 980, top + 5 + stripe * 3), fill=0)
    image.paste(
        _gradient((255, 236, 160), (255, 196, 120), (255, 92, 128), (220, 40, 120)), mask=disc
    )
    pen = ImageDraw.Draw(image)
    pen.rectangle((0, 930, _EDGE, _EDGE), fill=(20, 10, 44))
    for line in range(-14, 15):
        pen.line((640 + line * 30, 930, 640 + line * 210, _EDGE), fill=(236, 72, 153), width=4)
    for row in range(9):
        y = 930 + int(row**1.9 * 6)
        pen.line((0, y, _EDGE, y), fill=(236, 72, 153), width=3 + row // 2)
    return image


def _harbour() -> Image.Image:
    dice = random.Random(7)
    image = _gradient(
        (8, 18, 40), (14, 40, 72), (34, 84, 112), (118, 158, 160), (20, 52, 78), (8, 22, 40)
    )
    pen = ImageDraw.Draw(image)
    for _ in range(120):
        x, y, size = dice.randrange(_EDGE), dice.randrange(560), dice.choice((2, 2, 3, 5))
        pen.ellipse((x, y, x + size, y + size), fill=(226, 236, 240))
    halo = Image.new("L", (_EDGE, _EDGE))
    ImageDraw.Draw(halo).ellipse((740, 150, 1080, 490), fill=130)
    image.paste((250, 244, 220), mask=halo.filter(ImageFilter.GaussianBlur(60)))
    pen.ellipse((800, 210, 1020, 430), fill=(250, 244, 220))
    for layer, color in enumerate(((26, 66, 92), (18, 50, 76), (12, 36, 58), (8, 24, 42))):
        base = 700 + layer * 130
        wave = [
            (x, base + math.sin(x / (110 + layer * 34) + layer * 1.7) * (26 + layer * 8))
            for x in range(0, _EDGE + 20, 20)
        ]
        pen.polygon([*wave, (_EDGE, _EDGE), (0, _EDGE)], fill=color)
    pen.polygon([(300, 826), (560, 826), (520, 880), (340, 880)], fill=(236, 112, 84))
    pen.polygon([(424, 800), (424, 560), (560, 800)], fill=(244, 232, 208))
    pen.polygon([(408, 800), (408, 620), (320, 800)], fill=(226, 204, 170))
    return image


def _paper() -> Image.Image:
    image = _gradient((238, 226, 204), (232, 216, 190))
    pen = ImageDraw.Draw(image)
    tile = _EDGE // 4
    inks: tuple[Color, ...] = ((196, 68, 48), (28, 60, 84), (226, 164, 62), (66, 112, 96))
    dice = random.Random(11)
    for row in range(4):
        for column in range(4):
            x, y = column * tile, row * tile
            ink, other = dice.sample(inks, 2)
            shape = dice.randrange(4)
            box = (x + 10, y + 10, x + tile - 10, y + tile - 10)
            if shape == 0:
                pen.ellipse(box, fill=ink)
                pen.ellipse((x + 95, y + 95, x + tile - 95, y + tile - 95), fill=other)
            elif shape == 1:
                pen.pieslice(
                    (x - tile + 20, y + 10, x + tile - 10, y + 2 * tile - 20), 270, 360, fill=ink
                )
            elif shape == 2:
                pen.rectangle(box, fill=ink)
                pen.pieslice(
                    (x + 10, y + 60, x + tile - 10, y + tile + 60 - 20), 180, 360, fill=other
                )
            else:
                for bar in range(4):
                    left = x + 20 + bar * 72
                    pen.rectangle((left, y + 20 + bar * 40, left + 44, y + tile - 20), fill=ink)
    return image


def _signal() -> Image.Image:
    dice = random.Random(23)
    image = _gradient((10, 8, 18), (30, 12, 50), (10, 8, 18))
    for tint, shift in (((255, 40, 110), -14), ((40, 230, 220), 14), ((245, 245, 245), 0)):
        layer = Image.new("L", (_EDGE, _EDGE))
        pen = ImageDraw.Draw(layer)
        waves = random.Random(5)
        for row in range(26):
            y, swell = 220 + row * 33, waves.uniform(0.5, 1.5)
            points = []
            for x in range(180, _EDGE - 170, 10):
                near = math.exp(-(((x - 640) / 230) ** 2))
                points.append((x + shift, y - near * swell * waves.uniform(10, 110)))
            pen.line(points, fill=200, width=5, joint="curve")
        image.paste(tint, mask=layer)
    for _ in range(9):  # torn lines, as on a tape
        top = dice.randrange(_EDGE - 60)
        band = image.crop((0, top, _EDGE, top + dice.randrange(10, 46)))
        image.paste(band, (dice.randrange(-70, 70), top))
    return image


def picture(seed: int) -> bytes:
    """A picture of its own for every `seed`, as JPEG, 640 x 640: overlapping translucent shapes
    over two tones."""
    dice = random.Random(seed)
    base = [dice.randrange(30, 200) for _ in range(3)]
    top = tuple(min(255, part + 50) for part in base)
    low = tuple(part // 3 for part in base)
    column = Image.new("RGB", (1, 2))
    column.putdata([top, low])
    image = column.resize((SIZE_PX, SIZE_PX), Image.Resampling.BICUBIC)
    pen = ImageDraw.Draw(image, "RGBA")
    for _ in range(dice.randrange(5, 9)):
        x, y, size = (dice.randrange(SIZE_PX) for _ in range(3))
        box = (x - size // 2, y - size // 2, x + size // 2, y + size // 2)
        ink = (*(dice.randrange(60, 256) for _ in range(3)), dice.randrange(60, 140))
        shape = dice.randrange(3)
        if shape == 0:
            pen.ellipse(box, fill=ink)
        elif shape == 1:
            pen.regular_polygon((x, y, max(size // 2, 8)), dice.randrange(3, 7), fill=ink)
        else:
            pen.ellipse(box, outline=ink, width=14)
    out = io.BytesIO()
    image.save(out, "JPEG", quality=90)
    return out.getvalue()


_DESIGNS: dict[str, Callable[[], Image.Image]] = {
    "sun": _sun,
    "harbour": _harbour,
    "paper": _paper,
    "signal": _signal,
}
