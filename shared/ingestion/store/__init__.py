"""The only part of the feature that touches Google clients; dicts and protobufs stop here."""
