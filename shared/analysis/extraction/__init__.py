"""Extraction: a track's audio features out of its samples. Pure."""
