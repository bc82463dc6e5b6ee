"""Feature flags and experiments: who gets what, what came of it, and when to stop."""
