"""Time the fused kernel beside OpenCV: the same warp alone, and the same work as a chain.

On a synthetic face (the rest mesh, facing the camera) wearing the shipped happy map. Contenders
take turns, so that a machine that slows down slows all of them; what counts are turns that had the
core to themselves, where each contender had enough of these.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import cv2
import numba
import numpy as np
from numpy.typing import NDArray

from kernels import reference
from kernels.apply import apply
from livexpr import bench_turns, face_mesh, pixel_map, placement, presets, regions
from livexpr.shading import shaded_landmarks
from livexpr.types import FaceTrack

_CALLS_PER_TURN = 8
_LIGHT = np.array([90, 100, 120, 105], np.float32)
# The kernel may differ from its reference by one rounding, but for few pixels at a limit that the
# other just misses, and from the chain, which takes positions to 1/32 px, by this much on average,
# in grey levels.
_MOST_ABOVE_ONE, _MEAN_CHAIN = 1e-3, 0.75


class Scene(NamedTuple):
    """What is filtered: arguments of :func:`kernels.apply.apply`, and the boxes it touches."""

    src: NDArray[np.uint8]
    mesh: tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.int32], int]
    gain_bias: NDArray[np.float32]
    mouth: NDArray[np.float32]
    face_box: tuple[int, int, int, int]
    drawn_box: tuple[int, int, int, int]


class Chain(NamedTuple):
    """The same work for OpenCV, prepared: dense maps of the drawn box, gains already powers."""

    source_x: NDArray[np.float32]
    source_y: NDArray[np.float32]
    table_x: NDArray[np.float32]
    table_y: NDArray[np.float32]
    gain: NDArray[np.float32]
    bias: NDArray[np.float32]
    inside: NDArray[np.bool_]


def synthetic_face(height: int, width: int, face_px: float) -> FaceTrack:
    """Return the rest face, facing the camera in the middle of the frame, `face_px` tall."""
    rest = face_mesh.load().rest_cm
    scale = face_px / float(np.ptp(rest[:, 1]))
    frame_from_head = np.diag([scale, -scale, -scale, 1]).astype(np.float32)
    middle = (rest.max(axis=0) + rest.min(axis=0)) / 2
    frame_from_head[:2, 3] = [width / 2 - scale * middle[0], height / 2 + scale * middle[1]]
    landmarks = np.zeros((478, 3), np.float32)
    landmarks[:468] = rest @ frame_from_head[:3, :3].T + frame_from_head[:3, 3]
    return FaceTrack(landmarks, np.zeros(52, np.float32), frame_from_head)


def scene(height: int, width: int, face_px: float, amount: float = 1.0) -> Scene:
    """Return a noisy picture and a happy face on it.

    Raises
    ------
    PresetError, FormatError
        If the happy map is missing or damaged.
    """
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 256, (height // 4 + 1, width // 4 + 1, 3), dtype=np.uint8)
    src = np.asarray(cv2.resize(noise, (width, height), interpolation=cv2.INTER_CUBIC), np.uint8)
    happy = pixel_map.load(presets.map_path("happy"))
    track = synthetic_face(height, width, face_px)
    amounts = regions.landmark_amounts(amount, (1, 1, 1, 1))
    gain_bias = happy.gain_bias()
    placed = placement.place(track, happy, amounts, shaded_landmarks(gain_bias))
    mesh = (placed.target_px, placed.values, placed.triangles, placed.n_mouth_triangles)
    face_box = _box(track.landmarks_px[: face_mesh.N_LANDMARKS, :2], height, width)
    drawn_box = _box(placed.target_px, height, width)
    return Scene(src, mesh, gain_bias, happy.mouth, face_box, drawn_box)


def _box(points: NDArray[np.float32], height: int, width: int) -> tuple[int, int, int, int]:
    """Return left, top, right and bottom of the pixels around `points`, inside the frame."""
    left, top = np.clip(np.floor(points.min(axis=0)), 0, [width, height]).astype(int)
    right, bottom = np.clip(np.ceil(points.max(axis=0)) + 1, 0, [width, height]).astype(int)
    return int(left), int(top), int(right), int(bottom)


def chain(of: Scene) -> Chain:
    """Return dense maps of the scene's skin; the mouth picture is left to the kernel."""
    target, values, triangles, n_mouth = of.mesh
    height, width = of.src.shape[:2]
    dense = np.zeros((height, width, 5), np.float32)
    inside = np.zeros((height, width), np.bool_)
    for t, corners in enumerate(triangles):
        if reference.twice_area(target[corners]) <= 0:
            continue
        y, x = reference.covered(target[corners], height, width)
        at = np.vstack([target[corners].T.astype(np.float64), np.ones(3)])
        weights = np.linalg.solve(at, [x, y, np.ones(len(x))])
        dense[y, x] = weights.T @ values[corners]
        inside[y, x] = t < len(triangles) - n_mouth
    left, top, right, bottom = of.drawn_box
    dense, inside = dense[top:bottom, left:right], inside[top:bottom, left:right]
    source_x, source_y, u, v, _ = (np.ascontiguousarray(dense[..., i]) for i in range(5))
    # Gain to the power of the amount, as if all had the whole amount: favours the chain.
    gain = np.exp(of.gain_bias[..., :3])
    bias = np.repeat(of.gain_bias[..., 3:] * _LIGHT[3], 3, axis=2)
    far = np.float32(len(of.gain_bias) - 1)
    return Chain(source_x, source_y, u * far, v * far, gain, bias, inside)


def run_chain(src: NDArray[np.uint8], maps: Chain) -> NDArray[np.uint8]:
    """Return the drawn box as OpenCV computes it: warp, look the map up, multiply, add, round."""
    moved = cv2.remap(src, maps.source_x, maps.source_y, cv2.INTER_LINEAR)
    gain = cv2.remap(maps.gain, maps.table_x, maps.table_y, cv2.INTER_LINEAR)
    bias = cv2.remap(maps.bias, maps.table_x, maps.table_y, cv2.INTER_LINEAR)
    painted = cv2.add(cv2.multiply(moved, gain, dtype=cv2.CV_32F), bias)
    _, painted = cv2.threshold(painted, 0, 0, cv2.THRESH_TOZERO)
    return np.asarray(cv2.convertScaleAbs(painted), np.uint8)


def verify(of: Scene, maps: Chain) -> None:
    """Raise RuntimeError unless kernel, reference and chain agree on the scene."""
    fused, slow, plain = (of.src.copy() for _ in range(3))
    apply(fused, of.src, *of.mesh, of.gain_bias, of.mouth, _LIGHT, sharp=True)
    reference.apply(slow, of.src, *of.mesh, of.gain_bias, of.mouth, _LIGHT, sharp=True)
    # The chain is bilinear.
    apply(plain, of.src, *of.mesh, of.gain_bias, of.mouth, _LIGHT)
    left, top, right, bottom = of.drawn_box
    box = np.s_[top:bottom, left:right]
    above_one = float((np.abs(fused.astype(int) - slow)[box].max(axis=2) > 1).mean())
    difference = np.abs(plain[box].astype(int) - run_chain(of.src, maps))
    mean = float(difference[maps.inside].mean())
    if above_one > _MOST_ABOVE_ONE or mean > _MEAN_CHAIN or np.array_equal(fused, of.src):
        raise RuntimeError(
            f"the kernel differs from its reference in {above_one:.2%} of the pixels and from "
            f"OpenCV by {mean:.2f} grey levels on average: nothing was timed"
        )


def _identity_maps(box: tuple[int, int, int, int]) -> tuple[NDArray[np.float32], ...]:
    """Return maps of a box, shifted by part of a pixel so that nothing can be skipped."""
    left, top, right, bottom = box
    x = np.arange(left, right, dtype=np.float32) + np.float32(0.3)
    y = np.arange(top, bottom, dtype=np.float32) + np.float32(0.3)
    grid_x, grid_y = np.meshgrid(x, y)
    return grid_x, grid_y


def measure(height: int = 720, width: int = 1280, face_px: float = 360) -> dict[str, Any]:
    """Time kernel and peers; compilation is not part of it.

    Parameters
    ----------
    height, width : int
        Of the picture, px.
    face_px : float
        Height of the face, from hairline to chin, px.

    Returns
    -------
    dict
        Times in ms (``least``, ``p50``, ``p95``, ``p99``), on two threads if there are two, of the
        turns that count, under
        ``apply_ms``; ``remap_ms``, one bare bilinear `cv2.remap` of the face's box;
        ``remap_cubic_ms``, the same, cubic as the kernel is;
        ``remap_drawn_ms``, of the box that the kernel touches; ``chain_ms``. The same of all turns
        under ``all``; ``undisturbed``, the share of turns that had the core to themselves, and
        ``only_undisturbed``, whether these alone count. All of this on one thread under
        ``serial``; the boxes and the threads.

    Raises
    ------
    RuntimeError
        If the results disagree; then nothing is timed.
    """
    of = scene(height, width, face_px)
    maps = chain(of)
    verify(of, maps)
    out = of.src.copy()
    face, drawn = _identity_maps(of.face_box), _identity_maps(of.drawn_box)
    contenders: dict[str, Callable[[], object]] = {
        "apply_ms": lambda: apply(
            out, of.src, *of.mesh, of.gain_bias, of.mouth, _LIGHT, sharp=True
        ),
        "remap_ms": lambda: cv2.remap(of.src, face[0], face[1], cv2.INTER_LINEAR),
        "remap_cubic_ms": lambda: cv2.remap(of.src, face[0], face[1], cv2.INTER_CUBIC),
        "remap_drawn_ms": lambda: cv2.remap(of.src, drawn[0], drawn[1], cv2.INTER_LINEAR),
        "chain_ms": lambda: run_chain(of.src, maps),
    }
    threads = min(2, numba.config.NUMBA_NUM_THREADS)  # type: ignore[attr-defined]
    before = numba.get_num_threads(), cv2.getNumThreads()
    try:
        serial, parallel = _timed(contenders, 1), _timed(contenders, threads)
    finally:
        numba.set_num_threads(before[0])
        cv2.setNumThreads(before[1])
    return {
        **parallel,
        "serial": serial,
        "threads": threads,
        "face_box": of.face_box,
        "drawn_box": of.drawn_box,
    }


def _timed(contenders: Mapping[str, Callable[[], object]], threads: int) -> dict[str, Any]:
    """Return the percentiles of each contender on so many threads, ms, and what they are of."""
    numba.set_num_threads(threads)
    cv2.setNumThreads(threads)
    turns = bench_turns.take(contenders, _CALLS_PER_TURN)
    alone = bench_turns.undisturbed(turns)
    only_alone = bench_turns.are_enough(alone)
    share = sum(map(len, alone.values())) / sum(map(len, turns.values()))
    return {
        **bench_turns.calls_ms(alone if only_alone else turns),
        "all": bench_turns.calls_ms(turns),
        "undisturbed": round(share, 3),
        "only_undisturbed": only_alone,
    }


def told(kernel: Mapping[str, Any]) -> str:
    """Return a line on how far other programs disturbed what :func:`measure` returned."""
    share = f"{kernel['undisturbed']:.0%} of the kernel's and its peers' turns had the core alone"
    if not kernel["only_undisturbed"]:
        return f"{share}: too few, so all count."
    ratio = kernel["all"]["apply_ms"]["p50"] / kernel["all"]["remap_ms"]["p50"]
    return f"{share}; only they count. Of all turns: {ratio:.2f} x cv2.remap."
