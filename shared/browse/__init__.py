"""Browse: categories, featured playlists and new releases (F137, F138)."""
