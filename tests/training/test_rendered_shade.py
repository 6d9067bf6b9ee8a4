"""What darkens and what does not, on movements whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from livexpr import face_mesh
from livexpr.training import rendered_shade
from livexpr.training.face_space import mirrored_landmarks
from livexpr.training.ict_facekit import HeadModel
from livexpr.training.ray_casting import Surface
from livexpr.training.rendered_head import PORTRAIT
from livexpr.training.rendered_shade import (
    LIGHTS,
    RENDERED_SIZE,
    Illumination,
    compression,
    fold_shade,
    log_gain,
)

REST = face_mesh.load().rest_cm
UV_PX = face_mesh.load().uv[: face_mesh.N_LANDMARKS] * (RENDERED_SIZE - 1)
GLABELLA, BROW_RIGHT, BROW_LEFT = 9, 66, 296
MIRROR = np.array([-1, 1, 1], np.float32)
seeds = st.integers(0, 2**32 - 1)


def skin_triangles() -> np.ndarray:
    """Return the triangles of the face, their corners landmarks, outside counter-clockwise."""
    mesh = face_mesh.load()
    triangles = face_mesh.LANDMARK_OF_VERTEX[mesh.triangles[: mesh.n_face_triangles, ::-1]]
    a, b, c = (REST[triangles[:, k]] for k in range(3))
    area = np.linalg.norm(np.cross(b - a, c - a), axis=1)
    return np.ascontiguousarray(triangles[area > 1e-6], np.int32)


def bumps(seed: int, size_cm: float = 0.5) -> np.ndarray:
    """Return a smooth movement of the face, (468, 3), cm."""
    rng = np.random.default_rng(seed)
    moved = np.zeros_like(REST)
    for centre in rng.integers(face_mesh.N_LANDMARKS, size=6):
        near = np.exp(-((REST - REST[centre]) ** 2).sum(axis=1) / (2 * 1.5**2))
        moved += size_cm * rng.standard_normal(3).astype(np.float32) * near[:, None]
    return moved.astype(np.float32)


def mirrored(offset_cm: np.ndarray) -> np.ndarray:
    return np.asarray(offset_cm[mirrored_landmarks()] * MIRROR, np.float32)


class TestCompression:
    def test_a_squeeze_of_everything_is_as_large_as_it_is(self) -> None:
        np.testing.assert_allclose(compression(-0.2 * REST), 0.2, atol=1e-5)

    def test_a_squeeze_across_is_as_the_slope_of_the_skin_says(self) -> None:
        """Of a surface with normal n, squeezed along x to a part q of its length, the least stretch
        is that of its steepest way along x: sqrt(1 - (1 - q^2) (1 - n_x^2))."""
        part = 0.8
        a, b, c = (REST[skin_triangles()[:, k]].astype(float) for k in range(3))
        across = np.cross(b - a, c - a)
        double_area = np.linalg.norm(across, axis=1)
        n_x = across[:, 0] / double_area
        stretch = np.sqrt(1 - (1 - part**2) * (1 - n_x**2))
        total, weight = np.zeros(len(REST)), np.zeros(len(REST))
        for corner in range(3):
            np.add.at(total, skin_triangles()[:, corner], stretch * double_area)
            np.add.at(weight, skin_triangles()[:, corner], double_area)
        found = compression((part - 1) * REST * np.float32([1, 0, 0]))
        # Where lids are, the skin ends; the eye's own triangles are none.
        inside = np.setdiff1d(np.arange(len(REST)), face_mesh.UPPER_LIDS + face_mesh.LOWER_LIDS)
        np.testing.assert_allclose(found[inside], (1 - total / weight)[inside], atol=1e-4)
        # The forehead faces the camera.
        assert found[GLABELLA] == pytest.approx(0.2, abs=0.005)
        assert found.max() <= 0.2 + 1e-5

    @given(seed=seeds, scale=st.floats(0.5, 2.0))
    def test_a_head_that_turns_is_not_pressed_together(self, seed: int, scale: float) -> None:
        turn = Rotation.random(random_state=seed).as_matrix()
        moved = (scale * REST @ turn.T + [1, 2, 3]).astype(np.float32) - REST
        np.testing.assert_allclose(compression(moved), max(1 - scale, 0), atol=1e-3)


class TestFoldShade:
    def test_no_movement_darkens_nothing(self) -> None:
        assert not fold_shade(np.zeros_like(REST)).any()

    def test_a_gentle_squeeze_and_a_stretch_darken_nothing(self) -> None:
        """Skin gives a little before it wrinkles; up and down, brows are not drawn together."""
        for part in (-0.05, 0.2):
            assert not fold_shade(part * REST * np.float32([0, 1, 0])).any()
        assert not fold_shade(0.2 * REST).any()

    @given(seed=seeds)
    def test_nothing_gets_brighter(self, seed: int) -> None:
        shade = fold_shade(bumps(seed))
        assert shade.shape == (RENDERED_SIZE, RENDERED_SIZE, 3)
        assert shade.max() <= 0
        assert np.isfinite(shade).all()

    @given(seed=seeds)
    def test_a_movement_in_a_mirror_darkens_in_a_mirror(self, seed: int) -> None:
        """Nearly: the mesh's own diagonals are not mirror images everywhere."""
        offset = bumps(seed)
        there, here = fold_shade(mirrored(offset)), fold_shade(offset)[:, ::-1]
        assert np.abs(there - here).mean() <= 0.05 * np.abs(here).mean() + 1e-6
        alike = fold_shade((offset + mirrored(offset)) / 2)
        assert np.abs(alike - alike[:, ::-1]).mean() <= 0.05 * np.abs(alike).mean() + 1e-6

    def test_the_more_it_is_pressed_the_darker(self) -> None:
        shades = [fold_shade(-part * REST).mean() for part in (0.1, 0.2, 0.3)]
        assert 0 > shades[0] > shades[1] > shades[2]

    def test_light_in_a_fold_is_redder(self) -> None:
        blue, green, red = fold_shade(-0.2 * REST).mean(axis=(0, 1))
        assert blue < green < red < 0


class TestFrownLines:
    """Of a squeeze too gentle for folds, only the lines between the brows are left."""

    SQUEEZE = -0.04 * REST * np.float32([1, 0, 0])

    def test_brows_that_are_drawn_together_make_two_upright_lines_between_them(self) -> None:
        dark = fold_shade(self.SQUEEZE)[..., 1]
        rows, columns = np.nonzero(dark < dark.min() / 4)
        assert UV_PX[BROW_RIGHT, 0] < columns.min() < columns.max() < UV_PX[BROW_LEFT, 0]
        middle = UV_PX[GLABELLA]
        assert abs(rows.mean() - middle[1]) < 5
        # Two, beside the middle, higher than wide, alike.
        assert dark[round(float(middle[1])), round(float(middle[0]))] > dark.min() / 4
        right, left = columns < middle[0], columns > middle[0]
        for side in (right, left):
            assert np.ptp(rows[side]) > 1.5 * np.ptp(columns[side])
        assert abs((columns[right].mean() + columns[left].mean()) / 2 - middle[0]) < 0.5

    def test_brows_that_part_or_stay_make_none(self) -> None:
        assert not fold_shade(-self.SQUEEZE).any()
        lifted = np.zeros_like(REST)
        lifted[:, 1] = 0.5
        assert not fold_shade(lifted).any()

    def test_they_are_as_deep_as_brows_are_near(self) -> None:
        shallow, deep = (fold_shade(part * self.SQUEEZE) for part in (0.5, 1.0))
        np.testing.assert_allclose(deep, 2 * shallow, atol=1e-6)


def lit(irradiance: float, openness: float) -> Illumination:
    n = RENDERED_SIZE**2
    return Illumination(
        np.full((len(LIGHTS), n), irradiance, np.float32), np.full(n, openness, np.float32)
    )


class TestLogGain:
    def test_the_same_light_changes_nothing(self, rng: np.random.Generator) -> None:
        n = RENDERED_SIZE**2
        light = Illumination(
            rng.uniform(0, 2, (len(LIGHTS), n)).astype(np.float32),
            rng.uniform(0, 1, n).astype(np.float32),
        )
        assert not log_gain(light, light).any()

    def test_half_the_light_is_its_logarithm_as_pictures_store_it(self) -> None:
        gain = log_gain(lit(1, 1), lit(0.5, 1))
        assert gain.min() == pytest.approx(np.log(0.5) / 2.2, abs=1e-5)
        # All of it but where the lips meet.
        assert np.isclose(gain, gain.min(), atol=1e-5).mean() > 0.9
        mouth = np.round(UV_PX[list(face_mesh.INNER_LIP_UPPER)]).astype(int)
        assert not gain[mouth[:, 1], mouth[:, 0]].any()

    def test_back_and_forth_is_nothing(self, rng: np.random.Generator) -> None:
        a, b = lit(1, 0.9), lit(0.4, 0.3)
        np.testing.assert_allclose(log_gain(a, b), -log_gain(b, a), atol=1e-6)

    def test_a_dark_fold_is_red_and_has_an_end(self) -> None:
        blue, green, red = log_gain(lit(1, 1), lit(0.5, 0.5))[0, 0]
        assert blue < green < red < 0
        np.testing.assert_array_equal(
            log_gain(lit(1, 1), lit(0, 0)), log_gain(lit(1, 1), lit(0.1, 0.1))
        )


class TestFinished:
    def test_nothing_stays_nothing_and_much_is_limited(self) -> None:
        shape = (RENDERED_SIZE, RENDERED_SIZE, 3)
        assert not rendered_shade.finished(np.zeros(shape, np.float32)).any()
        assert not rendered_shade.finished(np.full(shape, -0.005, np.float32)).any()
        for much in (-9.0, 9.0):
            finished = rendered_shade.finished(np.full(shape, much, np.float32))
            np.testing.assert_allclose(finished, np.sign(much) * 0.5, atol=1e-6)

    def test_what_gets_brighter_counts_for_less(self) -> None:
        shape = (RENDERED_SIZE, RENDERED_SIZE, 3)
        darker, brighter = (
            rendered_shade.finished(np.full(shape, much, np.float32)) for much in (-0.2, 0.2)
        )
        assert 0 < brighter.mean() < -darker.mean()


@pytest.fixture(scope="module")
def canonical() -> tuple[HeadModel, Surface]:
    """The landmark model's own rest face as a head, which everybody has, and its landmarks."""
    pytest.importorskip("embreex", reason="casting rays needs the extra render: livexpr[render]")
    triangles = skin_triangles()
    model = HeadModel(REST, triangles, {})
    corner = {
        landmark: (t, k) for t, ring in enumerate(triangles) for k, landmark in enumerate(ring)
    }
    where = np.array([corner[landmark] for landmark in range(len(REST))])
    return model, Surface(where[:, 0].astype(np.int32), np.eye(3, dtype=np.float32)[where[:, 1]])


def test_pixels_of_face_space_lie_where_they_belong(canonical) -> None:
    """On the rest face itself, a pixel's place has that pixel's own texture coordinates."""
    model, landmarks = canonical
    np.testing.assert_array_equal(landmarks.on(REST, model.triangles), REST)
    places = rendered_shade.place_face_space(model, landmarks)
    seen = places.triangle >= 0
    assert seen.mean() > 0.55
    some = Surface(places.triangle[seen], places.weights[seen])
    rows, columns = np.divmod(np.flatnonzero(seen), RENDERED_SIZE)
    at = some.on(UV_PX.astype(np.float32), model.triangles)
    error_px = np.hypot(at[:, 0] - columns, at[:, 1] - rows)
    assert np.median(error_px) < 0.1
    assert np.percentile(error_px, 99) < 1.0


def test_a_head_that_does_not_move_is_lit_the_same(canonical) -> None:
    model, landmarks = canonical
    places = rendered_shade.place_face_space(model, landmarks)
    light = rendered_shade.illuminate(model, places, REST)
    nowhere = places.triangle < 0
    assert light.irradiance.shape == (len(LIGHTS), RENDERED_SIZE**2)
    np.testing.assert_array_equal(light.irradiance[:, nowhere], 1)
    np.testing.assert_array_equal(light.openness[nowhere], 1)
    assert light.openness.min() >= 0
    assert light.openness.max() == pytest.approx(1, abs=0.02)
    np.testing.assert_allclose(light.irradiance[0], light.openness, atol=0.02)
    assert not log_gain(light, rendered_shade.illuminate(model, places, REST.copy())).any()
    # Light from the left lights the subject's left cheek, on the right of face space.
    _, _, _, left, right = light.irradiance.reshape(-1, RENDERED_SIZE, RENDERED_SIZE)
    half = RENDERED_SIZE // 2
    assert left[:, half:].mean() > right[:, half:].mean() + 0.1
    assert np.abs(left - right[:, ::-1]).mean() < 0.03


def test_a_dent_gets_darker(canonical) -> None:
    """The cheek pressed in: its bottom sees less of the light."""
    model, landmarks = canonical
    places = rendered_shade.place_face_space(model, landmarks)
    cheek = 205
    away = np.linalg.norm(REST - REST[cheek], axis=1)
    dented = REST - np.float32([0, 0, 1.5]) * np.exp(-((away / 0.8) ** 2))[:, None]
    gain = log_gain(
        *(
            rendered_shade.illuminate(model, places, vertices.astype(np.float32))
            for vertices in (REST, dented)
        )
    )
    column, row = np.round(UV_PX[cheek]).astype(int)
    assert gain[row - 1 : row + 2, column - 1 : column + 2].mean() < -0.05
    other = RENDERED_SIZE - 1 - column
    assert abs(gain[row, other]).max() < 0.01


def test_the_picture_shows_the_rest_face() -> None:
    """The camera sees all of it."""
    at = PORTRAIT.project(REST)
    assert at.min() > 0
    assert at.max() < PORTRAIT.size_px - 1
