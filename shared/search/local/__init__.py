"""The engine in this process: immutable tantivy indexes, memory-mapped, under a live segment."""
