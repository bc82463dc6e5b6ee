"""What search stores and answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict

ItemType = Literal["track", "artist", "album", "playlist", "show", "episode"]
# What can be asked for; of audiobooks there are none.
SearchType = Literal["track", "artist", "album", "playlist", "show", "episode", "audiobook"]
ITEM_TYPES: tuple[ItemType, ...] = get_args(ItemType)


def _split(words: Any) -> Any:
    return tuple(words.split()) if isinstance(words, str) else words


Words = Annotated[tuple[str, ...], BeforeValidator(_split)]


class SearchDocument(BaseModel):
    """One findable item; its document id is `{type}:{id}`.

    `words` are the folded words of its own name, `context` those of whom and what it belongs to;
    `prefixes` are looked up, the others decide the order.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    id: str
    type: ItemType
    name: str  # folded, words joined by one space
    words: Words
    context: Words = ()
    prefixes: tuple[str, ...] = ()
    popularity: int = 0
    territories: tuple[str, ...] = ()
    release_date: str = ""

    @property
    def document_id(self) -> str:
        """Where it is stored."""
        return f"{self.type}:{self.id}"

    def to_document(self) -> dict[str, Any]:
        """The fields as Firestore stores them: `words` and `context` as text, since each element
        of a list is an index entry, and only `prefixes` are asked for."""
        joined = {"words": " ".join(self.words), "context": " ".join(self.context)}
        return {**self.model_dump(), **joined}


@dataclass(frozen=True, slots=True)
class Hits:
    """One page of ids of one type, and how many there are in all."""

    ids: tuple[str, ...]
    total: int


@dataclass(frozen=True, slots=True)
class Results:
    """The pages by type, in the order in which the types were asked for."""

    pages: dict[ItemType, Hits]
