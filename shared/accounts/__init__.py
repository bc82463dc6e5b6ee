"""People, apps, and the tokens that say who is calling."""
