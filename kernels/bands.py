"""Draw band by band: runs of rows whose intermediate results stay in the processor's cache."""

from __future__ import annotations

import numba
import numpy as np

from kernels import jobs
from kernels.noting import _note_jit
from kernels.options import INLINE, INNER
from kernels.overlay import _picture_jit
from kernels.painting import _rows_jit
from kernels.tables import SIZE
from kernels.tints import _look_up_jit


@numba.njit(**INNER)
def _band_jit(  # type: ignore[no-untyped-def]
    out, src, gain_bias, picture, light, tables, order, kinds, rows, edges, fields, far,
    left, right, moves, nodes, owners, extents, cuts, bases, paints, tints, taps, top, step,
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
    _look_up_jit(tints, paints, taps, nodes, extents, gain_bias, far[0], light[3])
    _rows_jit(out, src, taps, moves, tints, tables, extents, top, step)
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
def _sort_jit(order, begins, counted, rows, first, past):  # type: ignore[no-untyped-def]
    """List which of the triangles from `first` to before `past` each band has, in their order.

    `counted` is the caller's own; the others are written once, with what they are in the end.
    """
    counted[:] = 0
    for t in range(first, past):
        top, bottom = _spanned(rows, t)
        for band in range(top, bottom + 1):
            counted[band + 1] += 1
    for band in range(1, counted.size):
        counted[band] += counted[band - 1]
        begins[band] = counted[band]
    begins[0] = 0
    for t in range(first, past):
        top, bottom = _spanned(rows, t)
        for band in range(top, bottom + 1):
            order[counted[band]] = t
            counted[band] += 1


@numba.njit(**INLINE)
def _listed(list_, order, begins, band):  # type: ignore[no-untyped-def]
    """Write which triangles a band has, those of all chunks; return how many."""
    n = 0
    for c in range(begins.shape[0]):
        for i in range(begins[c, band], begins[c, band + 1]):
            list_[n] = order[c, i]
            n += 1
    return n


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
    tables = numba.carray(jobs.ints_at(job[jobs.TABLES]), (SIZE,))
    kinds = numba.carray(jobs.ints_at(job[jobs.KINDS]), (n,))
    rows = numba.carray(jobs.ints_at(job[jobs.ROWS]), (n, 2))
    edges = numba.carray(jobs.floats_at(job[jobs.EDGES]), (n, 7))
    fields = numba.carray(jobs.floats_at(job[jobs.FIELDS]), (n, 5, 3))
    n_chunks, n_begins = (n + jobs.CHUNK - 1) // jobs.CHUNK, job[jobs.N_BEGINS]
    begins = numba.carray(jobs.longs_at(job[jobs.BEGINS]), (n_chunks, n_begins))
    order = numba.carray(jobs.ints_at(job[jobs.ORDER]), (n_chunks, jobs.CHUNK * n_begins))
    # Of one worker, as all that follows.
    list_ = numba.carray(jobs.ints_at(job[jobs.LISTS]), (worker + 1, n_chunks * jobs.CHUNK))[worker]
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
    paints = numba.carray(jobs.floats_at(job[jobs.PAINTS]), (worker + 1, node_wide, 4))[worker]
    tints = numba.carray(
        jobs.shorts_at(job[jobs.TINTS]), (worker + 1, node_rows, node_wide, 8)
    )[worker]  # fmt: skip
    taps = numba.carray(jobs.ints_at(job[jobs.TAPS]), (worker + 1, 2, wide // 2))[worker]
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
                out, src, gain_bias, picture, light, tables,
                list_[:_listed(list_, order, begins, band)], kinds, rows, edges, fields, far,
                job[jobs.LEFT], job[jobs.RIGHT], moves, nodes, owners, extents, cuts, bases,
                paints, tints, taps, band * jobs.BAND_ROWS, step,
            )  # fmt: skip
            band = start + step * jobs.added(claims, whose * jobs.CLAIM_CELLS, 1)
