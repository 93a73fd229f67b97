"""Kernels of the exact Hamming search; the only subpackage that imports numba, and only in the modules that need it.

In numpy alone:

- ``hits``: a verified match in one int64, and what can be done with a column of them.
- ``sorting``: sort rows of columns, of many blocks in threads.
- ``plain``: linear scan with numpy, for one-shot lookups.
- ``chunks``: cut codes into chunks; how far each must be probed.
- ``postings``: equal codes as one entry with its rows.
- ``costs``: what scans, probes and joins cost, and how many chunks are best.
- ``threads``: run kernels over many tasks at once.

Compiled:

- ``lanes``: eight codes against a query in one vector register.
- ``scan``: linear scan in compiled tiles; popcount in ``lanes``.
- ``tables``: the distances of all to all.
- ``bit_order``: spread the bits over the chunks.
- ``buckets``: sort codes by their chunks.
- ``probe``: probe the buckets near a query.
- ``join``: compare buckets with buckets.
- ``heap``: the nearest so far.
- ``tree``, ``walk``: build a BK-tree and insert into it; search it.

Codes travel as **columns**: a tuple of ``words`` contiguous read-only uint64 arrays ``(n,)``, one per word of the code.
Their number is part of the type, so every kernel is compiled for exactly 1, 2, 3 or 4 words.
"""
