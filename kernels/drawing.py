"""Draw triangles, alone or with others: the loops behind :mod:`kernels.apply`.

First the triangles become planes, a chunk at a time; then whoever is there draws bands. Nobody is
waited for who has not begun.
"""

from __future__ import annotations

import numba
import numpy as np

from kernels import jobs
from kernels.bands import _bands_jit, _sort_jit
from kernels.options import INNER, OUTER
from kernels.planes import STILL_PX, _planes_jit

# How long to wait for another thread's planes before they are made here, too: about 0.04 ms.
CHUNK_SPINS = 1500


@numba.njit(**INNER)
def _chunk_jit(job, chunk, worker):  # type: ignore[no-untyped-def]
    """Make the planes of a chunk of triangles and sort them into bands, and tell."""
    n, vertices = job[jobs.DRAWN], job[jobs.VERTICES]
    chunks = numba.carray(
        jobs.longs_at(job[jobs.CHUNKS]), ((n + jobs.CHUNK - 1) // jobs.CHUNK, jobs.CHUNK_CELLS)
    )
    made = _planes_jit(
        numba.carray(jobs.ints_at(job[jobs.KINDS]), (n,)),
        numba.carray(jobs.ints_at(job[jobs.ROWS]), (n, 2)),
        numba.carray(jobs.floats_at(job[jobs.EDGES]), (n, 7)),
        numba.carray(jobs.floats_at(job[jobs.FIELDS]), (n, 5, 3)),
        chunks[chunk, jobs.BOX:],
        numba.carray(jobs.floats_at(job[jobs.TARGET]), (vertices, 2)),
        numba.carray(jobs.floats_at(job[jobs.VALUES]), (vertices, 5)),
        numba.carray(jobs.ints_at(job[jobs.TRIANGLES]), (n, 3)),
        job[jobs.N_MAP], (job[jobs.SIDE], job[jobs.SHOWN_SIDE]), job[jobs.HEIGHT],
        job[jobs.WIDTH], np.float32(STILL_PX), chunk * jobs.CHUNK,
        min(chunk * jobs.CHUNK + jobs.CHUNK, n),
    )  # fmt: skip
    if made >= 0:
        n_begins = job[jobs.N_BEGINS]
        n_chunks = chunks.shape[0]
        counted = numba.carray(jobs.longs_at(job[jobs.COUNTS]), (worker + 1, n_begins))[worker]
        order = numba.carray(jobs.ints_at(job[jobs.ORDER]), (n_chunks, jobs.CHUNK * n_begins))
        begins = numba.carray(jobs.longs_at(job[jobs.BEGINS]), (n_chunks, n_begins))
        rows = numba.carray(jobs.ints_at(job[jobs.ROWS]), (n, 2))
        first = chunk * jobs.CHUNK
        _sort_jit(order[chunk], begins[chunk], counted, rows, first, first + made)
    jobs.tell(
        chunks,
        chunk * jobs.CHUNK_CELLS + jobs.MADE,
        jobs.NO_VERTEX if made < 0 else jobs.MADE_PLANES + made,
    )


@numba.njit(**INNER)
def _chunks_jit(job, worker):  # type: ignore[no-untyped-def]
    """Make planes of an open job until there are none left that nobody has begun."""
    n_chunks = (job[jobs.DRAWN] + jobs.CHUNK - 1) // jobs.CHUNK
    chunk = jobs.added(job, jobs.NEXT_CHUNK, 1)
    while chunk < n_chunks:
        _chunk_jit(job, chunk, worker)
        chunk = jobs.added(job, jobs.NEXT_CHUNK, 1)


@numba.njit(**INNER)
def _ready_jit(job):  # type: ignore[no-untyped-def]
    """Have all planes made; return whether all vertices exist."""
    n = job[jobs.DRAWN]
    n_chunks = (n + jobs.CHUNK - 1) // jobs.CHUNK
    chunks = numba.carray(jobs.longs_at(job[jobs.CHUNKS]), (n_chunks, jobs.CHUNK_CELLS))
    _chunks_jit(job, np.int64(0))
    left, top, right, bottom = job[jobs.WIDTH], job[jobs.HEIGHT], 0, 0
    patience = CHUNK_SPINS
    for c in range(n_chunks):
        while jobs.seen(chunks, c * jobs.CHUNK_CELLS + jobs.MADE) == 0 and patience > 0:
            jobs.pause()
            patience -= 1
        if jobs.seen(chunks, c * jobs.CHUNK_CELLS + jobs.MADE) == 0:
            # Whoever began it may have lost its core. It writes the same.
            _chunk_jit(job, c, np.int64(0))
        if chunks[c, jobs.MADE] == jobs.NO_VERTEX:
            return False
        left, top = min(left, chunks[c, jobs.BOX]), min(top, chunks[c, jobs.BOX + 1])
        right, bottom = max(right, chunks[c, jobs.BOX + 2]), max(bottom, chunks[c, jobs.BOX + 3])
    job[jobs.LEFT], job[jobs.RIGHT] = left, right
    is_empty = left >= right or top >= bottom
    job[jobs.FIRST] = 0 if is_empty else top // jobs.BAND_ROWS
    job[jobs.LAST] = 0 if is_empty else (bottom + jobs.BAND_ROWS - 1) // jobs.BAND_ROWS
    return True


@numba.njit(**OUTER)
def _draw_jit(  # type: ignore[no-untyped-def]
    job, workers, wide, n_begins, out, src, target, values, triangles, n_pictures, gain_bias,
    picture, light, tables,
):  # fmt: skip
    """Draw triangles; others may help as soon as the job is open, and none need to.

    Returns jobs.DREW, or, with nothing drawn, jobs.OVERLAPS if `out` and `src` share memory, or
    jobs.LACKS_VERTICES if a triangle names one that does not exist.
    """
    ahead = np.int64(out.ctypes.data) - np.int64(src.ctypes.data)
    if -out.size < ahead < out.size:
        return jobs.OVERLAPS
    n = triangles.shape[0]
    job[jobs.WORKERS], job[jobs.WIDE], job[jobs.DRAWN], job[jobs.HEIGHT], job[jobs.WIDTH] = (
        workers, wide, n, src.shape[0], src.shape[1],
    )  # fmt: skip
    job[jobs.N_BEGINS] = n_begins
    job[jobs.SIDE], job[jobs.SHOWN_SIDE] = gain_bias.shape[0], picture.shape[0]
    job[jobs.OUT], job[jobs.SRC] = out.ctypes.data, src.ctypes.data
    job[jobs.GAIN_BIAS], job[jobs.SHOWN] = gain_bias.ctypes.data, picture.ctypes.data
    job[jobs.LIGHT], job[jobs.TABLES] = light.ctypes.data, tables.ctypes.data
    job[jobs.TARGET], job[jobs.VALUES], job[jobs.TRIANGLES] = (
        target.ctypes.data, values.ctypes.data, triangles.ctypes.data,
    )  # fmt: skip
    job[jobs.VERTICES], job[jobs.N_MAP] = target.shape[0], n - n_pictures
    numba.carray(
        jobs.longs_at(job[jobs.CHUNKS]), ((n + jobs.CHUNK - 1) // jobs.CHUNK, jobs.CHUNK_CELLS)
    )[:, jobs.MADE] = 0
    numba.carray(jobs.longs_at(job[jobs.CLAIMS]), (workers, jobs.CLAIM_CELLS))[:, 0] = 0
    job[jobs.NEXT_CHUNK] = 0
    open_ = jobs.added(job, jobs.OPEN, 1) + 1
    exist = _ready_jit(job)
    if exist:
        jobs.tell(job, jobs.READY, open_)
        _bands_jit(job, np.int64(0))
    jobs.added(job, jobs.OPEN, 1)
    return jobs.DREW if exist else jobs.LACKS_VERTICES


@numba.njit(**OUTER)
def _awaited_jit(job):  # type: ignore[no-untyped-def]
    """Wait a moment for those who help with a job that is closed; return whether all are done."""
    for _ in range(jobs.SPINS):
        if jobs.seen(job, jobs.INSIDE) == 0:
            return True
        jobs.pause()
    return False


@numba.njit(**INNER)
def _share_jit(job, worker, open_):  # type: ignore[no-untyped-def]
    """Help with an open job; return whether with all that there was to do."""
    _chunks_jit(job, worker)
    for _ in range(jobs.SPINS):
        if jobs.seen(job, jobs.READY) == open_:
            _bands_jit(job, worker)
            return True
        if jobs.seen(job, jobs.OPEN) != open_:
            return True
        jobs.pause()
    return False


@numba.njit(**OUTER)
def _help_jit(job, worker, patience):  # type: ignore[no-untyped-def]
    """Help with the job that is open, or about to be, and with more while they soon follow."""
    helped = 0
    while patience > 0:
        open_ = jobs.seen(job, jobs.OPEN)
        if open_ % 2 == 1 and open_ != helped and worker < job[jobs.WORKERS]:
            jobs.added(job, jobs.INSIDE, 1)
            # Whoever closes it from now on waits; if it is closed already, its memory may be gone.
            if jobs.seen(job, jobs.OPEN) != open_ or _share_jit(job, worker, open_):
                helped = open_
            jobs.added(job, jobs.INSIDE, -1)
            patience = job[jobs.PATIENCE]
        else:
            jobs.pause()
            patience -= 1
