"""Signals and counts of tracks in Bigtable (`online_features`), and features in the lake."""
