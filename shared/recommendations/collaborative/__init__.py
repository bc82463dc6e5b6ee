"""What people who like the same things like: factors and neighbours from implicit feedback."""
