"""What kernels ask of their arrays: compiled code reads past an end in silence."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def plain(array: NDArray[Any]) -> NDArray[Any]:
    """Return an array that may be written to, which Numba takes for one type: itself, or a copy."""
    return array if array.flags.writeable else array.copy()


def check_floats(array: NDArray[np.float32], shape: tuple[int, ...]) -> None:
    """Raise ValueError unless an array is float32, in one piece and of this shape."""
    if array.shape != shape or array.dtype != np.float32 or not array.flags.c_contiguous:
        raise ValueError(f"expected C-contiguous float32 {shape}, got {array.dtype} {array.shape}")


def check_indices(indices: NDArray[np.int32], shape: tuple[int, ...], n: int) -> None:
    """Raise ValueError unless indices are int32, in one piece, of this shape, and below `n`."""
    if indices.shape != shape or indices.dtype != np.int32 or not indices.flags.c_contiguous:
        raise ValueError(
            f"expected C-contiguous int32 {shape}, got {indices.dtype} {indices.shape}"
        )
    # A negative one is a large one without a sign.
    if indices.size and int(indices.view(np.uint32).max()) >= n:
        raise ValueError(
            f"expected indices from 0 to {n - 1}, got {indices.min()} to {indices.max()}"
        )
