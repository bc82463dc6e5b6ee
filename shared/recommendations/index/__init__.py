"""The bundle that serves: vectors, neighbours and facts of every track, memory-mapped."""
