"""Search: one door in front of whatever engine finds things; today a prefix index."""
