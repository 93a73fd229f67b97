"""Contents: what one digest is, however many photos have it; codes computed elsewhere have one without a digest."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from phash_engine.catalogue.code_store import CURRENT
from phash_engine.catalogue.database import Database
from phash_engine.catalogue.traits import KeptReading
from phash_engine.hashing.views import VIEWS, Wanted


class View(NamedTuple):
    """The codes of one view, a row of ``hashers.hash_blocks``, and whether they can be trusted."""

    name: str
    trusted: bool
    codes: NDArray[np.uint64]


class Content(NamedTuple):
    """What one digest is, with its views, and which of them were requested when it was read.

    ``quality`` and ``detail`` are those of the full view. ``intact`` is whether the bytes are undamaged, None where
    that is unknown, and ``fault`` what is wrong with them; ``kept`` what is kept of the file in addition to its views.
    """

    digest: bytes
    width: int
    height: int
    format: str
    quality: int
    detail: float
    views: Sequence[View]
    requested: Wanted = Wanted()
    is_animated: bool = False
    intact: bool | None = None
    fault: str = ""
    kept: KeptReading | None = None


class Contents:
    """The contents of an open database; methods that write expect an open transaction.

    A scan may commit a photo before the content, which another thread reads: until then only its digest is known.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def known_digests(self, requested: Wanted, *, with_traits: bool) -> set[bytes]:
        """Return the digests of current contents; parameters as for :func:`is_current`."""
        query = f"SELECT digest FROM contents WHERE {is_current(requested, with_traits=with_traits)}"
        return {digest for (digest,) in self._database.select(query)}

    def formats(self, digests: Iterable[bytes]) -> dict[bytes, str]:
        """Return the format of each content that has been read."""
        query = "SELECT digest, format FROM contents WHERE digest IN ({}) AND format IS NOT NULL"
        return dict(self._database.select_by_blob(query, list(digests)))

    def ids(self, digests: Iterable[bytes]) -> dict[bytes, int]:
        """Return the id of each content that is known."""
        return dict(
            self._database.select_by_blob("SELECT digest, id FROM contents WHERE digest IN ({})", list(digests))
        )

    def put(self, contents: Iterable[Content]) -> None:
        """Add contents, which replace what is known of their digests."""
        self._database.executemany(
            f"""INSERT INTO contents
                (digest, width, height, format, quality, detail, crops, frames, intact, fault, views)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, {VIEWS})
            ON CONFLICT (digest) DO UPDATE SET width = excluded.width, height = excluded.height,
                format = excluded.format, quality = excluded.quality, detail = excluded.detail,
                crops = excluded.crops, frames = excluded.frames, views = excluded.views,
                intact = excluded.intact, fault = excluded.fault""",
            [
                (*c[:6], int(c.requested.crops), c.requested.frames if c.is_animated else None, c.intact, c.fault)
                for c in contents
            ],
        )

    def put_undecoded(self, faults: Mapping[bytes, tuple[str, bool]]) -> None:
        """Store, by digest, why contents cannot be decoded, and whether that is because they are damaged."""
        self._database.executemany(
            "UPDATE contents SET fault = ?, intact = ? WHERE digest = ? AND format IS NULL",
            [(fault, False if is_damaged else None, digest) for digest, (fault, is_damaged) in faults.items()],
        )

    def add_unread(self, digests: Iterable[bytes]) -> None:
        """Add contents of which only the digest is known."""
        self._database.executemany("INSERT INTO contents (digest) VALUES (?)", [(digest,) for digest in digests])

    def add_without_digest(self, number: int) -> range:
        """Add contents of which only codes are known, and return their ids."""
        last = self._database.value("SELECT seq FROM sqlite_sequence WHERE name = 'contents'") or 0
        ids = range(last + 1, last + 1 + number)
        self._database.executemany("INSERT INTO contents (id) VALUES (?)", ((new,) for new in ids))
        return ids

    def drop_unreferenced(self) -> int:
        """Delete the contents that no photo has, and their codes; return how many."""
        return self._database.execute(
            "DELETE FROM contents WHERE id IN (SELECT id FROM contents EXCEPT SELECT content_id FROM photos)"
        )


def is_current(requested: Wanted, *, with_traits: bool) -> str:
    """Return the condition in SQL on contents of the present SPEC with all requested views, or with traits too."""
    crops, frames = requested
    traits = " AND EXISTS (SELECT 1 FROM traits WHERE content_id = contents.id)" if with_traits else ""
    return f"""digest IS NOT NULL
        AND contents.views = {VIEWS} AND crops = {int(crops)} AND coalesce(frames, {frames}) = {frames}
        AND EXISTS (SELECT 1 FROM codes WHERE content_id = contents.id AND {CURRENT}){traits}"""
