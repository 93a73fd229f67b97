"""Benchmarks beside the best peers: ``python -m bench`` lists them."""
