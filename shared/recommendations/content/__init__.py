"""What tracks sound like and are called: vectors for those that nobody has played yet."""
