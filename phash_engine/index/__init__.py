"""Exact search over 64-bit codes by Hamming distance."""
