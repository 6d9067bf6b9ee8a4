"""What :mod:`kernels.moves` computes, in plain NumPy: the oracle of its tests."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from kernels.moves import (
    BELOW,
    COVERS,
    FALLS,
    FOLLOWS,
    FREE,
    NORMAL,
    PAIRS,
    SAG,
    SIDE,
    WITHIN,
)
from kernels.surfaces import Limits, Surface, Wish


def move(
    target: NDArray[np.float32],
    values: NDArray[np.float32],
    points: NDArray[np.float32],
    pose: NDArray[np.float32],
    unit: float,
    wish: Wish,
    surface: Surface,
    limits: NDArray[np.float32],
) -> float:
    """Move points as :func:`kernels.moves.move`."""
    limit = Limits(*limits.tolist())
    n, fields = len(wish.amounts), surface.fields
    live = np.ascontiguousarray(points[:, :2])
    down = -pose[:2, 1] / max(float(np.linalg.norm(pose[:2, 1])), 1e-6)
    values[: len(surface.vertices), :2] = live[surface.vertices]
    values[:n, 4] = wish.amounts * fields[WITHIN] * wish.marked
    upper, lower = surface.slit
    shift = wish.amounts[:, None] * wish.offset + wish.added
    open_now = float(((live[lower] - live[upper]) @ down).max()) / unit
    opened = _limit_slit(shift[:, 1], surface, limit, open_now, wish)
    shift *= _kept(pose, fields, limit)
    ways = np.asarray(shift @ pose[:2, :3].T, np.float32)
    _hold_at_rim(ways, values, surface, limit)
    _hold_covers(ways, live, surface, down, unit, limit)
    middle, right, left = surface.sagging
    deep, sag = (
        float((at[middle] - (at[right] + at[left]) / 2) @ down) for at in (live, live[:n] + ways)
    )
    missing = max(limit.least_sag * max(deep, 0.0) - sag, 0.0)
    target[:n] = live[:n] + ways + missing / 2 * fields[SAG][:, None] * down
    return opened


def _limit_slit(
    height: NDArray[np.float32], surface: Surface, limit: Limits, open_now: float, wish: Wish
) -> float:
    """Limit, in place, how far the slit opens and closes; return how far it was to be opened."""
    fields, (upper, lower) = surface.fields, surface.slit
    meeting = fields[PAIRS:].T

    def parted() -> NDArray[np.float32]:
        return np.asarray(height[upper] - height[lower], np.float32)

    before = parted()
    opened = float(before.max())
    if wish.closing > 0 and opened > 0:
        part = wish.closing * min(opened / limit.surely, 1.0)
        height -= part * np.minimum(height, 0) * fields[FALLS]
        left = np.maximum(parted() - (1 - wish.closing) * np.maximum(before, 0), 0)
        height += meeting @ (left / 2)
        opened = float(parted().max())
    enough = limit.enough_at_rest + wish.moving * (limit.enough_moving - limit.enough_at_rest)
    enough = max(enough, limit.enough_part * opened)
    held = min(max(opened / limit.surely, 0.0), 1.0) * min(max(open_now / enough, 0.0), 1.0)
    height -= held * np.minimum(height, 0) * fields[FALLS]
    closed = -float(parted().min())
    if closed > 0:
        room = max(open_now, 0.0)
        lost = min(closed / limit.surely, 1.0) * (1 - min(room / closed, 1.0))
        height -= lost * np.maximum(height, 0) * (fields[BELOW] > 0)
        closing = np.maximum(-parted(), 0)
        whole = max(float(closing.max()), 1e-6)
        height -= (1 - min(room / whole, 1.0)) * (meeting @ (closing / 2))
    return opened


def _kept(
    pose: NDArray[np.float32], fields: NDArray[np.float32], limit: Limits
) -> NDArray[np.float32]:
    """Return what part of its displacement each point keeps, (N, 1)."""
    depth = pose[2, :3]
    facing = -depth @ fields[NORMAL : NORMAL + 3] / max(float(np.linalg.norm(depth)), 1e-6)
    t = np.clip((facing - limit.edge_on) / (limit.facing - limit.edge_on), 0, 1)
    kept = (1 - fields[SIDE] * (1 - t * t * (3 - 2 * t))) * fields[FREE]
    return np.asarray(kept[:, None], np.float32)


def _hold_at_rim(
    ways: NDArray[np.float32], values: NDArray[np.float32], surface: Surface, limit: Limits
) -> None:
    """Add the rim's second row; hold back what would leave it. In place."""
    n, rim = len(ways), surface.rim
    middle = values[rim, :2].mean(axis=0)
    second = values[n : n + len(rim), :2]
    second += limit.reach * (second - middle)
    held = rim[: surface.n_held]
    out = values[held, :2] - middle
    width = np.maximum((out * out).sum(axis=1) * limit.reach, 1e-6)
    used = float(((ways[held] * out).sum(axis=1) / width).max())
    start, room = limit.held_from, limit.held_at - limit.held_from
    if used > start:
        allowed = start + room * math.tanh((used - start) / room)
        ways *= 1 - (1 - allowed / used) * surface.fields[FOLLOWS][:, None]


def _hold_covers(
    ways: NDArray[np.float32],
    live: NDArray[np.float32],
    surface: Surface,
    down: NDArray[np.float32],
    unit: float,
    limit: Limits,
) -> None:
    """Let covers part only a little further than their discs reach. In place."""
    covers, discs = surface.covers[:, :-1], surface.covers[:, -1]
    side = np.array([1, 1, -1, -1], np.float32)[:, None]
    height, rise = live @ -down, ways @ -down
    lift = (side * rise[covers]).max(axis=1) / unit
    stands = (side * (height[covers] - height[discs][:, None])).max(axis=1) / unit
    opening = np.tile((height[covers[:2]] - height[covers[2:]]).max(axis=1), 2) / unit
    room = np.maximum(limit.radius - stands, limit.least_room)
    kept = (1 + np.maximum(lift / room, 0) ** 3) ** (-1 / 3)
    awake = np.clip((opening - limit.shut) / (limit.opened - limit.shut), 0, 1)
    held = np.where(lift > 0, 1 - kept * awake, 0)
    if held.max() <= limit.hardly:
        return
    beside = surface.fields[COVERS:PAIRS]
    up, fall = held[:2] @ beside[:2], held[2:] @ beside[2:]
    taken = np.maximum(rise, 0) * up + np.minimum(rise, 0) * fall
    ways += taken[:, None] * down
