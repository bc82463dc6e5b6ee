"""Loading a catalogue: what a JSON Lines file says, checked whole, then written by the features."""
