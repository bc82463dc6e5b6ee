"""What jobs build and functions serve from: immutable versions, a pointer, and the swap."""
