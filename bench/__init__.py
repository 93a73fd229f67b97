"""Benchmarks against the best peers: ``python -m bench`` lists them."""
