"""What an edit of a playlist tells of the editor's taste (F207)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from shared.platform.auth import Principal
from shared.platform.ids import content_id
from shared.playlists.models import Item
from shared.playlists.replica import Edited
from shared.signals.models import Signal, SignalKind
from shared.signals.subjects import subject


def signals_of(caller: Principal, edited: Edited, now: datetime) -> list[Signal]:
    """A signal for each thing that the caller added or removed, of which the playlist is the
    context. What the same edit brought and took away (a replacement) stayed, and so did what is in
    it a second time."""
    playlist_id = edited.playlist.id

    def made(kind: SignalKind, items: Sequence[Item], stayed: set[str]) -> Iterator[Signal]:
        for item in items:
            if item.uri not in stayed:
                yield Signal(
                    event_id=content_id(kind, playlist_id, item.id),  # each comes and goes once
                    user_id=caller.require_user(),
                    kind=kind,
                    ts=now,
                    context_uri=f"spotify:playlist:{playlist_id}",
                    suspected=caller.suspected or None,
                    **subject(item.uri),
                )

    stayed = {item.uri for item in edited.added} & {item.uri for item in edited.removed}
    return [
        *made("playlist_add", edited.added, stayed),
        *made("playlist_remove", edited.removed, stayed | edited.left),
    ]
