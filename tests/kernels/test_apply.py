"""The fused kernel: exact where it must be, and everywhere as its reference."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap

import numba
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from kernels import reference
from kernels.apply import apply

JIT_OFF = bool(numba.config.DISABLE_JIT)
LIGHT = np.array([90, 100, 110, 80], np.float32)
EMPTY = np.zeros((2, 2, 4), np.float32)


def noise(rng: np.random.Generator, height: int, width: int) -> NDArray[np.uint8]:
    return rng.integers(0, 256, (height, width, 3), dtype=np.uint8)


def rectangle(left: float, top: float, right: float, bottom: float):
    """Return the corners of a rectangle and the two triangles that cover it."""
    corners = [[left, top], [right, top], [right, bottom], [left, bottom]]
    return np.array(corners, np.float32), np.array([[0, 1, 2], [0, 2, 3]], np.int32)


def lattice(rng: np.random.Generator, height: int, width: int, cells: int, step: float):
    """Return a crooked mesh that covers every pixel, vertices on multiples of `step` px."""
    x, y = np.meshgrid(np.linspace(-1, width, cells + 1), np.linspace(-1, height, cells + 1))
    bend = rng.uniform(-0.3, 0.3, (2, cells + 1, cells + 1)) * [[[width]], [[height]]] / cells
    bend[0, :, [0, -1]] = bend[1, [0, -1], :] = 0
    points = np.stack([x + bend[0], y + bend[1]], axis=2).reshape(-1, 2)
    points = (np.round(points / step) * step).astype(np.float32)
    triangles = []
    for row in range(cells):
        for column in range(cells):
            a = row * (cells + 1) + column
            b, c, d = a + 1, a + cells + 2, a + cells + 1
            triangles += [(a, b, c), (a, c, d)] if rng.random() < 0.5 else [(a, b, d), (b, c, d)]
    return points, np.array(triangles, np.int32)


def moved(target: NDArray[np.float32], dx: float, dy: float, amount: float = 0.0):
    """Return values that observe `src` this far from the target, and the table's middle."""
    values = np.full((len(target), 5), 0.5, np.float32)
    values[:, :2] = target + np.float32([dx, dy])
    values[:, 4] = amount
    return values


@pytest.mark.parametrize("sharp", [False, True])
def test_nothing_changed_is_bit_exact(astronaut, rng, sharp):
    src = np.ascontiguousarray(astronaut[100:161, 200:283])
    target, triangles = lattice(rng, *src.shape[:2], cells=6, step=1e-3)
    out = np.zeros_like(src)
    # An amount, of nothing, has the triangles drawn.
    values = moved(target, 0, 0, 1)
    apply(out, src, target, values, triangles, 0, EMPTY, EMPTY, LIGHT, sharp=sharp)
    np.testing.assert_array_equal(out, src)


@pytest.mark.parametrize("sharp", [False, True])
def test_whole_pixel_shift_is_bit_exact(rng, sharp):
    src, out = noise(rng, 23, 31), np.zeros((23, 31, 3), np.uint8)
    target, triangles = rectangle(-1, -1, 31, 23)
    values = moved(target, -3, 2)
    apply(out, src, target, values, triangles, 0, EMPTY, EMPTY, LIGHT, sharp=sharp)
    rows, columns = np.clip(np.arange(23) + 2, 0, 22), np.clip(np.arange(31) - 3, 0, 30)
    np.testing.assert_array_equal(out, src[rows][:, columns])


def test_triangles_that_change_nothing_are_passed_over(rng):
    src, out = noise(rng, 8, 9), np.full((8, 9, 3), 7, np.uint8)
    target, triangles = rectangle(-1, -1, 9, 8)
    apply(out, src, target, moved(target, 0.01, 0), triangles, 0, EMPTY, EMPTY, LIGHT)
    assert (out == 7).all()


@st.composite
def scenes(draw):
    """Draw everything that apply takes, with vertices inside and outside small odd pictures."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    height, width = draw(st.integers(1, 24)), draw(st.integers(1, 24))
    n = draw(st.integers(3, 9))
    reach = draw(st.sampled_from([0.0, 0.4, 3.0]))
    spread = draw(st.sampled_from([0.0, 0.3, 2.0, 50.0]))
    target = rng.uniform(-reach, 1 + reach, (n, 2)) * [width, height]
    if draw(st.booleans()):
        target = np.round(target)
    values = np.concatenate(
        [target + rng.normal(0, spread + 0.1, (n, 2)), rng.uniform(0, 1, (n, 3))], axis=1
    )
    values[:, 4] *= rng.choice([-1, 0, 1])
    triangles = rng.integers(0, n, (draw(st.integers(0, 8)), 3)).astype(np.int32)
    gain_bias = rng.uniform(-0.4, 0.4, (draw(st.integers(2, 9)),) * 2 + (4,)).astype(np.float32)
    picture = rng.uniform(0, 1, (draw(st.integers(2, 9)),) * 2 + (4,)).astype(np.float32)
    mesh = (target.astype(np.float32), values.astype(np.float32), triangles)
    n_pictures = draw(st.integers(0, len(triangles)))
    return noise(rng, height, width), (*mesh, n_pictures, gain_bias, picture, LIGHT)


@given(scenes(), st.booleans())
@settings(max_examples=60 if JIT_OFF else 300, deadline=None)
def test_agrees_with_the_reference(scene, sharp):
    src, arguments = scene
    out, expected = src.copy(), src.copy()
    apply(out, src, *arguments, sharp=sharp)
    reference.apply(expected, src, *arguments, sharp=sharp)
    difference = np.abs(out.astype(int) - expected).max(axis=2)
    # On noise, a position that is rounded to the other 1/64 px makes a difference of its own; so
    # does, by more, a pair of pixels that just shares its position down or just does not.
    assert (difference > 16).sum() <= 2
    assert (difference > 1).sum() <= 8 + 0.02 * difference.size


@given(scenes())
@settings(max_examples=40 if JIT_OFF else 200, deadline=None)
def test_pixels_outside_the_triangles_keep_what_they_held(scene):
    src, arguments = scene
    target, triangles = arguments[0], arguments[2]
    touched = np.zeros(src.shape[:2], bool)
    for corners in triangles:
        if reference.twice_area(target[corners]) > 0:
            touched[reference.covered(target[corners], *src.shape[:2])] = True
    out = np.full_like(src, 201)
    apply(out, src, *arguments)
    assert (out[~touched] == 201).all()


@pytest.mark.parametrize("step", [1.0, 0.5, 1e-4])
@pytest.mark.parametrize("seed", range(3))
def test_each_pixel_of_a_mesh_is_drawn_by_one_triangle(seed, step):
    rng = np.random.default_rng(seed)
    height, width = 33, 41
    target, triangles = lattice(rng, height, width, cells=7, step=step)
    src = np.full((height, width, 3), 255, np.uint8)
    drawn = np.zeros((height, width), int)
    for corners in triangles:
        out = np.zeros_like(src)
        one = corners[None]
        apply(out, src, target, moved(target, 0.5, 0), one, 0, EMPTY, EMPTY, LIGHT)
        drawn += out.all(axis=2)
    np.testing.assert_array_equal(drawn, 1)


def test_later_triangles_cover_earlier_ones_and_pictures_all(rng):
    src = np.zeros((6, 20, 3), np.uint8)
    src[:, :10], src[:, 10:] = 50, 150
    target, triangles = rectangle(-1, -1, 20, 6)
    to_dark, to_light = moved(target, 0, 0), moved(target, 0, 0)
    to_dark[:, 0], to_light[:, 0] = 3, 15
    vertices, both = np.concatenate([target, target]), np.concatenate([to_dark, to_light])
    faces = np.concatenate([triangles, triangles + 4])
    out = src.copy()
    apply(out, src, vertices, both, faces, 0, EMPTY, EMPTY, LIGHT)
    assert (out == 150).all()
    apply(out, src, vertices, both, faces[::-1].copy(), 0, EMPTY, EMPTY, LIGHT)
    assert (out == 50).all()
    both[4:, 4] = 1
    picture = np.ones((2, 2, 4), np.float32)
    apply(out, src, vertices, both, faces, 2, EMPTY, picture, LIGHT)
    assert (out == LIGHT[:3].astype(np.uint8)).all()


@pytest.mark.parametrize("opacity", [0.0, 0.25, 1.0, 3.0])
def test_picture_is_laid_over_by_its_opacity(rng, opacity):
    src = noise(rng, 9, 7)
    target, triangles = rectangle(-1, -1, 7, 9)
    picture = np.full((3, 3, 4), 0.5, np.float32)
    values, out = moved(target, 0, 0, amount=2 * opacity), src.copy()
    apply(out, src, target, values, triangles, 2, EMPTY, picture, LIGHT)
    share = min(opacity, 1.0)
    expected = (1 - share) * src + share * 0.5 * LIGHT[:3]
    # Rounded before the picture is laid over, and after.
    np.testing.assert_allclose(out, expected, atol=1)


@pytest.mark.parametrize("far", [100.0, 1e6, 1e9, 1e30])
@pytest.mark.parametrize("side", [-1, 1])
def test_sources_outside_the_picture_are_read_at_its_border(rng, far, side):
    src, out = noise(rng, 11, 13), np.zeros((11, 13, 3), np.uint8)
    target, triangles = rectangle(-1, -1, 13, 11)
    values = moved(target, 0, 0)
    values[:, :2] = side * far
    apply(out, src, target, values, triangles, 0, EMPTY, EMPTY, LIGHT)
    corner = src[0, 0] if side < 0 else src[-1, -1]
    np.testing.assert_array_equal(out, np.broadcast_to(corner, out.shape))


def test_places_outside_the_table_are_read_at_its_border(rng):
    src = np.full((5, 5, 3), 100, np.uint8)
    target, triangles = rectangle(-1, -1, 5, 5)
    gain_bias = np.zeros((4, 4, 4), np.float32)
    gain_bias[-1, -1, 3] = 0.5
    values, out = moved(target, 0, 0, amount=1), src.copy()
    values[:, 2:4] = 7
    apply(out, src, target, values, triangles, 0, gain_bias, EMPTY, LIGHT)
    assert (out == 140).all()


@pytest.mark.parametrize("number", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("where", range(7))
def test_only_triangles_with_finite_numbers_are_drawn(rng, number, where):
    src = noise(rng, 12, 12)
    target, triangles = rectangle(-1, -1, 12, 12)
    values = moved(target, 2, 1, amount=0.5)
    (target if where < 2 else values)[3, where if where < 2 else where - 2] = number
    out, expected = src.copy(), src.copy()
    gain_bias = np.full((2, 2, 4), 0.1, np.float32)
    apply(out, src, target, values, triangles, 0, gain_bias, EMPTY, LIGHT)
    reference.apply(expected, src, target, values, triangles[:1], 0, gain_bias, EMPTY, LIGHT)
    assert np.abs(out.astype(int) - expected).max() <= 1
    assert (out != src).any()


@pytest.mark.parametrize("far", [1e4, 1e8, 1e19, 3e38])
def test_vertices_far_outside_do_no_harm(rng, far):
    src = noise(rng, 12, 15)
    target = np.array([[-far, -far], [far, -far], [0, far], [5, 5]], np.float32)
    triangles = np.array([[0, 1, 2], [0, 1, 3], [3, 1, 2]], np.int32)
    out = src.copy()
    gain_bias = np.full((2, 2, 4), 0.1, np.float32)
    values = moved(target, 1, 1, amount=1)
    apply(out, src, target, values, triangles, 1, gain_bias, gain_bias, LIGHT)
    assert out.shape == src.shape


@pytest.mark.parametrize(
    "corners",
    [
        pytest.param([[2, 2], [2, 2], [2, 2]], id="point"),
        pytest.param([[1, 1], [5, 5], [9, 9]], id="line"),
        pytest.param([[1, 3], [9, 3], [5, 3]], id="row"),
        pytest.param([[1, 1], [1, 9], [9, 1]], id="turned away"),
    ],
)
def test_empty_and_turned_triangles_are_not_drawn(rng, corners):
    src = noise(rng, 12, 12)
    target, out = np.array(corners, np.float32), src.copy()
    one = np.array([[0, 1, 2]], np.int32)
    apply(out, src, target, moved(target, 3, 3, 1), one, 0, EMPTY, EMPTY, LIGHT)
    np.testing.assert_array_equal(out, src)


def test_slivers_observe_what_lies_near_them(rng):
    src = np.zeros((40, 40, 3), np.uint8)
    src[:] = np.arange(40, dtype=np.uint8)[:, None, None] * 5
    for _ in range(200):
        ends = rng.uniform(0, 39, (2, 2))
        middle = ends.mean(axis=0) + rng.normal(0, 1e-5, 2)
        target = np.array([ends[0], ends[1], middle], np.float32)
        values = moved(target, 0, 0, 1) + np.float32([0, 1, 0, 0, 0])
        out = src.copy()
        both_ways = np.array([[0, 1, 2], [0, 2, 1]], np.int32)
        apply(out, src, target, values, both_ways, 0, EMPTY, EMPTY, LIGHT)
        assert np.abs(out.astype(int) - src).max() <= 10


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (9, 1), (2, 2), (1, 2), (2, 1)])
def test_smallest_pictures(rng, shape):
    src, out = noise(rng, *shape), np.zeros((*shape, 3), np.uint8)
    target, triangles = rectangle(-1, -1, shape[1], shape[0])
    values = moved(target, 0.4, 0.3, amount=1)
    gain_bias = np.full((2, 2, 4), 0.1, np.float32)
    expected = np.zeros_like(out)
    apply(out, src, target, values, triangles, 0, gain_bias, EMPTY, LIGHT)
    reference.apply(expected, src, target, values, triangles, 0, gain_bias, EMPTY, LIGHT)
    assert np.abs(out.astype(int) - expected).max() <= 1


@pytest.mark.parametrize("shape", [(0, 0, 3), (0, 5, 3), (5, 0, 3)])
def test_no_picture_and_no_triangles(shape):
    src = np.zeros(shape, np.uint8)
    target, triangles = rectangle(-1, -1, 5, 5)
    apply(src.copy(), src, target, moved(target, 1, 1), triangles, 0, EMPTY, EMPTY, LIGHT)
    one = np.zeros((3, 3, 3), np.uint8)
    nothing = (target[:0], np.zeros((0, 5), np.float32), triangles[:0])
    apply(one.copy(), one, *nothing, 0, EMPTY, EMPTY, LIGHT)


def test_gain_is_a_power_of_the_amount():
    src = np.full((3, 3, 3), 100, np.uint8)
    target, triangles = rectangle(-1, -1, 3, 3)
    gain_bias = np.zeros((2, 2, 4), np.float32)
    gain_bias[..., :3] = np.log([1.1, 1.5, 2.0])
    for amount in (-1.5, -1.0, -0.3, 0.0, 0.5, 1.0):
        out = src.copy()
        values = moved(target, 0, 0, amount)
        apply(out, src, target, values, triangles, 0, gain_bias, EMPTY, LIGHT)
        np.testing.assert_allclose(out[1, 1], 100 * np.array([1.1, 1.5, 2.0]) ** amount, rtol=0.02)


def test_colours_stay_in_order_however_strong_the_map():
    src = np.full((3, 3, 3), 120, np.uint8)
    target, triangles = rectangle(-1, -1, 3, 3)
    gain_bias = np.full((2, 2, 4), 1, np.float32)
    gain_bias[..., 3] = 0
    amounts = [-1e30, -1e3, -6, -4, -2, -1, -0.1, 0, 0.1, 1, 2, 4, 6, 1e3, 1e30]
    seen = []
    for amount in amounts:
        out = src.copy()
        values = moved(target, 0, 0, amount)
        apply(out, src, target, values, triangles, 0, gain_bias, EMPTY, LIGHT)
        seen.append(int(out[1, 1, 0]))
    assert seen == sorted(seen)
    assert seen[0] <= 8
    assert seen[7] == 120
    assert seen[-1] == 255


@pytest.mark.parametrize(
    ("log_gain", "bias", "colour"),
    [(1.3, 0, 181), (9, 0, 196), (-9, 0, 3), (0, 1e30, 255), (0, -1e30, 0), (-0.5, 60, 255)],
)
def test_gains_and_biases_have_an_end(log_gain, bias, colour):
    src = np.full((3, 40, 3), 50, np.uint8)
    target, triangles = rectangle(-1, -1, 40, 3)
    gain_bias = np.full((2, 2, 4), [log_gain] * 3 + [bias], np.float32)
    out = src.copy()
    apply(out, src, target, moved(target, 0, 0, 1), triangles, 0, gain_bias, EMPTY, LIGHT)
    np.testing.assert_allclose(out[1, 20].astype(int), colour, atol=1)


@pytest.mark.skipif(JIT_OFF, reason="Numba is off: there are no threads")
def test_number_of_threads_changes_nothing(rng):
    src = noise(rng, 90, 70)
    target, triangles = lattice(rng, 90, 70, cells=8, step=1e-3)
    values = moved(target, 0.7, -1.3, amount=1)
    values[:, 2:4] = rng.uniform(0, 1, (len(target), 2))
    gain_bias = rng.normal(0, 0.2, (16, 16, 4)).astype(np.float32)
    results, before = [], numba.get_num_threads()
    try:
        for threads in {1, before}:
            numba.set_num_threads(threads)
            out = src.copy()
            apply(out, src, target, values, triangles, 3, gain_bias, gain_bias, LIGHT)
            results.append(out)
    finally:
        numba.set_num_threads(before)
    np.testing.assert_array_equal(results[0], results[-1])


@pytest.mark.skipif(JIT_OFF, reason="Numba is off: NumPy checks its own reads")
@pytest.mark.skipif(sys.platform != "linux", reason="guard pages are made with Linux's mprotect")
def test_nothing_outside_the_arrays_is_read_or_written():
    """Lay each array against a page that kills whoever touches it, at its end or its start."""
    script = """
        import ctypes, itertools, mmap, sys
        import numpy as np
        from kernels.apply import apply

        libc, page, held = ctypes.CDLL(None, use_errno=True), mmap.PAGESIZE, []

        def guarded(array, at_end):
            size = -(-array.nbytes // page) * page
            area = mmap.mmap(-1, size + 2 * page)
            held.append(area)
            start = ctypes.addressof(ctypes.c_char.from_buffer(area))
            for guard in (start, start + page + size):
                assert libc.mprotect(ctypes.c_void_p(guard), page, 0) == 0
            offset = page + (size - array.nbytes if at_end else 0)
            copy = np.frombuffer(area, array.dtype, array.size, offset).reshape(array.shape)
            copy[...] = array
            return copy

        rng = np.random.default_rng(0)
        light = np.full(4, 90, np.float32)
        for (height, width), at_end in itertools.product([(64, 64), (2, 2), (3, 17)], (0, 1)):
            src = guarded(rng.integers(0, 256, (height, width, 3), dtype=np.uint8), at_end)
            out = guarded(np.zeros_like(src), at_end)
            gain_bias = guarded(rng.normal(0, 0.1, (16, 16, 4)).astype(np.float32), at_end)
            picture = guarded(rng.normal(0, 0.1, (8, 8, 4)).astype(np.float32), at_end)
            for scale in (1, 3, 1e6):
                for amount in (0, 1):
                    target = rng.uniform(-0.5, 1.5, (40, 2)) * [width, height]
                    target[:3] = [[-9e3, -9e3], [9e3, -9e3], [0, 9e3]]
                    values = np.zeros((40, 5), np.float32)
                    values[:, :2] = target + rng.normal(0, 1, (40, 2)) * [width, height] * scale
                    values[:, 2:4] = rng.uniform(-1, 2, (40, 2)) * scale
                    values[:, 4] = amount
                    triangles = rng.integers(0, 40, (60, 3)).astype(np.int32)
                    triangles[[0, -1]] = [0, 1, 2]
                    mesh = target.astype(np.float32), values, triangles, 20
                    apply(out, src, *mesh, gain_bias, picture, light)
        print("unharmed")
    """
    command = [sys.executable, "-c", textwrap.dedent(script)]
    run = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert run.stdout.strip() == "unharmed", run.stderr


@pytest.mark.skipif(JIT_OFF, reason="Numba is off: no instructions are written")
def test_other_processors_compute_the_same(rng, tmp_path):
    """What is one instruction on x86 is several elsewhere: taken for another processor."""
    src = noise(rng, 90, 70)
    target, triangles = lattice(rng, 90, 70, cells=8, step=1e-3)
    values = moved(target, 0.7, -1.3, amount=1)
    values[:, :2] += rng.normal(0, 0.5, (len(target), 2))
    gain_bias = rng.normal(0, 0.2, (16, 16, 4)).astype(np.float32)
    here = src.copy()
    apply(here, src, target, values, triangles, 3, gain_bias, gain_bias, LIGHT, sharp=True)
    given = (target, values, triangles, gain_bias, LIGHT)
    np.savez(tmp_path / "given.npz", src, *given)
    script = """
        import platform, sys, numba, numpy as np
        platform.machine = lambda: "another"
        from kernels.apply import apply

        src, target, values, triangles, gain_bias, light = np.load(sys.argv[1]).values()
        out = src.copy()
        apply(out, src, target, values, triangles, 3, gain_bias, gain_bias, light, sharp=True)
        np.save(sys.argv[2], out)
    """
    subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script), tmp_path / "given.npz", tmp_path / "out"],
        env={**os.environ, "NUMBA_CACHE_DIR": str(tmp_path / "cache")},
        check=True,
        timeout=300,
    )
    np.testing.assert_array_equal(here, np.load(tmp_path / "out.npy"))


def arguments(**changed):
    """Return good arguments for apply, but for those that are changed."""
    target, triangles = rectangle(-1, -1, 6, 5)
    good = {
        "out": np.zeros((5, 6, 3), np.uint8),
        "src": np.zeros((5, 6, 3), np.uint8),
        "target": target,
        "values": moved(target, 1, 0),
        "triangles": triangles,
        "n_picture_triangles": 0,
        "gain_bias": EMPTY,
        "picture": EMPTY,
        "light": LIGHT,
    }
    return {**good, **changed}


def test_good_arguments_are_taken_read_only_or_not():
    for writeable in (True, False):
        given = arguments()
        for name, array in given.items():
            if isinstance(array, np.ndarray) and name != "out":
                given[name] = array.copy()
                given[name].flags.writeable = writeable
        apply(**given)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"src": np.zeros((5, 7, 3), np.uint8)}, r"both be \(H, W, 3\)"),
        ({"src": np.zeros((5, 6, 4), np.uint8), "out": np.zeros((5, 6, 4), np.uint8)}, "H, W, 3"),
        ({"src": np.zeros((5, 6), np.uint8), "out": np.zeros((5, 6), np.uint8)}, "H, W, 3"),
        ({"src": np.zeros((5, 6, 3), np.float32)}, "src must be C-contiguous uint8, got float32"),
        ({"out": np.zeros((5, 6, 3), np.int8)}, "out must be C-contiguous uint8, got int8"),
        ({"src": np.zeros((5, 12, 3), np.uint8)[:, ::2]}, "src .*not C-contiguous"),
        ({"out": np.zeros((5, 6, 3), np.uint8)[::-1]}, "out .*not C-contiguous"),
        ({"target": np.zeros((4, 3), np.float32)}, "target must be"),
        ({"target": np.zeros((4, 2))}, "target must be C-contiguous float32, got float64"),
        ({"values": np.zeros((4, 4), np.float32)}, r"values must be \(4, 5\)"),
        ({"values": np.zeros((3, 5), np.float32)}, r"values must be \(4, 5\)"),
        ({"triangles": np.zeros((2, 4), np.int32)}, "triangles must be"),
        ({"triangles": np.zeros((2, 3), np.int64)}, "triangles must be C-contiguous int32"),
        ({"triangles": np.array([[0, 1, 4]], np.int32)}, "not among the 4"),
        ({"triangles": np.array([[0, 1, -1]], np.int32)}, "not among the 4"),
        ({"n_picture_triangles": 3}, "3 of 2 triangles"),
        ({"n_picture_triangles": -1}, "-1 of 2 triangles"),
        ({"gain_bias": np.zeros((4, 5, 4), np.float32)}, "gain_bias must be"),
        ({"gain_bias": np.zeros((1, 1, 4), np.float32)}, "at least 2"),
        ({"gain_bias": np.zeros((4, 4, 4))}, "gain_bias must be C-contiguous float32"),
        ({"picture": np.zeros((4, 4), np.float32)}, "picture must be"),
        ({"light": np.zeros(3, np.float32)}, r"light must be \(4,\)"),
    ],
)
def test_wrong_arguments_are_refused(changed, message):
    with pytest.raises(ValueError, match=message):
        apply(**arguments(**changed))


def test_shared_memory_and_read_only_output_are_refused():
    both = np.zeros((6, 6, 3), np.uint8)
    with pytest.raises(ValueError, match="must not share memory"):
        apply(**arguments(out=both[:5], src=both[1:]))
    out = np.zeros((5, 6, 3), np.uint8)
    out.flags.writeable = False
    with pytest.raises(ValueError, match="out is read-only"):
        apply(**arguments(out=out))
