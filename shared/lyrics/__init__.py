"""Lyrics: LRC in, lines and words with their times out (F245)."""
