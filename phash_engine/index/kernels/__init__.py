"""Kernels of the exact Hamming search; the only subpackage that imports numba, and only in the modules that need it.

In numpy alone:

- ``match_keys``: one verified match packed into one int64.
- ``chunks``: cut codes into chunks; which chunks must be probed, with how many flipped bits.
- ``postings``: equal codes as one entry with its rows.
- ``scan_numpy``: linear scan, for one-shot look-ups.

Compiled:

- ``popcount``: Hamming distance by popcount, of eight codes at once in a vector register.
- ``scan``: linear scan in tiles of queries and codes.
- ``bit_order``: an order of the bits that spreads them over the chunks.
- ``buckets``: sort codes into buckets by the values of their chunks.
- ``probe``: probe the buckets near a query (multi-index hashing).
- ``join``: compare buckets with buckets.
- ``heap``: a bounded heap for the k nearest.
- ``bktree``: build a BK-tree and insert into it.
- ``bktree_search``: walk a BK-tree.
- ``distance_table``: the distances of all queries to all codes.

Codes are passed as **columns**: a tuple of ``words`` contiguous read-only uint64 arrays ``(n,)``, one per word of the
code. The number of words is part of the type, so every kernel is compiled for exactly 1, 2, 3 or 4 words.
"""
