"""Benchmarks: each measures a ratio against a peer, or a figure beside its target, in one run."""
