"""Players and devices in Firestore.

A person has three documents, each under their id: `player_states` (what plays, the queue),
`player_contexts` (the items of the context, which change far more seldom and are by far the
larger part) and `devices`.
"""
