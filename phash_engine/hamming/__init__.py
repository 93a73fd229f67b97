"""Kernels over arrays of codes, compiled by numba; the only modules that import it."""
