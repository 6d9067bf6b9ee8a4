"""What :mod:`kernels.apply` computes, in NumPy on many pixels at once, for while it is compiled.

The same picture within a grey level, some twenty times as slowly: each step of the loops that
:mod:`kernels.drawing` calls is an array operation on all triangles, spans or pixels of a band.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kernels.planes import MAPPED, PICTURE
from kernels.taps import SHARED_PX
from kernels.tints import LEAST_LOG_GAIN, MOST_GREYS, MOST_LOG_GAIN, limited
from kernels.uncompiled_spans import Floats, Ints, Mesh, Spans, cut, note, prepared
from kernels.weights import PHASES, weights

_BAND_ROWS = 32
"""So many are drawn at once: for larger arrays memory would be fetched from the system anew."""


def draw(
    out: NDArray[np.uint8],
    src: NDArray[np.uint8],
    mesh: tuple[Floats, Floats, NDArray[np.int32], int],
    gain_bias: Floats,
    picture: Floats,
    light: Floats,
    sharp: bool,
) -> None:
    """Draw the triangles, sampling `src`, into `out`.

    Parameters
    ----------
    mesh : tuple
        `target`, `values`, `triangles` and `n_picture_triangles`; they and all others are as
        :func:`kernels.apply.apply` has them, and checked but for the triangles' vertices.

    Raises
    ------
    ValueError
        If `triangles` names a vertex that does not exist.
    """
    if mesh[2].size and not 0 <= mesh[2].min() <= mesh[2].max() < len(mesh[0]):
        raise ValueError(f"triangles name vertices that are not among the {len(mesh[0])}")
    height, width = src.shape[:2]
    drawn = prepared(*mesh, (len(gain_bias), len(picture)))
    every = cut(drawn, height, width)
    # The border once more above and left of the picture, and twice below and right of it.
    padded = np.pad(src, ((1, 2), (1, 2), (0, 0)), mode="edge")
    for top in range(0, height, _BAND_ROWS):
        # With the row below, whose nodes are looked at too.
        band = every.only((every.row >= top) & (every.row <= top + _BAND_ROWS))
        _draw_band(out, padded, drawn, band, min(top + _BAND_ROWS, height), gain_bias, light, sharp)
    _lay_over(out, drawn, every.clipped(height, width), picture, light)


def _draw_band(
    out: NDArray[np.uint8],
    padded: NDArray[np.uint8],
    mesh: Mesh,
    every: Spans,
    bottom: int,
    gain_bias: Floats,
    light: Floats,
    sharp: bool,
) -> None:
    """Draw spans above row `bottom`, as they move and repaint the picture."""
    height, width = out.shape[:2]
    spans = every.clipped(bottom, width)
    if not len(spans.row):
        return
    # The part of the picture that is drawn, from an even row and column on.
    top, left = int(spans.row.min()) // 2 * 2, int(spans.start.min()) // 2 * 2
    origin = np.array([left, top])
    shape = int(spans.row.max()) + 1 - top, int(spans.stop.max()) - left
    moves = np.full((2, *shape), np.nan, np.float32)
    note(moves, mesh, spans, origin, 1, 0)
    covered = np.flatnonzero(np.isfinite(moves[0]))
    positions = _positions(moves, origin, height, width)
    tints = _tints(mesh, every, origin, shape, gain_bias, light[3])
    positions, tints = (f.reshape(len(f), -1).take(covered, axis=1) for f in (positions, tints))
    colours = _sampled(padded, positions, sharp)
    colours *= tints[:3]
    colours += tints[3] + np.float32(0.5)
    y, x = np.divmod(covered, shape[1])
    _put(out, (y + top) * width + x + left, colours)


def _put(out: NDArray[np.uint8], pixels: Ints, colours: Floats) -> None:
    """Write colours (3, N) to these pixels of a picture."""
    bytes_ = np.ascontiguousarray(np.clip(colours, 0, 255, out=colours).astype(np.uint8).T)
    out.reshape(-1).view("V3")[pixels] = bytes_.view("V3")[:, 0]


def _positions(moves: Floats, origin: Ints, height: int, width: int) -> Floats:
    """Return where pixels look, x and y; neighbours side by side at one position down."""
    rows, columns = moves.shape[1:]
    positions = moves + np.stack(
        [
            np.broadcast_to(np.arange(columns) + origin[0], (rows, columns)),
            np.broadcast_to((np.arange(rows) + origin[1])[:, None], (rows, columns)),
        ]
    ).astype(np.float32)
    pairs = columns // 2 * 2
    one, other = positions[..., :pairs:2], positions[..., 1::2]
    apart = np.abs(moves[..., 1::2] - moves[..., :pairs:2]) < np.float32(SHARED_PX)
    x, y = (one + other) * np.float32(0.5)
    near = apart[0] & apart[1] & (x >= 1.5) & (x < width - 4.5) & (y >= 1) & (y < height - 2)
    base = np.floor(x - np.float32(0.5))
    for k, own in enumerate((one, other)):
        across = np.clip(own[0], base + k, base + (k + 1))
        own[0], own[1] = np.where(near, across, own[0]), np.where(near, y, own[1])
    return positions


def _sampled(padded: NDArray[np.uint8], positions: Floats, sharp: bool) -> Floats:
    """Return colours, (3, N), at positions (2, N) of what is inside the border."""
    height, width = padded.shape[0] - 3, padded.shape[1] - 3
    x, y = np.clip(positions[0], 0, width - 1), np.clip(positions[1], 0, height - 1)
    column, row = x.astype(np.int64), y.astype(np.int64)
    phase_x, phase_y = (
        ((at - whole) * PHASES + 0.5).astype(np.int64) for at, whole in ((x, column), (y, row))
    )
    shares = weights(sharp)
    down, across = (
        np.float32(each / each.sum(axis=1, keepdims=True, dtype=float))
        for each in (shares.down, shares.across)
    )
    wide = padded.shape[1]
    fours = np.ndarray(padded.size // 3 - 3, "V12", padded, strides=(3,))
    start = row * wide + column
    rows = np.zeros((12, len(x)), np.float32)
    for i in range(4):
        four = fours[start + i * wide].view(np.uint8).reshape(-1, 12)
        four = four.T.astype(np.float32, order="C")
        four *= down[:, i].take(phase_y)
        rows += four
    colours = np.zeros((3, len(x)), np.float32)
    for j in range(4):
        colours += rows[3 * j : 3 * j + 3] * across[:, j].take(phase_x)
    return colours


def _bilinear(table: Floats, column: Floats, row: Floats) -> Floats:
    """Sample a table (S, S, C) at N places, clamped to it; returns (C, N)."""
    side = len(table)
    far = np.nextafter(np.float32(side - 1), np.float32(0))
    column, row = np.clip(column, 0, far), np.clip(row, 0, far)
    j, i = column.astype(np.int64), row.astype(np.int64)
    right, low = (column - j).astype(np.float32)[:, None], (row - i).astype(np.float32)[:, None]
    flat, at = table.reshape(side * side, -1), i * side + j
    beside = [flat.take(at + k, axis=0) for k in (0, side, 1, side + 1)]
    one = beside[0] + (beside[1] - beside[0]) * low
    other = beside[2] + (beside[3] - beside[2]) * low
    return np.ascontiguousarray((one + (other - one) * right).T)


def _tints(
    mesh: Mesh,
    spans: Spans,
    origin: Ints,
    shape: tuple[int, int],
    gain_bias: Floats,
    bias_light: np.float32,
) -> Floats:
    """Return gain and bias of each pixel, (4, H, W): looked up on even rows and columns."""
    height, width = shape
    fields = mesh.fields.copy()
    fields[:, mesh.kinds != MAPPED, 4] = 0
    even = spans.row % 2 == 0
    nodes = Spans(spans.triangle, spans.row // 2, (spans.start + 1) // 2, (spans.stop + 1) // 2)
    nodes = nodes.only(even)
    noted = np.zeros((3, height // 2 + 1, width // 2 + 1), np.float32)
    note(noted, mesh._replace(fields=fields), nodes, origin, 2, 2)
    column, row, amount = noted.reshape(3, -1)
    painted = _bilinear(gain_bias, column, row) * amount
    # As the compiled kernel has it: exp by the fourth power of its series.
    q = limited(painted[:3], LEAST_LOG_GAIN, MOST_LOG_GAIN) * np.float32(0.25)
    gain = (q * np.float32(0.5) + 1) * q + 1
    bias = limited(painted[3:] * bias_light, -MOST_GREYS, MOST_GREYS)
    # A pixel's is the mean of four.
    tints = np.concatenate([np.square(np.square(gain)), bias]) * np.float32(0.25)
    tints = tints.reshape(4, *noted.shape[1:])
    y, x = np.arange(height), np.arange(width)
    rows = tints[:, y // 2] + tints[:, (y + 1) // 2]
    return np.asarray(rows.take(x // 2, axis=2) + rows.take((x + 1) // 2, axis=2), np.float32)


def _lay_over(
    out: NDArray[np.uint8], mesh: Mesh, spans: Spans, picture: Floats, light: Floats
) -> None:
    """Lay the picture over what is drawn, where its triangles are."""
    shown = mesh.kinds[spans.triangle] == PICTURE
    if not shown.any():
        return
    spans = spans.only(shown)
    top, bottom = int(spans.row.min()), int(spans.row.max()) + 1
    left, right = int(spans.start.min()), int(spans.stop.max())
    noted = np.zeros((3, bottom - top, right - left), np.float32)
    covered = np.unique(note(noted, mesh, spans, np.array([left, top]), 1, 2))
    column, row, amount = noted.reshape(3, -1)[:, covered]
    seen = _bilinear(picture, column, row)
    opacity = np.clip(seen[3] * amount, 0, 1)
    y, x = np.divmod(covered, right - left)
    colours = out[y + top, x + left].T.astype(np.float32)
    colours += opacity * (seen[:3] * light[:3, None] - colours) + np.float32(0.5)
    _put(out, (y + top) * out.shape[1] + x + left, colours)
