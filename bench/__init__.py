"""Benchmarks: `./run bench NAME`. Each prints its figures beside the peer's, from one run."""
