"""Categories in the Web API's shape."""

from __future__ import annotations

from shared.browse.models import Category
from shared.browse.shapes import CategoryObject
from shared.catalog.render import images
from shared.platform.settings import settings


def category_object(category: Category, locale: str | None = None) -> CategoryObject:
    """CategoryObject, named in the language of `locale` where there is a translation."""
    return {
        "href": f"{browse_url()}/categories/{category.id}",
        "icons": images(category.icons),
        "id": category.id,
        "name": category.name_in(locale),
    }


def browse_url() -> str:
    """The address below which everything to browse lies."""
    return f"{settings().public_url}/v1/browse"
