"""Delivery: which CDN serves a listener, and the token that lets them in."""
