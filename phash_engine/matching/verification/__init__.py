"""Verification: comparing the pictures themselves after the codes, by their keypoints and their aligned pixels.

======================  ===============================================================================================
``Verifier``            verifies pairs on several threads; stores the evidence in the catalogue
``PairToVerify``        two ``PairSide`` objects, each a digest and its files or a picture; the input of ``Verifier``
``VerificationImage``   a picture at the size at which it is verified; its keypoints, computed on demand
``verify``              two pictures: ``Verdict``, whether they match and on what evidence
``measure_evidence``    two pictures: ``Evidence``, inliers, correlation, change and colour
``finding``             what follows from evidence
``count_inliers``       the keypoints of two pictures that agree on one homography
======================  ===============================================================================================

Each is imported when it is first used; OpenCV when keypoints are first computed. ``keypoints.has_opencv`` returns
whether it is installed: without it there are no keypoints.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from phash_engine.matching.verification.evidence import Evidence as Evidence
    from phash_engine.matching.verification.evidence import Verdict as Verdict
    from phash_engine.matching.verification.evidence import count_inliers as count_inliers
    from phash_engine.matching.verification.evidence import finding as finding
    from phash_engine.matching.verification.evidence import measure_evidence as measure_evidence
    from phash_engine.matching.verification.evidence import verify as verify
    from phash_engine.matching.verification.verification_image import VerificationImage as VerificationImage
    from phash_engine.matching.verification.verifier import PairSide as PairSide
    from phash_engine.matching.verification.verifier import PairToVerify as PairToVerify
    from phash_engine.matching.verification.verifier import Verifier as Verifier

_PUBLIC = {
    "Evidence": "evidence",
    "PairSide": "verifier",
    "PairToVerify": "verifier",
    "Verdict": "evidence",
    "VerificationImage": "verification_image",
    "Verifier": "verifier",
    "count_inliers": "evidence",
    "finding": "evidence",
    "measure_evidence": "evidence",
    "verify": "evidence",
}
"""Names and their modules, which are imported when a name is first used."""

__all__ = list(_PUBLIC)


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_PUBLIC[name]}"), name)
