"""What the editors put on the shelves (F137)."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import Field

from shared.catalog.models import Document

ANY_MARKET = "any"


class Category(Document):
    """A shelf of playlists; `names` are translations by locale (`de`, `es_MX`), `icons` image
    ids, `position` its place among the others."""

    id: str = Field(pattern=r"^[0-9A-Za-z_-]{1,64}$")
    name: str
    names: dict[str, str] = Field(default={})
    icons: tuple[str, ...] = ()
    playlist_ids: tuple[str, ...] = ()
    position: int = 0

    def name_in(self, locale: str | None) -> str:
        """Its name in the language of `locale`, or else as it is."""
        return in_locale(self.name, self.names, locale)


class Featured(Document):
    """The playlists on the front page of `market` (ISO 3166-1 alpha-2, or `ANY_MARKET`), under a
    message; `messages` are translations by locale."""

    market: str = ANY_MARKET
    message: str
    messages: dict[str, str] = Field(default={})
    playlist_ids: tuple[str, ...] = ()

    def message_in(self, locale: str | None) -> str:
        """Its message in the language of `locale`, or else as it is."""
        return in_locale(self.message, self.messages, locale)


def in_locale(text: str, translations: Mapping[str, str], locale: str | None) -> str:
    """The translation for `locale` (`es_MX` or `es-MX`), for its language (`es`), or `text`."""
    if not locale:
        return text
    wanted = locale.replace("-", "_")
    return translations.get(wanted) or translations.get(wanted.partition("_")[0]) or text
