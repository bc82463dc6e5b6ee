"""What a query says: words, phrases, field filters and operators. Pure.

The grammar is the Web API's, read leniently, since it is typed by people:

    query   = branch { "OR" branch }              "AND" is allowed and means nothing
    branch  = { [ "NOT" | "-" ] item }
    item    = word | '"' phrase '"' | field ":" value

`artist:`, `album:` and `track:` hold for all words up to the next field, phrase or operator
(`artist:miles davis`), or for the phrase right behind them; the other fields take one word or
phrase and hold for the whole query. Operators are upper case, fields any. What makes no sense (an
operator without an item, `year:abc`, a lone quote) is read as words.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from shared.platform.errors import InvalidInput
from shared.search.analysis import folded_genre
from shared.search.models import Clause, Filters, ParsedQuery, Scope
from shared.search.text import name_words, squash, words

MAX_WORDS = 16  # that results should have, and as many that they should not
MAX_READ_CHARS = 1_000  # twice the longest name; the rest of a query is not read

_SCOPES: dict[str, Scope] = {"artist": "artist", "album": "album", "track": "name"}
_QUOTES = str.maketrans(dict.fromkeys("“”„‟«»＂", '"'))
# A minus excludes at the start of a word that follows a space, so "blink-182", "a - b" and "-M-"
# are names; a quote that is never closed is none.
_TOKEN = re.compile(
    r"""
    (?P<minus> (?<=\s)-(?=["\w])(?!\S*-(?:\s|$)) )?
    (?: (?P<field> artist|album|track|year|genre|isrc|upc|tag ) :(?=\S) )?
    (?: "(?P<phrase> [^"]* )" | (?P<word> \S+ ) )
    """,
    re.VERBOSE | re.IGNORECASE,
)
_YEARS = re.compile(r"(\d{4})(?:[-\u2013](\d{4}))?", re.ASCII)
_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*")


@dataclass(frozen=True, slots=True)
class _Item:
    """A word, a phrase, an operator or the value of a field; `field` "" is none, `negated` is by
    a minus."""

    text: str
    field: str = ""
    quoted: bool = False
    negated: bool = False

    @property
    def is_bare(self) -> bool:
        return not (self.field or self.quoted or self.negated)

    @property
    def is_operator(self) -> bool:
        return self.is_bare and self.text in ("OR", "AND", "NOT")


def parse(text: str) -> ParsedQuery:
    """What `text` asks for. A query of filters alone has one branch without clauses. Only the
    first 16 words count; the last one is `open` unless something was typed behind it. Raises
    InvalidInput for a query without a visible character."""
    shown = text.strip()
    plain = name_words(shown[:MAX_READ_CHARS])
    if not plain:
        raise InvalidInput("The query is empty; give q at least one letter, digit or sign")
    items = _items(shown[:MAX_READ_CHARS].translate(_QUOTES))
    read, filters = _read(items)
    branches = _bounded(read)
    if filters == Filters() and not any(_asks(branch) for branch in branches):
        # Nothing to look for but what must not be there: "NOT AFRAID" is a name in capitals.
        branches = _bounded([[Clause((word,)) for word in plain]])
    if len(branches) > 1:  # of several, one that only excludes would let everything in
        branches = tuple(branch for branch in branches if _asks(branch))
    if branches and _is_unfinished(text, items[-1], branches[-1][-1]):
        *others, last = branches
        branches = (*others, (*last[:-1], replace(last[-1], open=True)))
    return ParsedQuery(shown, branches or ((),), filters)


def _items(text: str) -> list[_Item]:
    """The parts of `text`; the words behind `artist:x`, `album:x` or `track:x` belong to it."""
    found: list[_Item] = []
    for token in _TOKEN.finditer(text):
        item = _Item(
            text=token["word"] if token["phrase"] is None else token["phrase"],
            field=(token["field"] or "").lower(),
            quoted=token["phrase"] is not None,
            negated=token["minus"] is not None,
        )
        before = found[-1] if found else item
        if item.is_bare and not item.is_operator and before.field in _SCOPES and not before.quoted:
            found[-1] = replace(before, text=f"{before.text} {item.text}")
        else:
            found.append(item)
    return found


def _read(items: Sequence[_Item]) -> tuple[list[list[Clause]], Filters]:
    branches: list[list[Clause]] = [[]]
    filters = Filters()
    negate = False
    for position, item in enumerate(items):
        if item.is_operator and _has_operands(items, position):
            negate = item.text == "NOT"
            if item.text == "OR":
                branches.append([])
            continue
        negated, negate = negate or item.negated, False
        narrowed = None if negated else _narrowed(filters, item)
        if narrowed:
            filters = narrowed
        else:
            branches[-1] += _clauses(item, negated)
    return branches, filters


def _has_operands(items: Sequence[_Item], position: int) -> bool:
    """Whether an operator stands before an item, and behind one if it joins two."""
    behind = items[position + 1 : position + 2]
    return (
        bool(behind)
        and (not behind[0].is_operator or behind[0].text == "NOT" != items[position].text)
        and (position > 0 or items[position].text == "NOT")
    )


def _clauses(item: _Item, negated: bool) -> list[Clause]:
    """One clause for each word; one for a phrase and for what must not be there, or "NOT AC/DC"
    would exclude all that has either word."""
    text, scope = item.text, _SCOPES.get(item.field, "any")
    if item.field and scope == "any":
        text = text if negated else f"{item.field} {text}"  # a filter that says nothing
    elif item.field and not squash(text.replace('"', "")):
        text, scope = item.field, "any"
    found = name_words(text) if item.quoted or item.field else words(text)
    if item.quoted or negated:
        return [Clause(tuple(found), scope, negated)] if found else []
    return [Clause((word,), scope) for word in found]


def _narrowed(filters: Filters, item: _Item) -> Filters | None:
    """`filters` and what `item` adds to them; None if it is no filter or cannot be understood."""
    value = item.text.strip()
    match item.field:
        case "year" if found := _YEARS.fullmatch(value):
            # There is no year 0.
            first, last = (max(int(year), 1) for year in (found[1], found[2] or found[1]))
            return replace(filters, years=(min(first, last), max(first, last)))
        case "genre" if genre := folded_genre(value):
            return replace(filters, genres=tuple(dict.fromkeys((*filters.genres, genre))))
        case "isrc" if _CODE.fullmatch(value):
            return replace(filters, isrc=value.replace("-", "").upper())
        case "upc" if _CODE.fullmatch(value):
            return replace(filters, upc=value.replace("-", ""))
        case "tag" if value.lower() == "new":
            return replace(filters, new=True)
        case "tag" if value.lower() == "hipster":
            return replace(filters, hipster=True)
    return None


def _asks(branch: Iterable[Clause]) -> bool:
    return any(not clause.negated for clause in branch)


def _bounded(branches: Iterable[Iterable[Clause]]) -> tuple[tuple[Clause, ...], ...]:
    """The branches that have clauses, as far as their words count."""
    left = {False: MAX_WORDS, True: MAX_WORDS}
    kept: list[tuple[Clause, ...]] = []
    for branch in branches:
        clauses = []
        for clause in branch:
            some = clause.words[: left[clause.negated]]
            left[clause.negated] -= len(some)
            if some and (len(some) == len(clause.words) or not clause.negated):
                clauses.append(replace(clause, words=some))
        if clauses:
            kept.append(tuple(clauses))
    return tuple(kept)


def _is_unfinished(text: str, item: _Item, clause: Clause) -> bool:
    """Whether `clause`, made of the last `item`, may be the beginning of a word."""
    return (
        item.is_bare
        and unicodedata.category(text[-1])[0] in "LMN"  # letter, vowel sign, digit
        and clause.scope == "any"
        and not clause.negated
        and words(item.text)[-1:] == list(clause.words)
    )
