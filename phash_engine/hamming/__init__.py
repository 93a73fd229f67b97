"""Kernels of the exact Hamming search; the only subpackage that imports numba, and only in the modules that need it.

- ``hits``: a verified match in one int64, and what can be done with a column of them (numpy).
- ``plain``: look at every code with numpy alone, for one-shot lookups.
- ``lanes``: eight codes against a query in one vector register (numba).
- ``scan``: look at every code with compiled tiles (numba).
- ``tree``: build a BK-tree, insert into it (numba).
- ``walk``: look through a BK-tree (numba).
- ``threads``: run kernels over many tasks at once.

Codes travel as **columns**: a tuple of ``words`` contiguous read-only uint64 arrays ``(n,)``, one per word of the code.
Their number is part of the type, so every kernel is compiled for exactly 1, 2, 3 or 4 words.
"""
