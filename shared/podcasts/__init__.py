"""Podcasts: shows, episodes, and how far each person has heard them."""
