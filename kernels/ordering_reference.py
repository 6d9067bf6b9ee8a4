"""What :mod:`kernels.ordering` computes, in plain NumPy: the oracle of its tests."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kernels.ordering import STEPS


def far_first(
    points: NDArray[np.float32],
    corners: NDArray[np.int32],
    triangles: NDArray[np.int32],
    n_first: int,
    per_group: int,
    groups: NDArray[np.int32] | None = None,
    first_vertex: int = 0,
) -> NDArray[np.int32]:
    """Order triangles as :func:`kernels.ordering.far_first`."""
    n_sorted = len(corners)
    parts = np.split(triangles, [n_sorted, n_sorted + n_first])
    deep = points[:, 2][corners]
    depth = deep[:, 0] + deep[:, 1] + deep[:, 2]
    n_alone = n_sorted - (0 if groups is None else len(groups) * per_group)
    if groups is not None:
        of_groups = depth[n_alone:].reshape(len(groups), per_group).mean(axis=1)
        depth = np.concatenate([depth[:n_alone], of_groups])
    farthest = depth.max()
    step = np.maximum(farthest - depth.min(), np.float32(1e-6)) / np.float32(STEPS)
    order = np.argsort(((farthest - depth) / step).astype(np.uint16), kind="stable")
    if groups is None:
        return np.concatenate([parts[1], parts[0][order], parts[2]])
    finer = groups + np.int32(first_vertex)
    drawn, begun = [parts[1]], 0
    for at in np.flatnonzero(order >= n_alone):
        drawn += [parts[0][order[begun:at]], finer[order[at] - n_alone]]
        begun = at + 1
    return np.concatenate([*drawn, parts[0][order[begun:]], parts[2]])
