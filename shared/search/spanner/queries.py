"""A plan in Spanner's SQL. Pure.

Every value travels as a parameter, so nothing that is typed is ever read as SQL; what stands in a
query of `SEARCH` consists of tokens, so nothing is read as an operator either. The same shape of a
plan gives the same text, whose compiled form Spanner keeps.
https://cloud.google.com/spanner/docs/full-text-search/query-overview
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date

from shared.search.models import EVERYWHERE, Filters, ItemType, Plan, Scope, Slot
from shared.search.planning import HIPSTER_POPULARITY, NEW_DAYS
from shared.search.spanner import schema, tokens
from shared.search.spanner.schema import Value

MAX_PREFIX_CHARS = 20  # F169
PADDED_LOST_BY_EDIT = 3  # bigrams of a word, at most: two letters that change places touch three
_COLUMNS: dict[Scope, str] = {
    "any": "Every_Tokens",
    "name": "Name_Tokens",
    "artist": "Artists_Tokens",
    "album": "Album_Tokens",
}
_SPANNED: dict[Scope, tuple[str, ...]] = {
    **{scope: (column,) for scope, column in _COLUMNS.items()},
    # The words of `Every` stand there once each, so no phrase can be told from them.
    "any": ("Name_Tokens", "Artists_Tokens", "Album_Tokens"),
}


@dataclass(frozen=True, slots=True)
class Statement:
    """A query; `params` are STRING, INT64 (whole numbers) or ARRAY<STRING>, by their values."""

    sql: str
    params: dict[str, Value | int] = field(default_factory=dict)


class Queries:
    """The questions that `plan` puts to the documents of type `kind`.

    Each answers rows of `Card` and a score, the best first; ties in the order of the ids.
    """

    def __init__(self, kind: ItemType, plan: Plan, today: date) -> None:
        self._kind, self._plan, self._today = kind, plan, today

    def exact(self, limit: int) -> Statement | None:
        """Documents whose whole name is one of `plan.exact`, the most popular first."""
        if not self._plan.exact:
            return None
        made = self._filtered()
        made.require(f"ARRAY_INCLUDES_ANY(Exact, {made.param(list(self._plan.exact))})")
        return self._statement(made, limit)

    def dense(self, limit: int) -> Statement | None:
        """Documents with all words in their names, by Spanner's score for each word of the name;
        None for a plan without such words, or that looks elsewhere for them."""
        if len(self._plan.branches) != 1 or self._plan.missing:
            return None
        slots = self._plan.branches[0]
        if not slots or any(slot.scope not in ("any", "name") or slot.phrase for slot in slots):
            return None
        made = self._filtered()
        queries = [tokens.any_of(form.text for form in slot.forms) for slot in slots]
        for one in queries:
            made.require(f"SEARCH(Name_Tokens, {made.param(one)})")
        scored = " + ".join(f"SCORE(Name_Tokens, {made.param(one)})" for one in queries)
        return self._statement(made, limit, f"({scored}) / (1 + NameWords)")

    def matching(self, limit: int) -> Statement:
        """All documents that `plan` asks for, the most popular first."""
        return self._statement(self._matching(), limit)

    def count(self, limit: int) -> Statement:
        """How many those are; it stops at `limit`."""
        made = self._matching()
        inner = f"SELECT 1 FROM {schema.DOCUMENTS} WHERE {made.all} LIMIT {made.param(limit)}"
        return Statement(f"SELECT COUNT(*) FROM ({inner})", made.params)

    def visible(self, ids: Sequence[str]) -> Statement:
        """Which of `ids` may be shown to whom `plan` is for."""
        made = self._visible()
        made.require(f"Id IN UNNEST({made.param(list(ids))})")
        return Statement(f"SELECT Id FROM {schema.DOCUMENTS} WHERE {made.all}", made.params)

    def _statement(self, made: _Conditions, limit: int, score: str = "0.0") -> Statement:
        order = "Popularity DESC, Id" if score == "0.0" else "Score DESC, Popularity DESC, Id"
        return Statement(
            f"SELECT Card, {score} AS Score FROM {schema.DOCUMENTS} WHERE {made.all} "
            f"ORDER BY {order} LIMIT {made.param(limit)}",
            made.params,
        )

    def _matching(self) -> _Conditions:
        made = self._filtered()
        branches = [self._branch(made, slots) for slots in self._plan.branches if slots]
        if branches:
            made.require(_any(branches))
        return made

    def _branch(self, made: _Conditions, slots: Sequence[Slot]) -> str:
        filled = [_slot(made, slot) for slot in slots]
        return _all_but(min(self._plan.missing, len(filled) - 1), filled)

    def _filtered(self) -> _Conditions:
        """What must hold whatever the words."""
        made = self._visible()
        for slot in self._plan.excluded:
            made.require(f"NOT {_slot(made, slot)}")
        for condition in _of_item(made, self._plan.filters, self._today):
            made.require(condition)
        return made

    def _visible(self) -> _Conditions:
        """That it may be shown (F187). The type stands first: it is the index's partition."""
        made = _Conditions()
        made.require(f"Type = {made.param(self._kind)}")
        if not self._plan.allow_explicit:
            made.require("Explicit = FALSE")
        market = self._plan.market
        places = [EVERYWHERE, *([market] if market else [])]
        made.require(f"NOT ARRAY_INCLUDES_ANY(BlockedIn, {made.param(places)})")
        if market:
            made.require(f"ARRAY_INCLUDES_ANY(Territories, {made.param(places)})")
        return made


def similar_words(word: str, edits: int, limit: int) -> Statement:
    """Words of which at most `edits` may make `word`, the likest first.

    A word of the vocabulary that is so near shares all bigrams but three for each edit; of words so
    short that none need be left, those with one in common are looked at.
    """
    padded = schema.padded(word)
    bigrams = {padded[at : at + 2] for at in range(len(padded) - 1)}
    made = _Conditions()
    like = made.param(padded)
    shared = made.param(max(1, len(bigrams) - PADDED_LOST_BY_EDIT * edits))
    return Statement(
        f"SELECT Word, Popularity FROM {schema.WORDS} "
        f"WHERE SEARCH_NGRAMS(Padded_Tokens, {like}, min_ngrams => {shared}) "
        f"ORDER BY SCORE_NGRAMS(Padded_Tokens, {like}) DESC, Popularity DESC, Word "
        f"LIMIT {made.param(limit)}",
        made.params,
    )


def words_that_sound(sound: str, limit: int) -> Statement:
    """Words that sound so, the best known first."""
    made = _Conditions()
    return Statement(
        f"SELECT Word, Popularity FROM {schema.WORDS} WHERE Sound = {made.param(sound)} "
        f"ORDER BY Popularity DESC, Word LIMIT {made.param(limit)}",
        made.params,
    )


def word(text: str) -> Statement:
    """One word, if the vocabulary has it."""
    return Statement(f"SELECT Word, Popularity FROM {schema.WORDS} WHERE Word = @p0", {"p0": text})


class _Conditions:
    """Conditions that must all hold, and the parameters in them."""

    def __init__(self) -> None:
        self.params: dict[str, Value | int] = {}
        self._required: list[str] = []

    @property
    def all(self) -> str:
        return " AND ".join(self._required)

    def require(self, condition: str) -> None:
        self._required.append(condition)

    def param(self, value: Value | int) -> str:
        """How the statement names `value`; an equal one has one name."""
        for name, known in self.params.items():
            if known == value and type(known) is type(value):
                return f"@{name}"
        name = f"p{len(self.params)}"
        self.params[name] = value
        return f"@{name}"


def _slot(made: _Conditions, slot: Slot) -> str:
    if slot.phrase:
        sought = made.param(tokens.phrase([slot.forms[0].text, *slot.phrase]))
        return _any([f"SEARCH({column}, {sought})" for column in _SPANNED[slot.scope]])
    forms = made.param(tokens.any_of(form.text for form in slot.forms))
    filling = [f"SEARCH({_COLUMNS[slot.scope]}, {forms})"]
    if slot.prefix:
        beginning = made.param(tokens.token(slot.prefix[:MAX_PREFIX_CHARS]))
        filling.append(
            f"SEARCH_SUBSTRING(Beginnings_Tokens, {beginning}, "
            "relative_search_type => 'word_prefix')"
        )
    if slot.stems:
        stems = [schema.stem(locale, stem) for locale, stem in slot.stems]
        filling.append(f"ARRAY_INCLUDES_ANY(Stems, {made.param(stems)})")
    if slot.sound:
        filling.append(f"ARRAY_INCLUDES_ANY(Sounds, {made.param([slot.sound])})")
    return _any(filling)


def _of_item(made: _Conditions, filters: Filters, today: date) -> Iterable[str]:
    if filters.years:
        first, last = (min(max(year, date.min.year), date.max.year) for year in filters.years)
        yield _released(made, date(first, 1, 1), date(last, 12, 31))
    if filters.new:
        yield _released(made, date.fromordinal(today.toordinal() - NEW_DAYS), today)
    if filters.hipster:
        yield f"Popularity <= {made.param(HIPSTER_POPULARITY)}"
    for name, value in (("isrc", filters.isrc), ("upc", filters.upc)):
        if value:
            yield f"ARRAY_INCLUDES_ANY(Codes, {made.param([schema.code(name, value)])})"
    for genre in filters.genres:
        yield f"ARRAY_INCLUDES_ANY(Genres, {made.param([genre])})"


def _released(made: _Conditions, first: date, last: date) -> str:
    bounds = made.param(first.toordinal()), made.param(last.toordinal())
    return f"ReleaseDay BETWEEN {bounds[0]} AND {bounds[1]}"


def _any(conditions: Sequence[str]) -> str:
    return conditions[0] if len(conditions) == 1 else f"({' OR '.join(conditions)})"


def _all_but(missing: int, conditions: Sequence[str]) -> str:
    """That all of `conditions` hold but at most `missing`, fewer than there are.

    By halves: what one half lacks the other has. That takes n log n conditions where one of n is
    missing; to leave out each in turn would take n².
    """
    if missing == 0:
        return conditions[0] if len(conditions) == 1 else f"({' AND '.join(conditions)})"
    if missing >= len(conditions):
        return "TRUE"
    middle = len(conditions) // 2
    left, right = conditions[:middle], conditions[middle:]
    return _any(
        [
            _joined(_all_but(min(lost, len(left)), left), _all_but(missing - lost, right))
            for lost in range(missing + 1)
        ]
    )


def _joined(left: str, right: str) -> str:
    both = [one for one in (left, right) if one != "TRUE"]
    return f"({' AND '.join(both)})" if len(both) > 1 else both[0] if both else "TRUE"
