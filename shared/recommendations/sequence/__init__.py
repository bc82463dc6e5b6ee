"""What comes next in a session (F210): successors counted by distance, served from memory maps.

README.md has the model, the table of what it was measured against, and why there is no network.
"""
