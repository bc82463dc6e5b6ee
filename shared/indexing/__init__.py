"""The search index of the whole catalogue: read, built, released."""
