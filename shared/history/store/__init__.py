"""The listening history and the play counts in Bigtable."""
