"""Playback: what a listener may hear, and the short-lived addresses and keys to hear it."""
