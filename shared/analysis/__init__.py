"""Analysis: what tracks sound like, in numbers."""
