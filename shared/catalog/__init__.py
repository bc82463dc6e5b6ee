"""Catalog: tracks, albums and artists, and how the Web API shows them."""
