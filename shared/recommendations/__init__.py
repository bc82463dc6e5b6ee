"""Recommendations from seeds: content-based, by what tracks sound like."""
