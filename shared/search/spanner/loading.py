"""The catalogue into the database: all of it, or what has changed of it.

Every row says as of when it is, and nothing is written over what is newer: of a load and of the
changes that go on meanwhile, in whatever order and however often they arrive, the newest stays.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import TypeVar, cast

from shared.search.models import Change, ItemType, SearchDocument
from shared.search.spanner import schema, store
from shared.search.spanner.queries import Statement
from shared.search.spanner.schema import DOCUMENTS, KEY, WITHDRAWALS, WORDS, Entry, Key
from shared.search.spanner.store import Transaction, Writer

T = TypeVar("T")

# A commit takes 80,000 mutations, columns and index entries together, of which a document has about
# 60 and a word ten. https://cloud.google.com/spanner/quotas#limits-for
DOCUMENTS_AT_ONCE = 200
WORDS_AT_ONCE = 2_000
UNDER_WAY = 4  # transactions of a load
# What is read right behind the start of a load may be as old as this.
MARGIN = timedelta(seconds=60)


class ShrunkCatalogue(Exception):
    """A load has fewer than half of the documents that there were; none was deleted."""


async def load(documents: Iterable[SearchDocument], version: str, *, force: bool = False) -> int:
    """Makes the database hold `documents` and no others, but for what has changed since `version`
    (`YYYYMMDDTHHMMSSZ-…`: when reading them began); returns how many it holds then.

    They may come in any order and repeated: the last one with a key counts. A load that failed
    half-way is simply run again. Raises ValueError for another form of `version`, and
    ShrunkCatalogue unless `force`.
    """
    as_of = datetime.strptime(version[:16], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC) - MARGIN
    words: dict[str, int] = {}
    async with AsyncExitStack() as stack:
        writers = [await stack.enter_async_context(store.writing()) for _ in range(UNDER_WAY)]
        for wave in _waves(documents, as_of):
            for entry in wave:
                _learn(words, entry)
            parts = [wave[number::UNDER_WAY] for number in range(UNDER_WAY)]
            async with asyncio.TaskGroup() as group:
                for writer, part in zip(writers, parts, strict=True):
                    if part:
                        group.create_task(_store(writer, part, {}))
        for some in _parts(words.items(), WORDS_AT_ONCE):
            await _store_words(writers[0], dict(some), as_of)
        old, new = await _count("<", as_of), await _count(">=", as_of)
        if new < old and not force:
            raise ShrunkCatalogue(
                f"the load has {new:,} documents, and {old:,} others would be deleted: load again "
                "with all of them, or with force if they are to go"
            )
        await writers[0].delete_older(DOCUMENTS, as_of)
        await writers[0].delete_older(WORDS, as_of)
    return new


async def apply(changes: Sequence[Change]) -> None:
    """Writes what became of documents. Changes may come late, repeated and in any order."""
    newest: dict[str, Change] = {}
    for change in sorted(changes, key=lambda one: one.changed_at):
        newest[change.key] = change
    if not newest:
        return
    async with store.writing() as writer:
        for some in _parts(newest.values(), DOCUMENTS_AT_ONCE):
            entries = [schema.entry(one.document, one.changed_at) for one in some if one.document]
            gone = {_key(one.key): one.changed_at for one in some if one.document is None}
            await _store(writer, entries, gone)
            words: dict[str, int] = {}
            for entry in entries:
                _learn(words, entry)
            if words:
                await _store_words(writer, words, max(one.changed_at for one in some))


def _parts(items: Iterable[T], size: int) -> Iterator[list[T]]:
    drawn = iter(items)
    while part := list(islice(drawn, size)):
        yield part


def _waves(documents: Iterable[SearchDocument], as_of: datetime) -> Iterator[list[Entry]]:
    """What is written at the same time: no key twice, so that the last one with it counts."""
    wave: dict[Key, Entry] = {}
    for document in documents:
        if len(wave) == DOCUMENTS_AT_ONCE * UNDER_WAY:
            yield list(wave.values())
            wave = {}
        entry = schema.entry(document, as_of)
        wave[entry.key] = entry
    if wave:
        yield list(wave.values())


def _learn(words: dict[str, int], entry: Entry) -> None:
    for word in entry.words:
        words[word] = max(words.get(word, 0), entry.popularity)


async def _store(writer: Writer, entries: Sequence[Entry], gone: Mapping[Key, datetime]) -> None:
    """Writes and deletes documents, but for those of which something newer is known."""
    keys = [*(entry.key for entry in entries), *gone]

    async def work(transaction: Transaction) -> None:
        known: dict[Key, datetime] = {}
        for table in (DOCUMENTS, WITHDRAWALS):
            for kind, item_id, changed_at in await transaction.read(
                table, (*KEY, "ChangedAt"), keys
            ):
                key, moment = cast("Key", (kind, item_id)), schema.moment(changed_at)
                known[key] = max(moment, known.get(key, moment))

        def is_new(key: Key, changed_at: datetime) -> bool:
            return key not in known or changed_at >= known[key]

        there = [one for one in entries if is_new(one.key, one.changed_at)]
        away = {key: at for key, at in gone.items() if is_new(key, at)}
        transaction.write([one.row for one in there])
        transaction.delete(WITHDRAWALS, [one.key for one in there if one.key in known])
        transaction.write([schema.withdrawal_row(key, at) for key, at in away.items()])
        transaction.delete(DOCUMENTS, list(away))

    await writer.transact(work)


async def _store_words(writer: Writer, words: Mapping[str, int], as_of: datetime) -> None:
    """Adds words to the vocabulary. Of one that is newer there the popularity only grows."""

    async def work(transaction: Transaction) -> None:
        columns = ("Word", "Popularity", "ChangedAt")
        known = {
            word: (int(cast("str", popularity)), schema.moment(changed_at))
            for word, popularity, changed_at in await transaction.read(
                WORDS, columns, [(word,) for word in words]
            )
        }
        rows = []
        for word, popularity in words.items():
            most, newest = known.get(word, (0, as_of))
            if newest < as_of:
                rows.append(schema.word_row(word, popularity, as_of))
            elif word not in known or popularity > most:
                rows.append(schema.word_row(word, max(popularity, most), newest))
        transaction.write(rows)

    await writer.transact(work)


async def _count(compared: str, as_of: datetime) -> int:
    sql = f"SELECT COUNT(*) FROM {DOCUMENTS} WHERE ChangedAt {compared} TIMESTAMP(@p0)"
    ((count,),) = await store.rows(Statement(sql, {"p0": schema.timestamp(as_of)}))
    return int(cast("str", count))


def _key(key: str) -> Key:
    kind, _, item_id = key.partition(":")
    return cast("ItemType", kind), item_id
