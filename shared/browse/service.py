"""Categories, featured playlists and new releases (F137, F138)."""

from __future__ import annotations

from collections.abc import Sequence

from shared.browse import store
from shared.browse.models import ANY_MARKET, Category, Featured
from shared.catalog import service as catalog
from shared.catalog.models import Album
from shared.platform.cache import ReadThroughCache
from shared.platform.errors import NotFound

TTL_S = 60
MARKETS_KEPT = 300
NEW_RELEASES = 100  # as in the Web API
NOTHING_FEATURED = Featured(message="")


async def _read_categories(_: Sequence[None]) -> dict[None, tuple[Category, ...]]:
    return {None: await store.read_categories()}


categories: ReadThroughCache[None, tuple[Category, ...]] = ReadThroughCache(
    _read_categories, maximum=1, ttl_s=TTL_S, negative_ttl_s=TTL_S
)
front_pages: ReadThroughCache[str, Featured] = ReadThroughCache(
    store.read_featured, maximum=MARKETS_KEPT, ttl_s=TTL_S, negative_ttl_s=TTL_S
)


async def get_categories() -> list[Category]:
    """Every category, in the editors' order."""
    held = await categories.get(None) or ()
    return sorted(held, key=lambda one: (one.position, one.name, one.id))


async def get_category(category_id: str) -> Category:
    """The category. Raises NotFound."""
    for category in await categories.get(None) or ():
        if category.id == category_id:
            return category
    raise NotFound(f"Specified id doesn't exist: {category_id}")


async def get_featured(market: str | None) -> Featured:
    """The front page of `market`, or the one of all markets without its own; empty where the
    editors have made none."""
    asked = [market, ANY_MARKET] if market else [ANY_MARKET]
    found = await front_pages.get_many(asked)
    return next((found[one] for one in asked if one in found), NOTHING_FEATURED)


async def new_releases(market: str | None) -> list[Album]:
    """The albums released latest, newest first, at most `NEW_RELEASES`; with `market` only those
    that are released there."""
    newest = await catalog.get_newest_albums()
    shown = [one for one in newest if one.is_released_in(market)]
    return shown[:NEW_RELEASES]


async def load(new_categories: Sequence[Category], featured: Sequence[Featured]) -> None:
    """Stores categories and front pages over what is there."""
    await store.write_all(new_categories, featured)
    categories.clear()
    front_pages.clear()
