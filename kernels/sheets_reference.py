"""What :mod:`kernels.sheets` and :mod:`kernels.seams` compute, in plain NumPy: their oracle."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kernels.seams import Cut, Cutting, Seams
from kernels.sheets import Edges, Yielding


def cut(
    points: NDArray[np.float32],
    after: NDArray[np.float32],
    seams: Seams,
    cutting: NDArray[np.float32],
    down: NDArray[np.float32],
) -> Cut:
    """Cut edges as :func:`kernels.seams.cut`."""
    x, y = down.tolist()
    how = Cutting(*cutting.tolist())
    axes = np.array([[y, -x], [-x, -y]], np.float32)
    discs = points[:, :2][seams.discs] @ axes
    first, width = discs[:, 1:, 0].min(axis=1), np.ptp(discs[:, 1:, 0], axis=1)
    beside = np.clip(discs[:, 0, 0], first + how.inner_from * width, first + how.inner_to * width)
    centres = np.stack([beside, discs[:, 0, 1]], axis=1).astype(np.float32)
    at = np.arange(seams.columns) / seams.cuts
    weights = np.maximum(1 - np.abs(at[:, None] - np.arange(seams.edges.shape[2])), 0)
    live, moved = (
        (weights @ (of[:, :2][seams.edges] @ axes - centres[:, None])).astype(np.float32)
        for of in (points, after)
    )
    parted = np.array([1, -1], np.float32)[:, None, None] * (moved - live)[..., 1]
    opening = np.maximum(live[0, ..., 1] - live[1, ..., 1], 0)
    deep = np.array([how.upper_fringe, how.lower_fringe], np.float32)[:, None, None]
    deep = np.minimum(deep, np.float32(how.fringe_part) * opening)
    edges = Edges(live, moved, parted, np.minimum(deep, np.abs(parted)))
    middle = np.abs(moved[..., 0].sum(axis=0)).argmin(axis=1).astype(np.int64)
    return Cut(edges, middle, centres, float(parted.max()), float(parted.min()))


def lay(
    target: NDArray[np.float32],
    values: NDArray[np.float32],
    edges: Edges,
    middle: NDArray[np.int64],
    centres: NDArray[np.float32],
    down: NDArray[np.float32],
    yielding: Yielding,
) -> None:
    """Lay sheets as :func:`kernels.sheets.lay`, whose sheets observe on past their `middle`."""
    del middle
    x, y = down.tolist()
    axes = np.array([[y, -x], [-x, -y]], np.float32)
    for out, laid in zip((target, values), _laid(edges, target.shape[2], yielding), strict=True):
        # The axes are their own inverse.
        out[..., :2] = (laid + centres[:, None, None]) @ axes


def _laid(
    edges: Edges, n_rows: int, yielding: Yielding
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return target and source, (2, E, rows, columns, 2), along the axes from the middle."""
    grid = _grid(edges, n_rows, yielding)
    target = np.stack([grid, grid])
    source = target.copy()
    if yielding.uncovers:
        _uncover(source, edges, yielding)
    # The edges are their own, and so is the fringe of an edge that covers more.
    for lower, (edge, end, into) in enumerate(((0, 1, -1), (-1, -2, 1))):
        source[:, :, edge] = edges.live[lower]
        fringe = edges.live[lower].copy()
        fringe[..., 1] += into * edges.fringe[lower]
        covers = (edges.parted[lower] < 0)[..., None]
        source[:, :, end] = np.where(covers, fringe, source[:, :, end])
    return target, source


def _grid(edges: Edges, n_rows: int, yielding: Yielding) -> NDArray[np.float32]:
    """Return the vertices between the edges, (E, rows, columns, 2)."""
    upper, lower = edges.moved
    height = np.maximum(upper[..., 1] - lower[..., 1], yielding.tiny)
    covering = np.clip(-edges.parted, 0, yielding.giving_way)
    fringe, lower_fringe = np.minimum(edges.fringe / height, 0.25)
    settled, lower_settled = np.minimum((edges.fringe + covering) / height, 0.4)
    between = [
        settled + (1 - lower_settled - settled) * part for part in np.linspace(0, 1, n_rows - 4)
    ]
    zero = np.zeros_like(settled)
    parts = np.stack([zero, fringe, *between, 1 - lower_fringe, zero + 1], axis=1)[..., None]
    return np.asarray(upper[:, None] + parts * (lower - upper)[:, None], np.float32)


def _uncover(source: NDArray[np.float32], edges: Edges, yielding: Yielding) -> None:
    """Move what vertices observe to where the live edges do not hide it. In place."""
    live, parted, fringe = edges.live, edges.parted, edges.fringe
    side = np.array([-1, 1], np.float32)[:, None, None, None]
    high = live[0, ..., 1] - np.where(parted[0] > 0, fringe[0], 0)
    low = np.minimum(live[1, ..., 1] + np.where(parted[1] > 0, fringe[1], 0), high)
    beside = np.maximum(side * source[..., 0], 0)
    up = source[..., 1]
    radius = np.maximum(np.hypot(beside, up), yielding.tiny)

    def angle(height: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.asarray(np.arcsin(np.clip(height[:, None] / radius, -1, 1)), np.float32)

    top, bottom, turned = angle(high), angle(low), np.arcsin(np.clip(up / radius, -1, 1))
    uncovered = (
        (top, angle(high + np.maximum(parted[0], 0))),
        (bottom, angle(low - np.maximum(parted[1], 0))),
    )
    for end, end_wanted in uncovered:
        gained = end_wanted - end
        reach = np.minimum(np.abs(yielding.arc * gained), (top - bottom) / 2)
        pivot = end - np.sign(gained) * reach
        part = reach / np.maximum(reach + np.abs(gained), yielding.tiny)
        beyond = (turned - pivot) * np.sign(gained) > 0
        turned = np.where(beyond, pivot + (turned - pivot) * part, turned)
    seen_beside, seen_up = radius * np.cos(turned), radius * np.sin(turned)
    for half in range(2):
        for e in range(live.shape[1]):
            order = slice(None, None, -1) if half == 0 else slice(None)
            at = (2 * half - 1) * live[0, e, order, 0]
            place = seen_beside[half, e], seen_up[half, e], radius[half, e]
            _keep_between(place, at, low[e, order], high[e, order], yielding.slides)
    source[..., 0] += side * (seen_beside - beside)
    source[..., 1] = seen_up


def _keep_between(
    place: tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]],
    at: NDArray[np.float32],
    low: NDArray[np.float32],
    high: NDArray[np.float32],
    slides: int,
) -> None:
    """Move points along their circles until they lie between the live edges. In place."""
    beside, up, radius = place
    for _ in range(slides):
        up[...] = np.clip(up, np.interp(beside, at, low), np.interp(beside, at, high))
        beside[...] = np.sqrt(np.maximum(radius * radius - up * up, 0))
    up[...] = np.clip(up, np.interp(beside, at, low), np.interp(beside, at, high))
