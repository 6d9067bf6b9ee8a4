"""Labelled pictures in rows and columns, as one picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from livexpr.errors import LivexprError

Image = NDArray[np.uint8]
_LABEL_HEIGHT_PX = 15
_GAP_PX = 4
BACKGROUND = 24
_TEXT = (210, 210, 210)


@dataclass(frozen=True, slots=True)
class Cell:
    """A picture (H, W, 3), uint8, BGR, and the words above it."""

    label: str
    pixels: Image


def make_sheet(rows: Sequence[Sequence[Cell]], zoom: float = 1.0) -> Image:
    """Lay out cells in rows, columns left-aligned, each with its label above.

    Parameters
    ----------
    rows : sequence of sequence of Cell
        At least one cell. Rows may differ in length, cells in size.
    zoom : float
        1 shows the cells pixel for pixel; more repeats pixels, less averages them.

    Returns
    -------
    sheet : ndarray of shape (H, W, 3), uint8
        BGR.

    Raises
    ------
    LivexprError
        If there is no cell or `zoom` is not positive.
    """
    if not any(rows) or not 0 < zoom <= 16:
        raise LivexprError(f"a sheet needs a picture and a zoom above 0, up to 16, not {zoom:g}")
    cells = [[Cell(cell.label, _zoomed(cell.pixels, zoom)) for cell in row] for row in rows]
    n_columns = max(len(row) for row in cells)
    widths = [
        max(row[column].pixels.shape[1] for row in cells if column < len(row))
        for column in range(n_columns)
    ]
    heights = [max((cell.pixels.shape[0] for cell in row), default=0) for row in cells]
    sheet = np.full(
        (
            sum(height + _LABEL_HEIGHT_PX + _GAP_PX for height in heights) + _GAP_PX,
            sum(width + _GAP_PX for width in widths) + _GAP_PX,
            3,
        ),
        BACKGROUND,
        np.uint8,
    )
    top = _GAP_PX
    for row, row_height in zip(cells, heights, strict=True):
        left = _GAP_PX
        for cell, column_width in zip(row, widths, strict=False):
            _write(sheet[top : top + _LABEL_HEIGHT_PX, left : left + column_width], cell.label)
            height, width = cell.pixels.shape[:2]
            below = top + _LABEL_HEIGHT_PX
            sheet[below : below + height, left : left + width] = cell.pixels
            left += column_width + _GAP_PX
        top += row_height + _LABEL_HEIGHT_PX + _GAP_PX
    return sheet


def _zoomed(pixels: Image, zoom: float) -> Image:
    if zoom == 1:
        return pixels
    how = cv2.INTER_NEAREST if zoom > 1 else cv2.INTER_AREA
    size = [max(round(side * zoom), 1) for side in pixels.shape[1::-1]]
    return np.asarray(cv2.resize(pixels, size, interpolation=how), np.uint8)


def _write(strip: Image, text: str) -> None:
    """Write `text` into `strip` (H, W, 3), cut off where it ends."""
    drawn = strip.copy()
    origin = (1, len(strip) - 4)
    cv2.putText(drawn, text, origin, cv2.FONT_HERSHEY_PLAIN, 0.8, _TEXT, 1, cv2.LINE_AA)
    strip[:] = drawn


def write_sheet(path: Path, sheet: Image) -> None:
    """Write a sheet (H, W, 3), uint8, BGR as PNG.

    Raises
    ------
    LivexprError
        If the name does not end in .png, or the file cannot be written.
    """
    if path.suffix.lower() != ".png":
        raise LivexprError(f"{path}: a sheet is written as PNG; give a name that ends in .png")
    _, encoded = cv2.imencode(".png", sheet)
    try:
        path.write_bytes(encoded.tobytes())
    except OSError as error:
        raise LivexprError(f"cannot write {path}: {error.strerror}") from error
