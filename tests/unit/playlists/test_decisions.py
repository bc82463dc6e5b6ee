"""The small decisions: snapshot ids, rights, covers, what a request asks for, shared reads."""

from __future__ import annotations

import asyncio
import io
from base64 import b64encode

import pytest
from PIL import Image

from shared.platform.auth import Principal
from shared.platform.errors import Forbidden, InsufficientScope, InvalidInput, NotFound, TooLarge
from shared.playlists import covers, requests, rights
from shared.playlists.coalescing import Coalesced
from shared.playlists.models import Move, Removal, Replacement
from shared.playlists.snapshots import snapshot_id, version_of
from tests.unit.playlists.samples import a_playlist, uri_of


def caller(user_id: str | None, *scopes: str) -> Principal:
    return Principal(user_id, "app", frozenset(scopes), "free", "DE", 0)


def test_a_snapshot_id_names_a_version_of_one_playlist() -> None:
    playlist_id = a_playlist().id
    assert version_of(playlist_id, snapshot_id(playlist_id, 7)) == 7
    foreign = snapshot_id("x" * 22, 7)
    for text in (foreign, "", "AAAA", "ä", "x" * 200, b64encode(b"0," + playlist_id.encode())):
        with pytest.raises(InvalidInput, match="Invalid snapshot id"):
            version_of(playlist_id, text if isinstance(text, str) else text.decode())


def test_who_reads_what() -> None:
    public, private = a_playlist(), a_playlist(public=False)
    shared = a_playlist(public=False, collaborative=True)
    for playlist in (public, shared):
        rights.check_visible(playlist, caller(None))
        rights.check_visible(playlist, caller("bob"))
    rights.check_readable(public, caller(None))
    for stranger in (caller(None), caller("bob", rights.READ_PRIVATE)):
        with pytest.raises(NotFound):
            rights.check_readable(private, stranger)
    rights.check_readable(private, caller("ada", rights.READ_PRIVATE))
    rights.check_readable(shared, caller("bob", rights.READ_COLLABORATIVE))
    for playlist, reader in ((private, caller("ada")), (shared, caller("bob"))):
        with pytest.raises(InsufficientScope):
            rights.check_readable(playlist, reader)


def test_who_changes_what() -> None:
    public, private = a_playlist(), a_playlist(public=False)
    shared = a_playlist(public=False, collaborative=True)
    both = (rights.MODIFY_PUBLIC, rights.MODIFY_PRIVATE)
    for check in (rights.check_editable, rights.check_owned):
        check(public, caller("ada", rights.MODIFY_PUBLIC))
        check(private, caller("ada", rights.MODIFY_PRIVATE))
        with pytest.raises(InsufficientScope):
            check(public, caller("ada", rights.MODIFY_PRIVATE))
        with pytest.raises(Forbidden):
            check(public, caller("bob", *both))
        with pytest.raises(NotFound):
            check(private, caller("bob", *both))
    rights.check_editable(shared, caller("bob", *both))
    with pytest.raises(Forbidden):
        rights.check_owned(shared, caller("bob", *both))


def image(width: int, height: int, kind: str = "JPEG") -> bytes:
    out = io.BytesIO()
    picture = Image.new("RGB", (width, height), (200, 40, 40))
    exif = Image.Exif()
    exif[0x010E] = "taken at home"
    picture.save(out, kind, **({"exif": exif} if kind == "JPEG" else {}))
    return out.getvalue()


def test_a_cover_is_cut_square_and_keeps_nothing_but_the_picture() -> None:
    sizes = covers.scaled(image(500, 300))
    assert tuple(sizes) == covers.SIZES_PX
    for size_px, data in sizes.items():
        with Image.open(io.BytesIO(data)) as made:
            assert (made.format, made.size) == ("JPEG", (size_px, size_px))
            assert not made.getexif()
        assert b"taken at home" not in data


def test_a_cover_is_base64_of_a_jpeg() -> None:
    data = image(40, 40)
    text = b64encode(data)
    assert covers.decoded(text) == data
    assert covers.decoded(b"data:image/jpeg;base64," + text + b"\n") == data
    for body in (b"", b"***", b"AAA"):
        with pytest.raises(InvalidInput):
            covers.decoded(body)
    with pytest.raises(TooLarge):
        covers.decoded(b"A" * (covers.BODY_LIMIT_BYTES + 1))
    for broken in (b"no image", image(40, 40, "PNG"), data[:100], image(8, 40)):
        with pytest.raises(InvalidInput):
            covers.scaled(broken)


def test_what_is_added_stands_in_the_query_or_in_the_body() -> None:
    one, two = uri_of(1), uri_of(2)
    body = requests.AddedItems(uris=[two], position=4)
    assert requests.added(f"{one}, {two}", 3, body) == ([one, two], 3)
    assert requests.added(None, None, body) == ([two], 4)
    assert requests.added("", None, [one]) == ([one], None)
    by_id = requests.AddedItems(track_ids=[one.split(":")[2]])
    assert requests.added(None, 0, by_id) == ([one], 0)
    for nothing in (None, [], requests.AddedItems()):
        with pytest.raises(InvalidInput, match="uris"):
            requests.added(None, None, nothing)


def test_an_update_replaces_or_moves() -> None:
    body = requests.UpdatedItems
    assert requests.updated("", None) == Replacement(())
    assert requests.updated(None, body(uris=[uri_of(1)])) == Replacement((uri_of(1),))
    moved = requests.updated(None, body(range_start=3, insert_before=0, snapshot_id="s"))
    assert moved == Move(3, 1, 0, "s")
    for nothing in (None, body(), body(range_start=1), body(insert_before=1)):
        with pytest.raises(InvalidInput):
            requests.updated(None, nothing)


def test_a_removal_is_by_uri_or_by_position() -> None:
    item, body = requests.RemovedItem, requests.RemovedItems
    named = [item(uri=uri_of(1)), item(uri=uri_of(2), positions=[4, 5])]
    expected = Removal(frozenset([uri_of(1)]), ((uri_of(2), 4), (uri_of(2), 5)))
    assert requests.removed(body(items=named)) == requests.removed(body(tracks=named)) == expected
    assert requests.removed(body(positions=[2])) == Removal(positions=(2,))


async def test_those_who_come_while_a_read_is_under_way_share_the_next_one() -> None:
    begun: list[int] = []
    gates = [asyncio.Event() for _ in range(3)]

    async def read(_: str) -> int:
        number = len(begun)
        begun.append(number)
        await gates[number].wait()
        return number

    shared: Coalesced[str, int] = Coalesced(read)
    first = asyncio.create_task(shared.get("key"))
    await asyncio.sleep(0.01)
    late = [asyncio.create_task(shared.get("key")) for _ in range(5)]
    await asyncio.sleep(0.01)
    assert begun == [0]
    late[0].cancel()  # one who hangs up takes nobody along
    gates[0].set()
    assert await first == 0
    gates[1].set()
    assert await asyncio.gather(*late[1:]) == [1] * 4
    gates[2].set()
    assert await shared.get("key") == 2


async def test_a_read_that_fails_fails_for_those_who_waited_for_it_alone() -> None:
    outcomes: list[Exception | int] = [ValueError("no"), 1]

    async def read(_: str) -> int:
        outcome = outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    shared: Coalesced[str, int] = Coalesced(read)
    failed = await asyncio.gather(shared.get("k"), shared.get("k"), return_exceptions=True)
    assert [type(one) for one in failed] == [ValueError, ValueError]
    assert await shared.get("k") == 1
