"""What search stores and answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, get_args

from pydantic import BaseModel, ConfigDict

ItemType = Literal["track", "artist", "album"]
ITEM_TYPES: tuple[ItemType, ...] = get_args(ItemType)


class SearchDocument(BaseModel):
    """One findable item; its document id is `{type}:{id}`.

    `words` are the folded words of its own name, `context` those of whom and what it belongs to;
    `prefixes` are looked up, the others decide the order.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    id: str
    type: ItemType
    name: str  # folded, words joined by one space
    words: tuple[str, ...]
    context: tuple[str, ...] = ()
    prefixes: tuple[str, ...] = ()
    popularity: int = 0
    territories: tuple[str, ...] = ()
    release_date: str = ""

    @property
    def document_id(self) -> str:
        """Where it is stored."""
        return f"{self.type}:{self.id}"

    def to_document(self) -> dict[str, Any]:
        """The fields as Firestore stores them."""
        return self.model_dump()


@dataclass(frozen=True, slots=True)
class Hits:
    """One page of ids of one type, and how many there are in all."""

    ids: tuple[str, ...]
    total: int


@dataclass(frozen=True, slots=True)
class Results:
    """The pages by type, in the order in which the types were asked for."""

    pages: dict[ItemType, Hits]
