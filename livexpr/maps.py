"""Maps of either kind, and their files."""

from __future__ import annotations

from pathlib import Path
from typing import TypeAlias

from livexpr import intensity_file, map_file, pixel_map
from livexpr.intensity_map import IntensityMap
from livexpr.pixel_map import PixelMap

Map: TypeAlias = PixelMap | IntensityMap


def load(path: str | Path) -> Map:
    """Load a map of whichever kind its file is.

    Raises
    ------
    FormatError
        If the file is missing or damaged.
    """
    if intensity_file.is_intensity_map(map_file.read_metadata(path)):
        return intensity_file.load(path)
    return pixel_map.load(path)


def save(a_map: Map, path: str | Path) -> None:
    """Write a map; the same map gives the same bytes.

    Raises
    ------
    FormatError
        If it is out of range, or the file cannot be written.
    """
    if isinstance(a_map, IntensityMap):
        intensity_file.save(a_map, path)
    else:
        pixel_map.save(a_map, path)


def n_parameters(a_map: Map) -> int:
    """Return how many numbers of a map were fitted.

    Of a pixel map: displacements, gain, bias and the mouth picture, not the mask, which is drawn.
    """
    if isinstance(a_map, IntensityMap):
        return a_map.n_parameters
    fitted = (a_map.offset_cm, a_map.log_gain, a_map.bias)
    return sum(array.size for array in fitted) + (a_map.mouth.size if a_map.mouth.any() else 0)
