"""Draw band by band: runs of rows whose intermediate results stay in the processor's cache."""

from __future__ import annotations

import numba
import numpy as np

from kernels import jobs
from kernels.noting import _note_jit
from kernels.options import INLINE, INNER
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


@numba.njit(**INLINE)
def _spanned(rows, t):  # type: ignore[no-untyped-def]
    """Return the first and the last band that a triangle is drawn in.

    A band's nodes reach one row beyond it.
    """
    return max(rows[t, 0] - 1, 0) // jobs.BAND_ROWS, (rows[t, 1] - 1) // jobs.BAND_ROWS


@numba.njit(**INNER)
def _sort_jit(order, begins, rows, chunks):  # type: ignore[no-untyped-def]
    """List the triangles of each band, in their order."""
    begins[:] = 0
    for c in range(chunks.shape[0]):
        for t in range(c * jobs.CHUNK, c * jobs.CHUNK + chunks[c, jobs.MADE] - jobs.MADE_PLANES):
            first, last = _spanned(rows, t)
            for band in range(first, last + 1):
                begins[band + 2] += 1
    for band in range(2, begins.size):
        begins[band] += begins[band - 1]
    for c in range(chunks.shape[0]):
        for t in range(c * jobs.CHUNK, c * jobs.CHUNK + chunks[c, jobs.MADE] - jobs.MADE_PLANES):
            first, last = _spanned(rows, t)
            for band in range(first, last + 1):
                order[begins[band + 1]] = t
                begins[band + 1] += 1


@numba.njit(**INLINE)
def _first_band(job, worker):  # type: ignore[no-untyped-def]
    """Return where the bands that `worker` draws first begin."""
    return job[jobs.FIRST] + (job[jobs.LAST] - job[jobs.FIRST]) * worker // job[jobs.WORKERS]


@numba.njit(**INNER)
def _bands_jit(job, worker):  # type: ignore[no-untyped-def]
    """Draw bands of an open job until none is left that nobody has begun."""
    height, width, n, wide = job[jobs.HEIGHT], job[jobs.WIDTH], job[jobs.DRAWN], job[jobs.WIDE]
    node_rows, node_wide = jobs.BAND_ROWS // 2 + 1, wide // 2 + jobs.RUN
    side, shown_side = job[jobs.SIDE], job[jobs.SHOWN_SIDE]
    out = numba.carray(jobs.bytes_at(job[jobs.OUT]), (height, width, 3))
    src = numba.carray(jobs.bytes_at(job[jobs.SRC]), (height, width, 3))
    gain_bias = numba.carray(jobs.floats_at(job[jobs.GAIN_BIAS]), (side, side, 4))
    picture = numba.carray(jobs.floats_at(job[jobs.SHOWN]), (shown_side, shown_side, 4))
    light = numba.carray(jobs.floats_at(job[jobs.LIGHT]), (4,))
    across = numba.carray(jobs.ints_at(job[jobs.ACROSS_AT]), (PHASES + 1,))
    down = numba.carray(jobs.ints_at(job[jobs.DOWN_AT]), (4 * PHASES + 4,))
    kinds = numba.carray(jobs.ints_at(job[jobs.KINDS]), (n,))
    rows = numba.carray(jobs.ints_at(job[jobs.ROWS]), (n, 2))
    edges = numba.carray(jobs.floats_at(job[jobs.EDGES]), (n, 7))
    fields = numba.carray(jobs.floats_at(job[jobs.FIELDS]), (n, 5, 3))
    begins = numba.carray(jobs.longs_at(job[jobs.BEGINS]), (height // jobs.BAND_ROWS + 4,))
    order = numba.carray(jobs.ints_at(job[jobs.ORDER]), (begins[job[jobs.LAST]],))
    moves = numba.carray(
        jobs.floats_at(job[jobs.MOVES]), (worker + 1, jobs.BAND_ROWS, 2, wide)
    )[worker]  # fmt: skip
    nodes = numba.carray(
        jobs.floats_at(job[jobs.NODES]), (worker + 1, 3, node_rows, node_wide)
    )[worker]  # fmt: skip
    owners = numba.carray(
        jobs.floats_at(job[jobs.OWNERS]), (worker + 1, jobs.BAND_ROWS, wide)
    )[worker]  # fmt: skip
    extents = numba.carray(jobs.ints_at(job[jobs.EXTENTS]), (worker + 1, 2, 2 * jobs.RUN))[worker]
    cuts = numba.carray(jobs.ints_at(job[jobs.CUTS]), (worker + 1, 2, jobs.RUN))[worker]
    bases = numba.carray(jobs.floats_at(job[jobs.BASES]), (worker + 1, 5, jobs.RUN))[worker]
    tints = numba.carray(
        jobs.floats_at(job[jobs.TINTS]), (worker + 1, node_rows, node_wide, 4)
    )[worker]  # fmt: skip
    taps = numba.carray(jobs.ints_at(job[jobs.TAPS]), (worker + 1, 4, wide // 2))[worker]
    far = (
        np.nextafter(np.float32(side - 1), np.float32(0)),
        np.nextafter(np.float32(shown_side - 1), np.float32(0)),
    )
    workers = job[jobs.WORKERS]
    claims = numba.carray(jobs.longs_at(job[jobs.CLAIMS]), (workers, jobs.CLAIM_CELLS))
    # A worker's own bands are the same ones frame after frame: what it wrote is in its cache.
    for k in range(workers):
        whose = (worker + k) % workers
        first, past = _first_band(job, whose), _first_band(job, whose + 1)
        # From the middle outwards: faces are narrow above and below, and who is left with a small
        # band keeps the others waiting least.
        step = -1 if 2 * whose < workers - 1 else 1
        start = past - 1 if step < 0 else first
        band = start + step * jobs.added(claims, whose * jobs.CLAIM_CELLS, 1)
        while first <= band < past:
            _band_jit(
                out, src, gain_bias, picture, light, across, down,
                order[begins[band]:begins[band + 1]], kinds, rows, edges, fields, far,
                job[jobs.LEFT], job[jobs.RIGHT], moves, nodes, owners, extents, cuts, bases,
                tints, taps, band * jobs.BAND_ROWS, step,
            )  # fmt: skip
            band = start + step * jobs.added(claims, whose * jobs.CLAIM_CELLS, 1)
