"""Withdrawing: taking something out of the catalogue in some markets, or everywhere."""
