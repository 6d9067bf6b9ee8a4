"""Apply a pixel map to a picture: one fused pass over the target triangles.

For every covered pixel: its source position (affine in the triangle), its place in the map, a
sample of the input, gain and bias (or the mouth picture), rounding to uint8. Pixels that no
triangle covers keep what `out` held.
"""

from __future__ import annotations

import math
from contextlib import nullcontext
from functools import lru_cache
from typing import Any, NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from kernels import ONE_CALLER, jobs, uncompiled
from kernels.awaited import AWAITED
from kernels.drawing import _draw_jit
from kernels.helpers import HELPERS
from kernels.planes import room
from kernels.tables import tables

# A cache line, bytes.
LINE = 64
JIT_OFF = bool(numba.config.DISABLE_JIT)  # type: ignore[attr-defined]


def apply(
    out: NDArray[np.uint8],
    src: NDArray[np.uint8],
    target: NDArray[np.float32],
    values: NDArray[np.float32],
    triangles: NDArray[np.int32],
    n_picture_triangles: int,
    gain_bias: NDArray[np.float32],
    picture: NDArray[np.float32],
    light: NDArray[np.float32],
    *,
    sharp: bool = False,
) -> None:
    """Draw the triangles, sampling `src`, into `out`.

    Parameters
    ----------
    out : ndarray of shape (H, W, 3), uint8
        Written to where a triangle covers a pixel's centre. Must not overlap `src`.
    src : ndarray of shape (H, W, 3), uint8
        The input picture. What lies outside it is observed at its border.
    target : ndarray of shape (V, 2), float32
        Where each vertex is drawn, x and y in px of `out`.
    values : ndarray of shape (V, 5), float32
        Per vertex: source x and y in px of `src`; u and v in [0, 1] of the map or picture, beyond
        which the nearest edge is taken;
        amount: the exponent of the gain and factor of the bias, or the picture's opacity.
    triangles : ndarray of shape (T, 3), int32
        Vertex indices. Only those that run clockwise as seen (y down) in `target` are drawn,
        in this order, later ones over earlier ones. Passed over are those that change nothing,
        and those with a number that is not finite at a vertex.
    n_picture_triangles : int
        The last so many triangles show `picture`; the others observe the map.
    gain_bias : ndarray of shape (S, S, 4), float32
        Logarithm of the gain for the three channels, and the bias in units of ``light[3]``.
    picture : ndarray of shape (M, M, 4), float32
        Three channels in units of ``light[:3]``, and opacity in [0, 1].
    light : ndarray of shape (4,), float32
        Grey levels.
    sharp : bool, optional
        Whether `src` is sampled by Catmull-Rom's cubic, which keeps the grain of skin that a
        bilinear sample between pixels blurs; bilinear by default.

    Raises
    ------
    ValueError
        If an array has another shape or type, is not C-contiguous, `triangles` names a vertex
        that does not exist, or `out` shares memory with `src`.

    Notes
    -----
    Per pixel ``y(u) = g(u)^a x(u + d(u)) + a b(u)``: each output pixel observes one input
    position, as in Akram & Khan (2020), arXiv 2010.14397, eq. 4, and chooses where.
    ``g^a`` is taken as the fourth power of exp's series up to the second, positive throughout; it
    stops before 4, and biases at 2000 grey levels.
    On a triangle whose amounts are all zero the map is not looked at.
    Gain and bias are looked up on even rows and columns of `out` and interpolated, across the
    edges of triangles too; where no triangle is, they change nothing.
    Positions are rounded to 1/64 px, and :mod:`kernels.weights` to whole numbers; all sums fit 16
    bits, with parts of a grey level. Pixels 2k and 2k + 1 of a row whose displacements differ by
    less than half a pixel take their samples from the same four rows, at their mean position down:
    they are then off by a quarter of a pixel at most, and in skin by a hundredth.
    """
    _check(out, src, target, values, triangles, n_picture_triangles, light)
    _check_table("gain_bias", gain_bias)
    _check_table("picture", picture)
    if src.size == 0:
        return
    if AWAITED:
        mesh = (target, values, triangles, n_picture_triangles)
        with np.errstate(all="ignore"):
            uncompiled.draw(out, src, mesh, gain_bias, picture, light, sharp)
        return
    with ONE_CALLER:
        _draw(out, src, target, values, triangles, n_picture_triangles, gain_bias, picture, light,
              sharp)  # fmt: skip


def _draw(
    out: NDArray[np.uint8],
    src: NDArray[np.uint8],
    target: NDArray[np.float32],
    values: NDArray[np.float32],
    triangles: NDArray[np.int32],
    n_picture_triangles: int,
    gain_bias: NDArray[np.float32],
    picture: NDArray[np.float32],
    light: NDArray[np.float32],
    sharp: bool,
) -> None:
    """Draw what has been checked, alone or with helpers."""
    src, target, values, triangles, gain_bias, picture, light = (
        _read_only(array) for array in (src, target, values, triangles, gain_bias, picture, light)
    )
    height, width = src.shape[:2]
    workers = numba.get_num_threads()
    made = _made(workers, height, width, -(-len(triangles) // 512) * 512)
    HELPERS.job[jobs.KINDS : jobs.CELLS] = made.addresses
    if workers > 1:
        HELPERS.call(workers - 1)
    # As compiled code does: numbers too large to draw are no reason to warn.
    with np.errstate(all="ignore") if JIT_OFF else nullcontext():
        try:
            done = _draw_jit(
                HELPERS.job, workers, made.wide, made.n_begins, out, src, target, values, triangles,
                n_picture_triangles, gain_bias, picture, light, tables(sharp),
            )  # fmt: skip
        finally:
            if workers > 1:
                HELPERS.wait()
    if done == jobs.OVERLAPS:
        raise ValueError("out must not share memory with src: rows would read what others wrote")
    if done == jobs.LACKS_VERTICES:
        raise ValueError(f"triangles name vertices that are not among the {len(target)}")


class _Made(NamedTuple):
    """Memory that is kept, since to be given new memory takes longer than to fill it."""

    wide: int
    n_begins: int
    scratch: tuple[NDArray[Any], ...]
    addresses: NDArray[np.int64]


@lru_cache(maxsize=2)
def _made(workers: int, height: int, width: int, n: int) -> _Made:
    """Return memory for `n` triangles, and for each worker what it notes of a band.

    Whoever uses it holds ONE_CALLER.
    """
    # Whole cache lines for each worker's part of everything, and a run beyond the last pixel.
    wide = (width + 2 * jobs.RUN + 31) // 32 * 32
    node_rows, n_begins = jobs.BAND_ROWS // 2 + 1, jobs.count_begins(height)
    owners = _aligned((workers, jobs.BAND_ROWS, wide), np.float32)
    owners[:] = -1
    scratch = (
        *room(n),
        _aligned((n // jobs.CHUNK, jobs.CHUNK_CELLS), np.int64),
        _aligned((workers, jobs.CLAIM_CELLS), np.int64),
        _aligned((n * n_begins,), np.int32),
        _aligned((n // jobs.CHUNK, n_begins), np.int64),
        _aligned((workers, n_begins), np.int64),
        _aligned((workers, n), np.int32),
        _aligned((workers, jobs.BAND_ROWS, 2, wide), np.float32),
        _aligned((workers, 3, node_rows, wide // 2 + jobs.RUN), np.float32),
        owners,
        _aligned((workers, 2, 2 * jobs.RUN), np.int32),
        _aligned((workers, 2, jobs.RUN), np.int32),
        _aligned((workers, 5, jobs.RUN), np.float32),
        _aligned((workers, wide // 2 + jobs.RUN, 4), np.float32),
        _aligned((workers, node_rows, wide // 2 + jobs.RUN, 8), np.int16),
        _aligned((workers, 2, wide // 2), np.int32),
    )
    addresses = [array.ctypes.data for array in scratch]
    return _Made(wide, n_begins, scratch, np.array(addresses, np.int64))


def _aligned(shape: tuple[int, ...], dtype: type) -> NDArray[Any]:
    """Return zeros that begin a cache line: two threads that write to one wait for each other."""
    size = math.prod(shape) * np.dtype(dtype).itemsize
    memory = np.zeros(size + LINE, np.uint8)
    start = -memory.ctypes.data % LINE
    return memory[start : start + size].view(dtype).reshape(shape)


def _read_only(array: NDArray[Any]) -> NDArray[Any]:
    """Return a view that Numba takes for one type, whether `array` may be written to or not."""
    view: NDArray[Any] = array.view()
    view.setflags(write=False)
    return view


def _check(
    out: NDArray[np.uint8],
    src: NDArray[np.uint8],
    target: NDArray[np.float32],
    values: NDArray[np.float32],
    triangles: NDArray[np.int32],
    n_picture_triangles: int,
    light: NDArray[np.float32],
) -> None:
    """Raise ValueError unless pictures and mesh are as :func:`apply` describes them."""
    if out.shape != src.shape or src.ndim != 3 or src.shape[2] != 3:
        raise ValueError(f"out and src must both be (H, W, 3), got {out.shape} and {src.shape}")
    n = len(target)
    _check_shape("target", target, (n, 2))
    _check_shape("values", values, (n, 5))
    _check_shape("triangles", triangles, (len(triangles), 3))
    _check_shape("light", light, (4,))
    _check_memory("out", out, np.uint8)
    _check_memory("src", src, np.uint8)
    _check_memory("target", target, np.float32)
    _check_memory("values", values, np.float32)
    _check_memory("light", light, np.float32)
    _check_memory("triangles", triangles, np.int32)
    if not 0 <= n_picture_triangles <= len(triangles):
        raise ValueError(f"{n_picture_triangles} of {len(triangles)} triangles cannot be pictures")
    if not out.flags.writeable:
        raise ValueError("out is read-only")


def _check_table(name: str, table: NDArray[np.float32]) -> None:
    """Raise ValueError unless `table` is square, of four numbers each."""
    side = len(table) if table.ndim else 0
    if table.shape != (side, side, 4) or side < 2:
        raise ValueError(f"{name} must be (S, S, 4) with S at least 2, got {table.shape}")
    _check_memory(name, table, np.float32)


def _check_shape(name: str, array: NDArray[Any], expected: tuple[int, ...]) -> None:
    """Raise ValueError unless `array` has this shape."""
    if array.shape != expected:
        raise ValueError(f"{name} must be {expected}, got {array.shape}")


def _check_memory(name: str, array: NDArray[Any], dtype: type) -> None:
    """Raise ValueError unless `array` is C-contiguous and of this type."""
    plain = array.flags.c_contiguous and array.flags.aligned
    if array.dtype != dtype or not plain:
        layout = "" if plain else ", not C-contiguous or not aligned"
        raise ValueError(
            f"{name} must be C-contiguous {np.dtype(dtype).name}, got {array.dtype}{layout}"
        )
