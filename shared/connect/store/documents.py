"""Players and devices as Firestore documents, and back."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any

from shared.connect.models import Device, Devices, Item, Player, QueueEntry, Shuffle

NO_ITEMS = ""  # the key of an empty context


def context_document(items: tuple[Item, ...]) -> dict[str, Any]:
    """The items in one field: as a list, each would be an index entry of its own. `key` is the
    same for the same items."""
    lines = _lines(items)
    key = hashlib.sha256(lines).hexdigest()[:32] if items else NO_ITEMS
    return {"key": key, "items": lines}


def items_of(document: dict[str, Any]) -> tuple[Item, ...]:
    """The items of a context's document."""
    return _items_of(document["items"])


def player_document(player: Player, context_key: str) -> dict[str, Any]:
    """The document of a player whose items are kept as the context `context_key`."""
    return {
        "version": player.version,
        "context_uri": player.context_uri,
        "context_key": context_key,
        "index": player.index,
        "current": player.current and _item_document(player.current),
        "from_queue": player.from_queue,
        "queue": [{"id": entry.id, **_item_document(entry.item)} for entry in player.queue],
        "recent_entries": list(player.recent_entries),
        "repeat": player.repeat,
        "shuffle": player.shuffle and {"seed": player.shuffle.seed, "first": player.shuffle.first},
        "is_playing": player.is_playing,
        "position_ms": player.position_ms,
        "at_ms": player.at_ms,
        "changed_at_ms": player.changed_at_ms,
        "device_id": player.device_id,
        "autoplay": _lines(player.autoplay),
    }


def player_of(document: dict[str, Any], items: tuple[Item, ...]) -> Player:
    """The player of a document, with the items of its context."""
    shuffle = document["shuffle"]
    return Player(
        version=document["version"],
        context_uri=document["context_uri"],
        items=items,
        index=document["index"],
        current=document["current"] and _item(document["current"]),
        from_queue=document["from_queue"],
        queue=tuple(QueueEntry(entry["id"], _item(entry)) for entry in document["queue"]),
        recent_entries=tuple(document["recent_entries"]),
        repeat=document["repeat"],
        shuffle=shuffle and Shuffle(shuffle["seed"], shuffle["first"]),
        is_playing=document["is_playing"],
        position_ms=document["position_ms"],
        at_ms=document["at_ms"],
        changed_at_ms=document["changed_at_ms"],
        device_id=document["device_id"],
        autoplay=_items_of(document.get("autoplay", b"")),  # older ones have none
    )


def devices_document(devices: Devices) -> dict[str, Any]:
    """The document of a person's devices; it expires with the last lease, and a day."""
    last_ms = max((one.expires_at_ms for one in devices.by_id.values()), default=0)
    return {
        "devices": [
            {
                "id": one.id,
                "name": one.name,
                "type": one.type,
                "volume_percent": one.volume_percent,
                "supports_volume": one.supports_volume,
                "is_private_session": one.is_private_session,
                "is_restricted": one.is_restricted,
                "expires_at_ms": one.expires_at_ms,
            }
            for one in devices.by_id.values()
        ],
        "expires_at": datetime.fromtimestamp(last_ms / 1000, UTC) + timedelta(days=1),
    }


def devices_of(document: dict[str, Any] | None) -> Devices:
    """The devices of a document; none where there is no document."""
    found = [Device(**fields) for fields in (document or {}).get("devices", ())]
    return Devices({one.id: one for one in found})


def _lines(items: tuple[Item, ...]) -> bytes:
    return "\n".join(f"{item.uri} {item.duration_ms}" for item in items).encode()


def _items_of(lines: bytes) -> tuple[Item, ...]:
    pairs = (line.split(" ") for line in lines.decode().splitlines())
    return tuple(Item(uri, int(duration_ms)) for uri, duration_ms in pairs)


def _item_document(item: Item) -> dict[str, Any]:
    return {"uri": item.uri, "duration_ms": item.duration_ms}


def _item(fields: dict[str, Any]) -> Item:
    return Item(fields["uri"], fields["duration_ms"])
