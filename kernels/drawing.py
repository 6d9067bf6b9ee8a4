"""Draw triangles, alone or with others: the loops behind :mod:`kernels.apply`.

First the triangles become planes, a chunk at a time; then whoever is there draws bands. Nobody is
waited for who has not begun.
"""

from __future__ import annotations

import numba
import numpy as np

from kernels.bands import _bands_jit, _sort_jit
from kernels.jobs import (
    ACROSS_AT,
    BAND_ROWS,
    BEGINS,
    BOX,
    CHUNK,
    CHUNK_CELLS,
    CHUNKS,
    CLAIM_CELLS,
    CLAIMS,
    DOWN_AT,
    DRAWN,
    DREW,
    EDGES,
    FIELDS,
    FIRST,
    GAIN_BIAS,
    HEIGHT,
    INSIDE,
    KINDS,
    LACKS_VERTICES,
    LAST,
    LEFT,
    LIGHT,
    MADE,
    MADE_PLANES,
    N_MAP,
    NEXT_CHUNK,
    NO_VERTEX,
    OPEN,
    ORDER,
    OUT,
    OVERLAPS,
    PATIENCE,
    READY,
    RIGHT,
    ROWS,
    SHOWN,
    SHOWN_SIDE,
    SIDE,
    SPINS,
    SRC,
    TARGET,
    TRIANGLES,
    VALUES,
    VERTICES,
    WIDE,
    WIDTH,
    WORKERS,
    _added,
    _floats_at,
    _ints_at,
    _longs_at,
    _pause,
    _seen,
    _tell,
)  # fmt: skip
from kernels.options import INNER, OUTER
from kernels.planes import STILL_PX, _planes_jit

# How long to wait for another thread's planes before they are made here, too: about 0.02 ms.
CHUNK_SPINS = 1500


@numba.njit(**INNER)
def _chunk_jit(job, chunk):  # type: ignore[no-untyped-def]
    """Make the planes of a chunk of triangles, and tell."""
    n, vertices = job[DRAWN], job[VERTICES]
    chunks = numba.carray(_longs_at(job[CHUNKS]), ((n + CHUNK - 1) // CHUNK, CHUNK_CELLS))
    made = _planes_jit(
        numba.carray(_ints_at(job[KINDS]), (n,)),
        numba.carray(_ints_at(job[ROWS]), (n, 2)),
        numba.carray(_floats_at(job[EDGES]), (n, 7)),
        numba.carray(_floats_at(job[FIELDS]), (n, 5, 3)),
        chunks[chunk, BOX:],
        numba.carray(_floats_at(job[TARGET]), (vertices, 2)),
        numba.carray(_floats_at(job[VALUES]), (vertices, 5)),
        numba.carray(_ints_at(job[TRIANGLES]), (n, 3)),
        job[N_MAP], (job[SIDE], job[SHOWN_SIDE]), job[HEIGHT], job[WIDTH], np.float32(STILL_PX),
        chunk * CHUNK, min(chunk * CHUNK + CHUNK, n),
    )  # fmt: skip
    _tell(chunks, chunk * CHUNK_CELLS + MADE, NO_VERTEX if made < 0 else MADE_PLANES + made)


@numba.njit(**INNER)
def _chunks_jit(job):  # type: ignore[no-untyped-def]
    """Make planes of an open job until there are none left that nobody has begun."""
    n_chunks = (job[DRAWN] + CHUNK - 1) // CHUNK
    chunk = _added(job, NEXT_CHUNK, 1)
    while chunk < n_chunks:
        _chunk_jit(job, chunk)
        chunk = _added(job, NEXT_CHUNK, 1)


@numba.njit(**INNER)
def _ready_jit(job):  # type: ignore[no-untyped-def]
    """Have all planes made and sorted into bands; return whether all vertices exist."""
    n, n_begins = job[DRAWN], job[HEIGHT] // BAND_ROWS + 4
    n_chunks = (n + CHUNK - 1) // CHUNK
    chunks = numba.carray(_longs_at(job[CHUNKS]), (n_chunks, CHUNK_CELLS))
    _chunks_jit(job)
    left, top, right, bottom = job[WIDTH], job[HEIGHT], 0, 0
    patience = CHUNK_SPINS
    for c in range(n_chunks):
        while _seen(chunks, c * CHUNK_CELLS + MADE) == 0 and patience > 0:
            _pause()
            patience -= 1
        if _seen(chunks, c * CHUNK_CELLS + MADE) == 0:
            # Whoever began it may have lost its core. It writes the same.
            _chunk_jit(job, c)
        if chunks[c, MADE] == NO_VERTEX:
            return False
        left, top = min(left, chunks[c, BOX]), min(top, chunks[c, BOX + 1])
        right, bottom = max(right, chunks[c, BOX + 2]), max(bottom, chunks[c, BOX + 3])
    begins = numba.carray(_longs_at(job[BEGINS]), (n_begins,))
    order = numba.carray(_ints_at(job[ORDER]), (n * n_begins,))
    _sort_jit(order, begins, numba.carray(_ints_at(job[ROWS]), (n, 2)), chunks)
    job[LEFT], job[RIGHT] = left, right
    is_empty = left >= right or top >= bottom
    job[FIRST] = 0 if is_empty else top // BAND_ROWS
    job[LAST] = 0 if is_empty else (bottom + BAND_ROWS - 1) // BAND_ROWS
    return True


@numba.njit(**OUTER)
def _draw_jit(  # type: ignore[no-untyped-def]
    job, workers, wide, out, src, target, values, triangles, n_pictures, gain_bias, picture, light,
    across, down,
):  # fmt: skip
    """Draw triangles; others may help as soon as the job is open, and none need to.

    Returns DREW, or, with nothing drawn, OVERLAPS if `out` and `src` share memory, or
    LACKS_VERTICES if a triangle names one that does not exist.
    """
    ahead = np.int64(out.ctypes.data) - np.int64(src.ctypes.data)
    if -out.size < ahead < out.size:
        return OVERLAPS
    n = triangles.shape[0]
    job[WORKERS], job[WIDE], job[DRAWN], job[HEIGHT], job[WIDTH] = (
        workers, wide, n, src.shape[0], src.shape[1],
    )  # fmt: skip
    job[SIDE], job[SHOWN_SIDE] = gain_bias.shape[0], picture.shape[0]
    job[OUT], job[SRC] = out.ctypes.data, src.ctypes.data
    job[GAIN_BIAS], job[SHOWN] = gain_bias.ctypes.data, picture.ctypes.data
    job[LIGHT], job[ACROSS_AT], job[DOWN_AT] = (
        light.ctypes.data, across.ctypes.data, down.ctypes.data,
    )  # fmt: skip
    job[TARGET], job[VALUES], job[TRIANGLES] = (
        target.ctypes.data, values.ctypes.data, triangles.ctypes.data,
    )  # fmt: skip
    job[VERTICES], job[N_MAP] = target.shape[0], n - n_pictures
    numba.carray(_longs_at(job[CHUNKS]), ((n + CHUNK - 1) // CHUNK, CHUNK_CELLS))[:, MADE] = 0
    numba.carray(_longs_at(job[CLAIMS]), (workers, CLAIM_CELLS))[:, 0] = 0
    job[NEXT_CHUNK] = 0
    open_ = _added(job, OPEN, 1) + 1
    exist = _ready_jit(job)
    if exist:
        _tell(job, READY, open_)
        _bands_jit(job, np.int64(0))
    _added(job, OPEN, 1)
    return DREW if exist else LACKS_VERTICES


@numba.njit(**OUTER)
def _awaited_jit(job):  # type: ignore[no-untyped-def]
    """Wait a moment for those who help with a job that is closed; return whether all are done."""
    for _ in range(SPINS):
        if _seen(job, INSIDE) == 0:
            return True
        _pause()
    return False


@numba.njit(**INNER)
def _share_jit(job, worker, open_):  # type: ignore[no-untyped-def]
    """Help with an open job; return whether with all that there was to do."""
    _chunks_jit(job)
    for _ in range(SPINS):
        if _seen(job, READY) == open_:
            _bands_jit(job, worker)
            return True
        if _seen(job, OPEN) != open_:
            return True
        _pause()
    return False


@numba.njit(**OUTER)
def _help_jit(job, worker, patience):  # type: ignore[no-untyped-def]
    """Help with the job that is open, or about to be, and with more while they soon follow."""
    helped = 0
    while patience > 0:
        open_ = _seen(job, OPEN)
        if open_ % 2 == 1 and open_ != helped and worker < job[WORKERS]:
            _added(job, INSIDE, 1)
            # Whoever closes it from now on waits; if it is closed already, its memory may be gone.
            if _seen(job, OPEN) != open_ or _share_jit(job, worker, open_):
                helped = open_
            _added(job, INSIDE, -1)
            patience = job[PATIENCE]
        else:
            _pause()
            patience -= 1
