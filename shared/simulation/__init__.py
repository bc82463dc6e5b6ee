"""Listeners with hidden tastes, who use the public API."""
