"""Categories and featured playlists in Firestore."""

from __future__ import annotations

from collections.abc import Iterable

from shared import topology
from shared.browse.models import Category, Featured
from shared.platform import bulk, clients

MAX_CATEGORIES = 500


async def read_categories() -> tuple[Category, ...]:
    """Every category, in the order of their ids."""
    query = clients.collection(topology.CATEGORIES).limit(MAX_CATEGORIES)
    return tuple([Category.model_validate(one.to_dict()) async for one in query.stream()])


async def read_featured(markets: Iterable[str]) -> dict[str, Featured]:
    """What is featured in those of `markets` that have a front page of their own."""
    documents = clients.collection(topology.FEATURED)
    references = [documents.document(market) for market in markets]
    return {
        one.id: Featured.model_validate(one.to_dict())
        async for one in clients.firestore().get_all(references)
        if one.exists
    }


async def write_all(categories: Iterable[Category], featured: Iterable[Featured]) -> None:
    """Stores all of them over what is there."""
    await bulk.write(topology.CATEGORIES, ((one.id, one.to_document()) for one in categories))
    await bulk.write(topology.FEATURED, ((one.market, one.to_document()) for one in featured))
