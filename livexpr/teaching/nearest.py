"""Which of the shipped maps an expression is most like: what is known of it already."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from livexpr import pixel_map, presets
from livexpr.blendshapes import BLENDSHAPE_NAMES
from livexpr.errors import LivexprError
from livexpr.pixel_map import PixelMap
from livexpr.preset_file import MAP_SUFFIX
from livexpr.teaching.looks import Look
from livexpr.teaching.shape import displacement, geometric_median
from livexpr.wording import offer

AUTOMATIC, NOTHING = "auto", "none"
# Below this cosine, 1 for the same direction, an expression is like none of those shipped.
_LEAST_LIKENESS = 0.6


@dataclass(frozen=True, slots=True, eq=False)
class ShippedMap:
    """A shipped map and its name."""

    name: str
    pixel_map: PixelMap


@lru_cache(maxsize=1)
def _shipped() -> Mapping[str, PixelMap]:
    folder = presets.builtin_dir() / "maps"
    return {path.stem: pixel_map.load(path) for path in sorted(folder.glob(f"*{MAP_SUFFIX}"))}


def raised_blendshapes(neutrals: Sequence[Look], expressives: Sequence[Look]) -> dict[str, float]:
    """Return by how much an expression raises each blendshape, those of 0.05 and more."""
    rest, raised = (
        np.mean([one.blendshapes for one in looks], axis=0) for looks in (neutrals, expressives)
    )
    return {
        name: round(float(value), 4)
        for name, value in zip(BLENDSHAPE_NAMES, raised - rest, strict=True)
        if abs(value) >= 0.05
    }


def _cosine(one: NDArray[np.floating], other: NDArray[np.floating]) -> float:
    length = float(np.linalg.norm(one) * np.linalg.norm(other))
    return float((one * other).sum()) / max(length, 1e-9)


def _vector(blendshapes: Mapping[str, float]) -> NDArray[np.float64]:
    # Where the eyes look has no part in an expression.
    return np.array(
        [0.0 if "Look" in name else blendshapes.get(name, 0.0) for name in BLENDSHAPE_NAMES]
    )


def likeness(
    offset_cm: NDArray[np.float32], blendshapes: Mapping[str, float], other: PixelMap
) -> float:
    """Return how like an expression is to a map, from -1 to 1, whatever their strength.

    The mean of the cosines of what they move, seen from the front, and of the blendshapes they
    raise.
    """
    moved = _cosine(offset_cm[:, :2], other.offset_cm[:, :2])
    raised = _cosine(_vector(blendshapes), _vector(other.blendshapes))
    return (moved + raised) / 2


def chosen_map(
    neutrals: Sequence[Look], expressives: Sequence[Look], like: str = AUTOMATIC
) -> ShippedMap | None:
    """Return the shipped map that an expression is to be shrunk towards.

    Parameters
    ----------
    neutrals, expressives : sequence of Look
        At least one each.
    like : str
        A shipped map's name; ``auto`` for the one most alike, if one is; ``none``.

    Raises
    ------
    LivexprError
        If no such map is shipped.
    """
    shipped = _shipped()
    if like == NOTHING:
        return None
    if like != AUTOMATIC:
        if like not in shipped:
            raise LivexprError(f"there is no shipped map {like!r}: {offer(like, shipped)}")
        return ShippedMap(like, shipped[like])
    offset = geometric_median([displacement(one, neutrals) for one in expressives])
    blendshapes = raised_blendshapes(neutrals, expressives)
    alike = {name: likeness(offset, blendshapes, one) for name, one in shipped.items()}
    best = max(alike, key=lambda name: alike[name])
    return ShippedMap(best, shipped[best]) if alike[best] >= _LEAST_LIKENESS else None
