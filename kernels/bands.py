"""Draw band by band: runs of rows whose intermediate results stay in the processor's cache."""

from __future__ import annotations

import numba
import numpy as np

from kernels.jobs import (
    ACROSS_AT,
    BAND_ROWS,
    BASES,
    BEGINS,
    CHUNK,
    CLAIM_CELLS,
    CLAIMS,
    CUTS,
    DOWN_AT,
    DRAWN,
    EDGES,
    EXTENTS,
    FIELDS,
    FIRST,
    GAIN_BIAS,
    HEIGHT,
    KINDS,
    LAST,
    LEFT,
    LIGHT,
    MADE,
    MADE_PLANES,
    MOVES,
    NODES,
    ORDER,
    OUT,
    OWNERS,
    RIGHT,
    ROWS,
    RUN,
    SHOWN,
    SHOWN_SIDE,
    SIDE,
    SRC,
    TAPS,
    TINTS,
    WIDE,
    WIDTH,
    WORKERS,
    _added,
    _bytes_at,
    _floats_at,
    _ints_at,
    _longs_at,
)  # fmt: skip
from kernels.noting import _note_jit
from kernels.options import INNER
from kernels.overlay import _picture_jit
from kernels.painting import _rows_jit
from kernels.tints import _look_up_jit
from kernels.weights import PHASES


@numba.njit(**INNER)
def _band_jit(  # type: ignore[no-untyped-def]
    out, src, gain_bias, picture, light, across, down, order, kinds, rows, edges, fields, far,
    left, right, moves, nodes, owners, extents, cuts, bases, tints, taps, top, step,
):  # fmt: skip
    """Draw what the triangles `order` cover of the band that begins with row `top`.

    The one drawn next is `step` bands further down.
    """
    height, width = src.shape[0], src.shape[1]
    # Not a number where nothing is covered.
    moves[:, 0, left // 2 * 2 : right + 1] = np.float32(np.nan)
    nodes[2, :, left // 8 * 4 : right // 2 + 6] = np.float32(0)
    extents[0] = width
    extents[1] = 0
    pictures = _note_jit(
        moves, nodes, owners, extents, cuts, bases, order, kinds, rows, edges, fields, top,
        height, width,
    )  # fmt: skip
    _look_up_jit(tints, nodes, extents, gain_bias, far[0], light[3])
    _rows_jit(out, src, taps, moves, tints, across, down, extents, top, step)
    if pictures:
        _picture_jit(
            out, picture, owners, extents, cuts, bases, order, kinds, rows, edges, fields, far[1],
            light, top,
        )  # fmt: skip
        owners[:, left : right + 1] = np.float32(-1)


@numba.njit(**INNER)
def _sort_jit(order, begins, rows, chunks):  # type: ignore[no-untyped-def]
    """List the triangles of each band, in their order."""
    begins[:] = 0
    for c in range(chunks.shape[0]):
        # A band's nodes reach one row beyond it.
        for t in range(c * CHUNK, c * CHUNK + chunks[c, MADE] - MADE_PLANES):
            first, last = max(rows[t, 0] - 1, 0) // BAND_ROWS, (rows[t, 1] - 1) // BAND_ROWS
            for band in range(first, last + 1):
                begins[band + 2] += 1
    for band in range(2, begins.size):
        begins[band] += begins[band - 1]
    for c in range(chunks.shape[0]):
        for t in range(c * CHUNK, c * CHUNK + chunks[c, MADE] - MADE_PLANES):
            first, last = max(rows[t, 0] - 1, 0) // BAND_ROWS, (rows[t, 1] - 1) // BAND_ROWS
            for band in range(first, last + 1):
                order[begins[band + 1]] = t
                begins[band + 1] += 1


@numba.njit(cache=True, nogil=True, error_model="numpy", inline="always")
def _first_band(job, worker):  # type: ignore[no-untyped-def]
    """Return where the bands that `worker` draws first begin."""
    return job[FIRST] + (job[LAST] - job[FIRST]) * worker // job[WORKERS]


@numba.njit(**INNER)
def _bands_jit(job, worker):  # type: ignore[no-untyped-def]
    """Draw bands of an open job until none is left that nobody has begun."""
    height, width, n, wide = job[HEIGHT], job[WIDTH], job[DRAWN], job[WIDE]
    node_rows, node_wide = BAND_ROWS // 2 + 1, wide // 2 + RUN
    side, shown_side = job[SIDE], job[SHOWN_SIDE]
    out = numba.carray(_bytes_at(job[OUT]), (height, width, 3))
    src = numba.carray(_bytes_at(job[SRC]), (height, width, 3))
    gain_bias = numba.carray(_floats_at(job[GAIN_BIAS]), (side, side, 4))
    picture = numba.carray(_floats_at(job[SHOWN]), (shown_side, shown_side, 4))
    light = numba.carray(_floats_at(job[LIGHT]), (4,))
    across = numba.carray(_ints_at(job[ACROSS_AT]), (PHASES + 1,))
    down = numba.carray(_ints_at(job[DOWN_AT]), (4 * PHASES + 4,))
    kinds = numba.carray(_ints_at(job[KINDS]), (n,))
    rows = numba.carray(_ints_at(job[ROWS]), (n, 2))
    edges = numba.carray(_floats_at(job[EDGES]), (n, 7))
    fields = numba.carray(_floats_at(job[FIELDS]), (n, 5, 3))
    begins = numba.carray(_longs_at(job[BEGINS]), (height // BAND_ROWS + 4,))
    order = numba.carray(_ints_at(job[ORDER]), (begins[job[LAST]],))
    moves = numba.carray(_floats_at(job[MOVES]), (worker + 1, BAND_ROWS, 2, wide))[worker]
    nodes = numba.carray(_floats_at(job[NODES]), (worker + 1, 3, node_rows, node_wide))[worker]
    owners = numba.carray(_floats_at(job[OWNERS]), (worker + 1, BAND_ROWS, wide))[worker]
    extents = numba.carray(_ints_at(job[EXTENTS]), (worker + 1, 2, 2 * RUN))[worker]
    cuts = numba.carray(_ints_at(job[CUTS]), (worker + 1, 2, RUN))[worker]
    bases = numba.carray(_floats_at(job[BASES]), (worker + 1, 5, RUN))[worker]
    tints = numba.carray(_floats_at(job[TINTS]), (worker + 1, node_rows, node_wide, 4))[worker]
    taps = numba.carray(_ints_at(job[TAPS]), (worker + 1, 4, wide // 2))[worker]
    far = (
        np.nextafter(np.float32(side - 1), np.float32(0)),
        np.nextafter(np.float32(shown_side - 1), np.float32(0)),
    )
    workers = job[WORKERS]
    claims = numba.carray(_longs_at(job[CLAIMS]), (workers, CLAIM_CELLS))
    # A worker's own bands are the same ones frame after frame: what it wrote is in its cache.
    for k in range(workers):
        whose = (worker + k) % workers
        first, past = _first_band(job, whose), _first_band(job, whose + 1)
        # From the middle outwards: faces are narrow above and below, and who is left with a small
        # band keeps the others waiting least.
        step = -1 if 2 * whose < workers - 1 else 1
        start = past - 1 if step < 0 else first
        band = start + step * _added(claims, whose * CLAIM_CELLS, 1)
        while first <= band < past:
            _band_jit(
                out, src, gain_bias, picture, light, across, down,
                order[begins[band]:begins[band + 1]], kinds, rows, edges, fields, far,
                job[LEFT], job[RIGHT], moves, nodes, owners, extents, cuts, bases, tints, taps,
                band * BAND_ROWS, step,
            )  # fmt: skip
            band = start + step * _added(claims, whose * CLAIM_CELLS, 1)
