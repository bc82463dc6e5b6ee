"""Connect (F034-F036, F070, F071): what a person's devices play, and the commands between them."""
