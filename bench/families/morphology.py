"""Grey morphology of each channel, and what leaves little but edges."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from bench.families.base import Make, Pixels, cv2, family, on_pixels


def _morphology(operation: str, side: int) -> Make:
    def change(pixels: Pixels) -> NDArray[Any]:
        kernel = cv2().getStructuringElement(cv2().MORPH_ELLIPSE, (side, side))
        result: NDArray[Any] = cv2().morphologyEx(pixels, getattr(cv2(), f"MORPH_{operation}"), kernel)
        return result

    return on_pixels(change)


def _edges(pixels: Pixels) -> NDArray[Any]:
    grey = cv2().cvtColor(pixels, cv2().COLOR_RGB2GRAY)
    result: NDArray[Any] = abs(cv2().Laplacian(grey, cv2().CV_32F, ksize=3))
    return result


def _canny(pixels: Pixels) -> NDArray[Any]:
    result: NDArray[Any] = cv2().Canny(cv2().cvtColor(pixels, cv2().COLOR_RGB2GRAY), 100, 200)
    return result


TRANSFORMS = (
    *family(
        "morphology",
        {
            "erosion 5": _morphology("ERODE", 5),
            "dilation 5": _morphology("DILATE", 5),
            "open 7": _morphology("OPEN", 7),
            "close 7": _morphology("CLOSE", 7),
        },
    ),
    *family(
        "edge-like",
        {
            "top-hat 15": _morphology("TOPHAT", 15),
            "black-hat 15": _morphology("BLACKHAT", 15),
            "gradient 5": _morphology("GRADIENT", 5),
            "edges": on_pixels(_edges),
            "canny": on_pixels(_canny),
        },
    ),
)
