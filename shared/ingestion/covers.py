"""Pictures in the images bucket, each in all the sizes that the Web API lists."""

from __future__ import annotations

from shared import topology
from shared.ingestion import artwork, paths
from shared.ingestion.store import objects


async def store_cover(picture: bytes | None, drawn_for: str) -> str:
    """The image id of `picture`, stored in all sizes; without a usable one, of a cover drawn for
    the id `drawn_for`. The same again writes nothing."""
    image_id = artwork.embedded_id(picture) if picture else artwork.drawn_id(drawn_for)
    last = paths.image(image_id, artwork.SIZES_PX[-1])  # written last, so all are there with it
    if await objects.exists(topology.IMAGES, last):
        return image_id
    sizes = artwork.scaled(picture) if picture else None
    if sizes is None:
        image_id, sizes = artwork.drawn_id(drawn_for), artwork.drawn(drawn_for)
    for size_px, jpeg in sizes.items():
        await objects.write(topology.IMAGES, paths.image(image_id, size_px), jpeg, "image/jpeg")
    return image_id
