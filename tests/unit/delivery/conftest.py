"""Property tests here judge what is computed and not how fast: an RSA key may be made inside an
example, and the machine is shared."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")
