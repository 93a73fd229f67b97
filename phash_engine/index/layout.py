"""The layout of a multi-index: its codes in buckets, with the rows of each code; immutable."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from phash_engine._columns import Columns, read_only
from phash_engine.index.kernels.bit_order import order_tables, reorder, spread_bits
from phash_engine.index.kernels.buckets import Buckets, build, merge
from phash_engine.index.kernels.chunks import Chunks, make_chunks
from phash_engine.index.kernels.postings import Postings, collapse, entries_of_rows, extended, frozen


class Layout(NamedTuple):
    """Codes in buckets. An **entry** is one distinct code with its rows.

    Attributes
    ----------
    rows
        Number of rows.
    order
        int64 ``(64 * words,)``: bit i of a code in the buckets is bit ``order[i]`` of the code.
    tables
        The same as look-up tables, for ``reorder``.
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
        """Return the arrays by name, for ``from_arrays``."""
        columns, *rest = self.buckets
        words = {f"bucket_codes_{word}": column for word, column in enumerate(columns)}
        buckets: dict[str, Any] = dict(zip(Buckets._fields[1:], rest, strict=True))
        postings = {"begins": self.postings.begins, "rows": self.postings.rows}
        return {**words, **buckets, **postings, "order": self.order, "row_count": np.array(self.rows)}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]], words: int) -> Layout:
        """Return the layout that ``to_arrays`` described, without copying."""
        columns = read_only(arrays[f"bucket_codes_{word}"] for word in range(words))
        rest: Any = read_only(arrays[name] for name in Buckets._fields[1:])
        buckets = Buckets(columns, *rest)
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
        entries = entries_of_rows(self.postings, self.rows)
        return read_only(column[entries] for column in self.entry_codes())

    def with_chunks(self, chunks_per_word: int, threads: int) -> Layout:
        """Return a layout of the same entries with another number of chunks."""
        return self._replace(**_order_and_bucket(self.entry_codes(), chunks_per_word, threads))

    def to_buckets(self, columns: Columns, threads: int) -> Buckets:
        """Put further codes into buckets of the same chunks and bit order."""
        chunks = Chunks(self.buckets.words, self.buckets.lows, self.buckets.widths)
        return build(reorder(columns, self.tables), chunks, threads)

    def with_more(self, columns: Columns, threads: int) -> Layout:
        """Return a layout with further rows after the last. Cost: all is copied once."""
        buckets = merge(self.buckets, self.to_buckets(columns, threads), threads)
        postings = extended(self.postings, columns[0].size)
        return self._replace(rows=self.rows + columns[0].size, buckets=buckets, postings=postings)


def build_layout(columns: Columns, chunks_per_word: int, threads: int) -> Layout:
    """Put codes into buckets, with the bits spread over the chunks so that buckets fill evenly.

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
    return Layout(rows=columns[0].size, postings=postings, **_order_and_bucket(entries, chunks_per_word, threads))


def _order_and_bucket(entries: Columns, chunks_per_word: int, threads: int) -> dict[str, Any]:
    """Order the bits of codes and put them into buckets."""
    chunks = make_chunks(len(entries), chunks_per_word)
    order = spread_bits(entries, chunks)
    tables = order_tables(order)
    return {"order": order, "tables": tables, "buckets": build(reorder(entries, tables), chunks, threads)}
