"""How a card answers a query, word by word. Pure.

Each slot of the query is looked for in the name, the artists and the rest of a card: whole before
begun, as typed before in another form. Out of that come how the name answers (`Match`) and how
much of the text does.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum

from shared.search.models import Card, Slot

K1 = 1.2
NAME_WEIGHT, MAKER_WEIGHT, OTHER_WEIGHT = 3.0, 2.0, 0.5
EDIT_WORTH = 0.7  # of a word's weight, what is left of it after each edit
PREFIX_WORTH = 0.9  # what is left of it where only its beginning was typed
BEGUN_WORTH = 0.98  # the same where nothing else was typed yet


class Match(IntEnum):
    """How a name answers a query; higher is better."""

    PARTIAL = 0  # a word is missing
    CORRECTED = 1  # all words are there, some in another spelling
    CONTEXT = 2  # as typed, but in the album, an alias or a description
    WORDS = 3  # as typed, in the name and the artists'
    CORRECTED_NAME = 4  # the name, but for the spelling
    BEGINNING = 5  # the name begins so, or an artist is called so
    ALL_WORDS = 6  # all words of the name in another order, alone or with artists
    NAME = 7  # the name, alone or with artists


@dataclass(frozen=True, slots=True)
class Asked:
    """The query as ranking compares it: the slots of every pass so far, what may stand in their
    place (branches of the plan), and the squashed names as typed and as corrected."""

    slots: tuple[Slot, ...]
    exact: frozenset[str]
    corrected: frozenset[str] = frozenset()
    others: tuple[tuple[Slot, ...], ...] = ()
    words: tuple[str, ...] = field(init=False)  # as typed

    def __post_init__(self) -> None:
        words = (word for slot in self.slots for word in (slot.forms[0].text, *slot.phrase))
        object.__setattr__(self, "words", tuple(words))


@dataclass(frozen=True, slots=True)
class Reading:
    """How a card answers a query: `coverage` is the part of the query's words that were found,
    `name_share` the part of the name's words that were asked for, `edits` what it cost."""

    match: Match
    text: float
    coverage: float
    name_share: float
    edits: float


_WHOLE = NAME_WEIGHT + MAKER_WEIGHT + OTHER_WEIGHT


def read(card: Card, asked: Asked) -> Reading:
    """Compares the words of a query with those of a card, in the way in which they answer best."""
    if not asked.slots:
        return Reading(Match.WORDS, 0.0, 0.0, 0.0, 0.0)
    best = _read_slots(card, asked, asked.slots)
    for slots in asked.others:
        if best.match == Match.NAME:
            break
        best = max(best, _read_slots(card, asked, slots), key=_goodness)
    return best


def _goodness(reading: Reading) -> tuple[int, float, float, float]:
    return reading.match, reading.coverage, -reading.edits, reading.text


def _read_slots(card: Card, asked: Asked, slots: tuple[Slot, ...]) -> Reading:
    named: set[str] = set()
    made: set[str] = set()
    weight = edits = 0.0
    found = elsewhere = alone = 0
    opened = False
    begun = len(slots) == 1 and bool(slots[0].prefix)
    unmade = ""  # the words that are not of the artists, squashed
    for slot in slots:
        hit = _hit(slot, card)
        if hit is None:
            unmade += slot.forms[0].text
            continue
        found += 1
        edits += hit.cost
        opened = opened or hit.is_prefix
        worth = EDIT_WORTH**hit.cost
        if hit.is_prefix:
            worth *= BEGUN_WORTH if begun else PREFIX_WORTH
        weight += worth * hit.weight * (K1 + 1) / (hit.weight + K1)
        if hit.name:
            named.add(hit.name)
        if hit.maker:
            made.add(hit.maker)
        elsewhere += not (hit.name or hit.maker)
        unmade += "" if hit.maker else hit.text
        alone += bool(hit.name and not hit.maker)
    count = len(slots)
    coverage = found / count
    most = _WHOLE * (K1 + 1) / (_WHOLE + K1)
    words = set(card.core_words) or set(card.name_words)
    name_share = len(named & words) / len(words) if words else 0.0
    # BM25's b: a word weighs more in a short name; while the first one is being typed, it is not
    # known how much of the name will follow.
    length = 1.0 if begun else 0.75 + 0.25 * name_share
    # "Waka Waka" is not all of "Waka", and a name without words is not all there.
    whole = bool(words) and named >= words and alone <= len(card.core_words)
    spelt = unmade in card.exact
    match = _match(card, asked, coverage, edits, elsewhere, whole, spelt, made, opened, count)
    return Reading(match, length * weight / (count * most), coverage, name_share, edits)


def _match(
    card: Card,
    asked: Asked,
    coverage: float,
    edits: float,
    elsewhere: int,
    whole_name: bool,
    spelt_out: bool,
    made: set[str],
    opened: bool,
    count: int,
) -> Match:
    if asked.exact.intersection(card.exact):
        return Match.NAME
    if spelt_out and coverage == 1 and not opened:
        return Match.NAME if edits < 0.5 else Match.CORRECTED_NAME
    if coverage < 1:
        corrected = asked.corrected.intersection(card.exact)
        return Match.CORRECTED_NAME if corrected else Match.PARTIAL
    # Synonyms and other forms cost less than half an edit, and are no mistake.
    as_typed = edits < 0.5
    if whole_name and not elsewhere:
        if as_typed:
            return Match.BEGINNING if opened else Match.ALL_WORDS
        return Match.CORRECTED_NAME
    if not as_typed:
        corrected = asked.corrected.intersection(card.exact)
        return Match.CORRECTED_NAME if corrected else Match.CORRECTED
    if _begins(card.name_words, asked.words):
        return Match.BEGINNING
    # Of a playlist that is its owner, whom anybody may call as they like.
    by_artist = card.type in ("track", "album")
    if by_artist and len(made) == count and made >= set(card.maker_words[: len(made)]):
        return Match.BEGINNING
    return Match.CONTEXT if elsewhere else Match.WORDS


def _begins(name: tuple[str, ...], words: tuple[str, ...]) -> bool:
    last = len(words) - 1
    return len(name) > last and name[:last] == words[:last] and name[last].startswith(words[last])


@dataclass(frozen=True, slots=True)
class _Hit:
    text: str  # the form of the word that was found
    weight: float  # of the fields in which it stands
    cost: float
    is_prefix: bool
    name: str  # the word of the name that it is; empty: none
    maker: str  # and of the artists


def _hit(slot: Slot, card: Card) -> _Hit | None:
    """The cheapest form of a word that the card has; whole words before beginnings."""
    best: _Hit | None = None
    for form in slot.forms:
        if best is not None and form.cost >= best.cost:
            continue
        in_name = form.text in card.name_words
        in_maker = form.text in card.maker_words
        in_other = form.text in card.other_words
        if in_name or in_maker or in_other:
            weight = NAME_WEIGHT * in_name + MAKER_WEIGHT * in_maker + OTHER_WEIGHT * in_other
            name, maker = form.text * in_name, form.text * in_maker
            best = _Hit(form.text, weight, form.cost, False, name, maker)
    if slot.prefix and (best is None or best.cost > 0):
        name = next((one for one in card.name_words if one.startswith(slot.prefix)), "")
        maker = next((one for one in card.maker_words if one.startswith(slot.prefix)), "")
        if name or maker:
            weight = NAME_WEIGHT * bool(name) + MAKER_WEIGHT * bool(maker)
            best = _Hit(slot.prefix, weight, 0.0, True, name, maker)
        elif any(one.startswith(slot.prefix) for one in card.other_words) and best is None:
            best = _Hit(slot.prefix, OTHER_WEIGHT, 0.0, True, "", "")
    if best is None:
        best = _by_stem_or_sound(slot, card)
    return best


def _by_stem_or_sound(slot: Slot, card: Card) -> _Hit | None:
    """A word of the card with the stem that is asked for, or that sounds the same."""
    from shared.search import text
    from shared.search.planning import SYNONYM_COST, sound_cost

    for part, weight in (("name", NAME_WEIGHT), ("maker", MAKER_WEIGHT)):
        for word in card.name_words if part == "name" else card.maker_words:
            if any(text.stem(word, locale) == stem for locale, stem in slot.stems):
                cost = SYNONYM_COST
            elif slot.sound and text.phonetic(word) == slot.sound:
                cost = sound_cost(slot.forms[0].text, word)
            else:
                continue
            named, made = (word, "") if part == "name" else ("", word)
            return _Hit(word, weight, cost, False, named, made)
    return None
