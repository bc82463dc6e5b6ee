"""What comes next in a session."""
