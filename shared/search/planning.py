"""What to ask an engine for a query, pass by pass. Pure.

1. `typed`: every word as typed, or a synonym, or another form by the asker's language; the last
   one may be a beginning. Also the whole query without signs and in Latin letters (Ke$ha, шакира),
   and without what only joins artists (x, feat.).
2. `corrected`: every word also as one like it that the catalogue has (typo tolerance by length),
   written apart or together, or one that sounds the same.
3. `loose`: as the second with more edits, and one word may be missing.

A pass is made only where those before it found too little (`pipeline`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise

from shared.search import aliases, text
from shared.search.models import Clause, Filters, ParsedQuery, Plan, SearchRequest, Slot, Word

NEW_DAYS = 14  # `tag:new`, as the Web API documents it
HIPSTER_POPULARITY = 10  # `tag:hipster`: "the lowest 10 % popularity"; of the scale of 100
SYNONYM_COST = 0.2  # of an edit: between what was typed and the nearest typo
SOUND_COST = 1.0
FORMS_TRIED = 8  # of a word, the likeliest ones
MIN_SOUND_CHARS = 4  # shorter words sound like too many others
MAX_DOUBTED = 8  # words of a query; each may cost milliseconds, and nobody's song is so misspelt
MAX_RESPELT = 16  # words of a query in other letters
BESIDE_SPACE = frozenset("cvbnm")  # the keys above the space bar
MIN_SPLIT_CHARS = 2  # of each part of a word that was written together

MIN_JOINED_CHARS = 6  # of words written apart by mistake, whose spelling is doubted as well
# What stands between artists and is in no name, as a rule.
JOINING = frozenset({"x", "ft", "feat", "featuring"})

Similar = Mapping[str, Sequence[tuple[Word, int]]]  # by word: as `Engine.similar_words`


def edits_allowed(word: str, *, loose: bool = False) -> int:
    """How many typos a word of that length may hide: none in three letters, one in seven, two in
    longer ones; `loose`: one in three, two from five on. Digits are never doubted alone."""
    if word.isdigit():
        return 0
    if loose:
        return 0 if len(word) < 3 else 1 if len(word) < 5 else 2
    return 0 if len(word) < 4 else 1 if len(word) < 8 else 2


def typed(parsed: ParsedQuery, request: SearchRequest, limit: int) -> Plan:
    """The first pass."""
    branches = tuple(
        tuple(_slot(clause, request.locale) for clause in branch if not clause.negated)
        for branch in parsed.branches
    )
    # What stands in a filter is no word of a name.
    plain = parsed.text if parsed.filters == Filters() else " ".join(parsed.words)
    if parsed.is_plain:
        branches += tuple(_otherwise(branches[0], plain))
    excluded = tuple(
        Slot(forms=(Word(clause.words[0]),), scope=clause.scope, phrase=clause.words[1:])
        for branch in parsed.branches
        for clause in branch
        if clause.negated
    )
    return Plan(
        branches=branches,
        excluded=excluded,
        exact=exact_names(plain) if parsed.is_plain else (),
        filters=parsed.filters,
        market=request.market,
        allow_explicit=request.allow_explicit,
        limit=limit,
    )


def corrected(first: Plan, similar: Similar, *, loose: bool = False) -> Plan:
    """The second pass, or the third: `first` with every word as `similar` says it may be meant."""
    branches = [tuple(_widened(slot, similar) for slot in branch) for branch in first.branches]
    branch = branches[0]
    pairs = joined(first)
    for index in range(len(pairs)):  # "some body"
        near = [form for form, _ in similar.get(pairs[index], ()) if form.cost <= SOUND_COST + 0.5]
        if near:
            together = tuple(Word(one.text, one.cost + SYNONYM_COST) for one in near[:FORMS_TRIED])
            branches.append((*branch[:index], Slot(forms=together), *branch[index + 2 :]))
    for index, slot in enumerate(first.branches[0]):  # "badguy"
        for parts in splits(slot.forms[0].text):
            if all(_is_known(part, similar) for part in parts):
                missed = sum(map(len, parts)) < len(slot.forms[0].text)
                cost = 0.5 if missed else SYNONYM_COST  # a typo in all
                apart = tuple(Slot(forms=(Word(part, cost),)) for part in parts)
                branches.append((*branch[:index], *apart, *branch[index + 1 :]))
    names = [text.squash(" ".join(words)) for words in _likeliest([slot.forms for slot in branch])]
    return replace(
        first,
        branches=tuple(branches),
        exact=tuple(dict.fromkeys([*first.exact, *names])),
        missing=1 if loose and 1 < len(branch) <= MAX_DOUBTED else 0,
    )


def anywhere(plan: Plan) -> Plan:
    """`plan` for the suggest index, which knows words and no fields: each must be there, wherever
    and in whatever order."""

    def loosened(slot: Slot) -> tuple[Slot, ...]:
        words = (slot.forms[0].text, *slot.phrase)
        if len(words) > 1:
            return tuple(Slot(forms=(Word(word),)) for word in words)
        return (replace(slot, scope="any"),)

    return replace(
        plan,
        branches=tuple(
            tuple(one for slot in branch for one in loosened(slot)) for branch in plan.branches
        ),
        # Words that may stand apart must not keep out what is no such phrase.
        excluded=tuple(replace(slot, scope="any") for slot in plan.excluded if not slot.phrase),
    )


def doubted(first: Plan) -> tuple[str, ...]:
    """The words of the query whose spelling is doubted: the first `MAX_DOUBTED`."""
    return tuple(dict.fromkeys(slot.forms[0].text for slot in first.branches[0][:MAX_DOUBTED]))


def compounds(first: Plan, similar: Similar) -> tuple[str, ...]:
    """Words that `corrected` wants to know of besides those of the query: each two of them
    together, and the parts of those that the catalogue does not have."""
    unknown = [word for word in doubted(first) if not _is_known(word, similar)]
    parts = [part for word in unknown for pair in splits(word) for part in pair]
    return tuple(dict.fromkeys([*joined(first), *parts]))


def joined(first: Plan) -> tuple[str, ...]:
    """Each two neighbouring words together."""
    own = [slot.forms[0].text for slot in first.branches[0][:MAX_DOUBTED]]
    return tuple(left + right for left, right in pairwise(own))


def joined_edits(word: str) -> int:
    """How many typos may hide in two words together ("nickle back")."""
    return 1 if len(word) >= MIN_JOINED_CHARS else 0


def splits(word: str) -> list[tuple[str, str]]:
    """A word written as two, at every place; also where a key was hit in place of the space."""
    apart = [
        (word[:at], word[at:]) for at in range(MIN_SPLIT_CHARS, len(word) - MIN_SPLIT_CHARS + 1)
    ]
    missed = [(left, right[1:]) for left, right in apart if right[0] in BESIDE_SPACE]
    return apart + [pair for pair in missed if len(pair[1]) >= MIN_SPLIT_CHARS]


def sound_cost(word: str, other: str) -> float:
    """What `other` costs in place of `word`, which sounds the same: the more, the less alike they
    are written."""
    from jellyfish import damerau_levenshtein_distance

    return SOUND_COST + 0.25 * min(damerau_levenshtein_distance(word, other), 4)


def exact_names(query: str) -> tuple[str, ...]:
    """The squashed whole names that `query` may be, also in other spellings."""
    spellings = [query, aliases.core(query), *aliases.variants(query)]
    return tuple(dict.fromkeys(name for one in spellings if (name := text.squash(one))))


def _otherwise(slots: Sequence[Slot], query: str) -> list[tuple[Slot, ...]]:
    """What a plain query may say in other words."""
    typed_ = [slot.forms[0].text for slot in slots]
    found = []
    bare = tuple(slot for slot in slots if slot.forms[0].text not in JOINING)
    if 0 < len(bare) < len(slots):
        found.append(bare)
    spelt = text.words(_respelt(query))[:MAX_RESPELT]
    if spelt and spelt != typed_:
        changed = sum(word not in typed_ for word in spelt)
        cost = SYNONYM_COST / max(changed, 1)
        last = len(spelt) - 1
        found.append(
            tuple(
                Slot(
                    forms=(Word(word, 0.0 if word in typed_ else cost),),
                    prefix=word if at == last and slots[-1].prefix else "",
                )
                for at, word in enumerate(spelt)
            )
        )
    return found


def _respelt(query: str) -> str:
    """`query` in Latin letters, its signs and digits read as letters."""
    latin = text.transliterate(query)
    return (aliases.variants(latin) or [latin])[-1]


def _slot(clause: Clause, locale: str) -> Slot:
    word = clause.words[0]
    if len(clause.words) > 1:
        return Slot(forms=(Word(word),), scope=clause.scope, phrase=clause.words[1:])
    others = dict.fromkeys(aliases.synonyms(word))
    language = locale.partition("-")[0].lower()
    stems: tuple[tuple[str, str], ...] = ()
    if clause.scope == "any" and language in text.STEMMED_LOCALES:
        # The index has the stem of a word only where it is another word: "nights" is found by the
        # stem of "night", and "night" by the word that is the stem of "nights".
        stem = text.stem(word, language)
        stems = ((language, stem),)
        others[stem] = None
    others.pop(word, None)
    return Slot(
        forms=(Word(word), *(Word(one, SYNONYM_COST) for one in others)),
        prefix=word if clause.open else "",
        scope=clause.scope,
        stems=stems,
    )


def _widened(slot: Slot, similar: Similar) -> Slot:
    word = slot.forms[0].text
    known = {form.text for form in slot.forms}
    near = [form for form, _ in similar.get(word, ()) if form.text not in known]
    sound = text.phonetic(word) if len(word) >= MIN_SOUND_CHARS else ""
    return replace(slot, forms=(*slot.forms, *near[:FORMS_TRIED]), sound=sound)


def _is_known(word: str, similar: Similar) -> bool:
    return any(form.text == word for form, _ in similar.get(word, ()))


def _likeliest(forms: Sequence[Sequence[Word]]) -> list[tuple[str, ...]]:
    """The query with one word in another form, the others as typed or as first corrected."""
    first = [
        next((form.text for form in each if form.cost > SYNONYM_COST), each[0].text)
        for each in forms
    ]
    typed_ = [each[0].text for each in forms]
    found = [tuple(first)]
    for index, each in enumerate(forms):
        for form in each[1:]:
            found.append((*typed_[:index], form.text, *typed_[index + 1 :]))
            found.append((*first[:index], form.text, *first[index + 1 :]))
    return list(dict.fromkeys(found))
