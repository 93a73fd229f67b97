"""A picture analysed once, from one reading: its views with their codes and quality; on demand its pixels."""

from __future__ import annotations

import os
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from phash_engine import _files, images
from phash_engine.hashing import hashers, quality, views
from phash_engine.hashing.hashers import Codes
from phash_engine.hashing.views import MatchType

if TYPE_CHECKING:
    from phash_engine.matching.verification import VerificationImage


class Query(NamedTuple):
    """Views of a picture to look up.

    Attributes
    ----------
    views
        The plainest types by which each view can match, the full one first.
    codes
        uint64 ``(n, 10)``: all codes of each view.
    is_trusted
        Whether the full view has enough structure to match by.
    """

    views: list[MatchType]
    codes: Codes
    is_trusted: bool

    @property
    def fingerprint(self) -> hashers.Fingerprint:
        """The codes of the full view."""
        return hashers.Fingerprint(*self.codes[0, :5])

    def trusted(self, trust_all: bool) -> Query:
        """Return the views that may match."""
        return self if self.is_trusted or trust_all else Query(self.views[1:], self.codes[1:], True)


class _Analysis(NamedTuple):
    """What decoding gives; fields as the properties of :class:`AnalyzedImage`."""

    query: Query
    quality: int
    detail: float


class AnalyzedImage:
    """A picture analysed once, when it is first asked for. A file is opened once, whatever is asked of it later.

    Keeps the bytes for :attr:`pixels`; of many pictures keep the :attr:`query` alone.

    Parameters
    ----------
    source
        As for ``images.read_block``.

    Attributes
    ----------
    name
        The name of the picture in errors: its path, or ``<bytes>`` and the like.
    digest
        SHA-256 of its bytes; None of a PIL image, an array or a file object.

    Raises
    ------
    ImageError
        The file cannot be read. All but the name and the digest raise it too, where the picture cannot be decoded.
    """

    def __init__(self, source: images.Source) -> None:
        self.name = images.source_name(source)
        self._source = source = images.plain_source(source)
        self.digest: bytes | None = None
        if isinstance(source, str | os.PathLike):
            _, self._source = _files.read(self.name)
        if isinstance(self._source, bytes):
            self.digest = _files.digest(self._source)

    @property
    def query(self) -> Query:
        """The full view, and others that can be trusted, as the catalogue stores them."""
        return self._analysis.query

    @property
    def quality(self) -> int:
        """Gradient quality of the full view; see ``hashing.quality``."""
        return self._analysis.quality

    @property
    def detail(self) -> float:
        """Detail of the full view; see ``hashing.quality``."""
        return self._analysis.detail

    @cached_property
    def _analysis(self) -> _Analysis:
        found = images.read_picture(self._source, self.name)
        blocks = np.stack(list(found.blocks.values()))
        qualities, details = quality.gradient_quality(blocks), quality.detail(blocks)
        trusted = quality.is_trusted(qualities, details)
        kept = trusted.copy()
        kept[0] = True
        types = [views.match_type(view) for view, is_kept in zip(found.blocks, kept, strict=True) if is_kept]
        query = Query(types, hashers.hash_blocks(blocks[kept]), bool(trusted[0]))
        return _Analysis(query, int(qualities[0]), float(details[0]))

    @cached_property
    def pixels(self) -> VerificationImage:
        """The picture at the size at which pixels and keypoints are compared."""
        from phash_engine.matching.verification import VerificationImage

        return VerificationImage(self._source, self.name)


def analyzed(source: images.Source | AnalyzedImage) -> AnalyzedImage:
    """Return a picture analysed, or as it is if it is so already."""
    return source if isinstance(source, AnalyzedImage) else AnalyzedImage(source)
