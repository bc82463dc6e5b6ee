"""The API's message classes. Import this only in the server's process: it stands in for the
client package, which would cost half a second."""

from __future__ import annotations

from typing import TYPE_CHECKING

from emulators.wire import message_types

if TYPE_CHECKING:
    from google.cloud.video.transcoder_v1.types import resources, services
else:
    resources, services = message_types(
        "google.cloud.video.transcoder_v1", "types.resources", "types.services"
    )

__all__ = ["resources", "services"]
