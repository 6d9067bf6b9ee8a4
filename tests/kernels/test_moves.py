"""Moves: the kernel against its reference, on a surface with a slit and covers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from kernels import moves, moves_reference
from kernels.surfaces import Limits, Surface, Wish

N, PAIRS, DISCS = 60, 5, 2
LIMITS = np.array(
    Limits(
        surely=0.15,
        enough_at_rest=1.2,
        enough_moving=2.5,
        enough_part=1.25,
        edge_on=0.22,
        facing=0.55,
        held_from=0.5,
        held_at=0.8,
        radius=0.7,
        least_room=0.02,
        shut=0.15,
        opened=0.45,
        hardly=1e-3,
        least_sag=0.55,
        reach=0.22,
    ),
    np.float32,
)


def surface(rng: np.random.Generator) -> Surface:
    """Return one whose points do whatever they like."""
    fields = rng.uniform(0, 1, (moves.PAIRS + PAIRS, N))
    normals = rng.normal(0, 1, (3, N))
    fields[: moves.SIDE] = normals / np.linalg.norm(normals, axis=0)
    fields[[moves.FREE, moves.WITHIN, moves.FALLS, moves.BELOW]] = rng.integers(0, 2, (4, N))
    ints = rng.permutation(N).astype(np.int32)
    covers = np.concatenate([ints[:12].reshape(4, 3), [[N], [N + 1], [N], [N + 1]]], axis=1)
    return Surface(
        fields=fields.astype(np.float32),
        slit=ints[12 : 12 + 2 * PAIRS].reshape(2, PAIRS).copy(),
        rim=ints[25:40].copy(),
        covers=covers.astype(np.int32),
        sagging=ints[40:43].copy(),
        vertices=np.concatenate([np.arange(N), ints[25:40], ints[:4]]).astype(np.int32),
        n_held=6,
        n_points=N + DISCS,
    )


def pose(rng: np.random.Generator, unit: float) -> NDArray[np.float32]:
    turn, _ = np.linalg.qr(rng.normal(0, 1, (3, 3)))
    whole = np.eye(4)
    whole[:3, :3] = unit * turn
    return whole.astype(np.float32)


@given(
    seed=st.integers(0, 9999),
    sigma=st.floats(0, 1.5),
    unit=st.floats(5, 30),
    closing=st.sampled_from([0.0, 0.3, 0.9]),
    moving=st.floats(0, 1),
    apart=st.floats(0.05, 3),
)
def test_moves_are_those_of_the_reference(
    seed: int, sigma: float, unit: float, closing: float, moving: float, apart: float
) -> None:
    rng = np.random.default_rng(seed)
    points = (apart * unit * rng.normal(0, 1, (N + DISCS, 3))).astype(np.float32)
    wish = Wish(
        rng.uniform(-1, 2, N).astype(np.float32),
        rng.normal(0, sigma, (N, 3)).astype(np.float32),
        rng.normal(0, sigma / 4, (N, 3)).astype(np.float32),
        rng.integers(0, 2, N).astype(bool),
        closing,
        moving,
    )
    of, how = surface(rng), pose(rng, unit)
    results = []
    for module in (moves, moves_reference):
        target, values = np.zeros((N + 25, 2), np.float32), np.zeros((N + 25, 5), np.float32)
        opened = module.move(target, values, points, how, unit, wish, of, LIMITS)
        results.append((target, values, opened))
    for found, expected in zip(*results, strict=True):
        np.testing.assert_allclose(found, expected, rtol=2e-3, atol=0.02)
    np.testing.assert_array_equal(results[0][0][N:], 0)


def test_what_is_read_only_is_taken_and_what_is_wrong_refused(rng: np.random.Generator) -> None:
    of, how = surface(rng), pose(rng, 10)
    points = rng.normal(0, 30, (N + DISCS, 3)).astype(np.float32)
    offset = np.zeros((N, 3), np.float32)
    wish = Wish(np.ones(N, np.float32), offset, offset, np.ones(N, bool), 0.0, 0.0)
    for array in (points, how, offset):
        array.flags.writeable = False
    target, values = np.zeros((N + 25, 2), np.float32), np.zeros((N + 25, 5), np.float32)
    moves.move(target, values, points, how, 10.0, wish, of, LIMITS)
    with pytest.raises(ValueError, match=r"float32 \(62, 3\)"):
        moves.move(target, values, points[:N], how, 10.0, wish, of, LIMITS)
    with pytest.raises(ValueError, match="expected at least 79 vertices, got 70"):
        moves.move(target[:70], values[:70], points, how, 10.0, wish, of, LIMITS)
    wrong = wish._replace(marked=np.ones(N, np.float32))
    with pytest.raises(ValueError, match="expected bool"):
        moves.move(target, values, points, how, 10.0, wrong, of, LIMITS)
