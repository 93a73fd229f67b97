"""Rows laid out in buckets: the body of a multi-index, which never changes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from phash_engine._columns import Columns, read_only
from phash_engine.index.kernels.bit_order import order_tables, reorder, spread_bits
from phash_engine.index.kernels.buckets import Buckets, build, merge
from phash_engine.index.kernels.chunks import Chunks, cut
from phash_engine.index.kernels.postings import Postings, collapse, extended, frozen, owners


class Layout(NamedTuple):
    """Codes in buckets.

    Attributes
    ----------
    rows
        Number of rows.
    order
        int64 ``(64 * words,)``: bit i of a code in the buckets is bit ``order[i]`` of the code.
    tables
        The same for ``reorder``.
    buckets
        The entries, with their bits in that order.
    postings
        The rows of each entry.
    """

    rows: int
    order: NDArray[np.int64]
    tables: NDArray[np.uint64]
    buckets: Buckets
    postings: Postings

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Return all arrays by name, for ``from_arrays``."""
        columns, *others = self.buckets
        words = {f"bucket_codes_{word}": column for word, column in enumerate(columns)}
        buckets: dict[str, Any] = dict(zip(Buckets._fields[1:], others, strict=True))
        postings = {"begins": self.postings.begins, "rows": self.postings.rows}
        return {**words, **buckets, **postings, "order": self.order, "row_count": np.array(self.rows)}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]], words: int) -> Layout:
        """Return the layout whose ``to_arrays`` these are, without copying."""
        columns = read_only(arrays[f"bucket_codes_{word}"] for word in range(words))
        others: Any = read_only(arrays[name] for name in Buckets._fields[1:])
        buckets = Buckets(columns, *others)
        postings = frozen(*(np.asarray(arrays[name]) for name in ("begins", "rows")))
        return cls(int(arrays["row_count"]), arrays["order"], order_tables(arrays["order"]), buckets, postings)

    @property
    def entries(self) -> int:
        """Number of entries."""
        return self.buckets.entries.size // self.buckets.widths.size

    @property
    def chunks_per_word(self) -> int:
        """Number of chunks of each word."""
        return self.buckets.widths.size // len(self.buckets.columns)

    def entry_codes(self) -> Columns:
        """Return the codes of the entries."""
        first_chunk = slice(0, self.entries)
        codes = tuple(np.empty(self.entries, dtype=np.uint64) for _ in self.buckets.columns)
        for column, in_buckets in zip(codes, self.buckets.columns, strict=True):
            column[self.buckets.entries[first_chunk]] = in_buckets[first_chunk]
        return reorder(read_only(codes), order_tables(np.argsort(self.order)))

    def row_codes(self) -> Columns:
        """Return the codes of the rows."""
        entries = owners(self.postings, self.rows)
        return read_only(column[entries] for column in self.entry_codes())

    def cut_into(self, chunks_per_word: int, threads: int) -> Layout:
        """Return a layout of the same entries with another number of chunks."""
        return self._replace(**_ordered(self.entry_codes(), chunks_per_word, threads))

    def bucketed(self, columns: Columns, threads: int) -> Buckets:
        """Put other codes into the same buckets."""
        chunks = Chunks(self.buckets.words, self.buckets.lows, self.buckets.widths)
        return build(reorder(columns, self.tables), chunks, threads)

    def with_more(self, columns: Columns, threads: int) -> Layout:
        """Return a layout with further rows after all others. Cost: everything is copied once."""
        buckets = merge(self.buckets, self.bucketed(columns, threads), threads)
        postings = extended(self.postings, columns[0].size)
        return self._replace(rows=self.rows + columns[0].size, buckets=buckets, postings=postings)


def lay_out(columns: Columns, chunks_per_word: int, threads: int) -> Layout:
    """Put codes into the buckets of chunks whose bits go together as little as possible.

    Parameters
    ----------
    columns
        Codes in the order of their rows.
    chunks_per_word
        Number of chunks of each word.
    threads
        Most threads to use.
    """
    entries, postings = collapse(columns)
    return Layout(rows=columns[0].size, postings=postings, **_ordered(entries, chunks_per_word, threads))


def _ordered(entries: Columns, chunks_per_word: int, threads: int) -> dict[str, Any]:
    """Order the bits of codes and put them into buckets."""
    chunks = cut(len(entries), chunks_per_word)
    order = spread_bits(entries, chunks)
    tables = order_tables(order)
    return {"order": order, "tables": tables, "buckets": build(reorder(entries, tables), chunks, threads)}
