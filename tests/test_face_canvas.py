"""The canvas of an intensity map: where it lies, what it shows, and how it is painted back."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage

from livexpr import face_canvas, face_mesh
from livexpr.face_canvas import CROP_POINTS_PX, CROP_SIZE, Layout
from livexpr.intensity_map import ALIGNMENTS

SIZE = 64


def smooth(rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    """Return a picture in which a bilinear sample is hardly wrong anywhere."""
    noise = rng.uniform(0, 255, (*shape, 3))
    blurred = cv2.GaussianBlur(noise, (0, 0), 6)
    stretched = (blurred - blurred.min()) / np.ptp(blurred) * 255
    return np.asarray(stretched.round(), np.uint8)


def moved(points: np.ndarray, scale: float, turn: float, shift: tuple[float, float]) -> np.ndarray:
    turned = points.astype(np.complex128).real @ np.array(
        [[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]]
    )
    return scale * turned + shift


class TestCrop:
    @given(
        noise=st.lists(st.floats(-4, 4), min_size=6, max_size=6),
        scale=st.floats(0.3, 6),
        turn=st.floats(-3, 3),
        x=st.floats(-200, 900),
        y=st.floats(-200, 900),
    )
    def test_it_is_the_least_squares_similarity(self, noise, scale, turn, x, y) -> None:
        places = np.array(CROP_POINTS_PX) + np.reshape(noise, (3, 2))
        points = moved(places, scale, turn, (x, y))
        landmarks = np.zeros((478, 3), np.float32)
        for part, point in zip((*face_mesh.EYE_CENTRES, (61, 291)), points, strict=True):
            landmarks[list(part), :2] = point
        # Unknown are a, b, c, d of x' = a x - b y + c, y' = b x + a y + d.
        points = landmarks[[33, 362, 61], :2].astype(np.float64)
        rows = np.array([((u, -v, 1, 0), (v, u, 0, 1)) for u, v in points]).reshape(6, 4)
        a, b, c, d = np.linalg.lstsq(rows, np.ravel(CROP_POINTS_PX), rcond=None)[0]
        found = face_canvas.crop_from_picture(landmarks)
        np.testing.assert_allclose(found[:, :2], [[a, -b], [b, a]], atol=1e-6)
        np.testing.assert_allclose(found[:, 2], [c, d], atol=2e-3)

    def test_eyes_and_mouth_come_to_lie_near_their_places(self, synthetic_face) -> None:
        landmarks = synthetic_face.track(roll_rad=0.4).landmarks_px
        matrix = face_canvas.crop_from_picture(landmarks)
        points = face_canvas.crop_points(landmarks) @ matrix[:, :2].T + matrix[:, 2]
        # The face of the mesh is longer than those of the paper; no similarity fits all three.
        np.testing.assert_allclose(points, CROP_POINTS_PX, atol=6)
        assert points[0, 0] < points[1, 0], "the eye that is left in the picture comes first"

    def test_it_is_sampled_as_scipy_does(self, rng, synthetic_face) -> None:
        pixels = smooth(rng, (240, 240))
        # Of a small face, which is enlarged, so that nothing is low-passed first.
        landmarks = synthetic_face.track(px_per_cm=4, roll_rad=0.2).landmarks_px
        matrix = face_canvas.crop_from_picture(landmarks)
        inverse = np.linalg.inv(np.vstack([matrix, [0, 0, 1]]))[:2]
        columns, rows = np.meshgrid(np.arange(CROP_SIZE), np.arange(CROP_SIZE))
        x, y = np.einsum("ij,jrc->irc", inverse, np.stack([columns, rows, np.ones_like(rows)]))
        expected = np.stack(
            [
                ndimage.map_coordinates(pixels[..., c].astype(float), [y, x], order=1)
                for c in range(3)
            ],
            axis=2,
        )
        where = face_canvas.crop_layout(landmarks)
        seen = face_canvas.unwrap(pixels, where, CROP_SIZE)
        # The kernel rounds positions to 1/64 px, and neighbours share one down.
        assert np.abs(seen - expected).max() < 4
        assert np.abs(seen - expected).mean() < 0.6

    def test_what_lies_beyond_the_picture_is_its_border(self, synthetic_face) -> None:
        pixels = np.full((60, 60, 3), 77, np.uint8)
        landmarks = synthetic_face.track().landmarks_px - (150, 150, 0)
        where = face_canvas.crop_layout(landmarks.astype(np.float32))
        assert (face_canvas.unwrap(pixels, where, CROP_SIZE) == 77).all()


class TestMesh:
    def test_the_whole_face_with_eyes_and_mouth_is_shown(self, synthetic_face) -> None:
        track = synthetic_face.track()
        pixels = np.full((240, 240, 3), 50, np.uint8)
        seen = face_canvas.unwrap(pixels, face_canvas.mesh_layout(track.landmarks_px), SIZE)
        inside = face_canvas.feather("mesh", SIZE) > 0
        assert (seen[inside] == 50).all()
        assert not seen[[0, -1]].any()

    def test_near_triangles_come_last(self, synthetic_face) -> None:
        landmarks = synthetic_face.track(yaw_rad=0.5).landmarks_px
        where = face_canvas.mesh_layout(landmarks)
        depth = landmarks[:, 2][where.triangles].sum(axis=1)
        assert (np.diff(depth) <= 1e-3).all()

    def test_the_same_skin_of_a_turned_and_an_upright_head(self, synthetic_face) -> None:
        shown = []
        for roll in (0.0, 0.7):
            track = synthetic_face.track(roll_rad=roll)
            pixels = synthetic_face.draw(track)
            where = face_canvas.mesh_layout(track.landmarks_px)
            shown.append(face_canvas.unwrap(pixels, where, SIZE).astype(int))
        inside = face_canvas.feather("mesh", SIZE) == 1
        assert np.abs(shown[0] - shown[1])[inside].mean() < 3


@pytest.mark.parametrize("align", ALIGNMENTS)
class TestPaint:
    def layout(self, align, synthetic_face) -> Layout:
        return face_canvas.layout(synthetic_face.track().landmarks_px, align)

    def paint(self, align, synthetic_face, pixels, amount: float) -> np.ndarray:
        where = self.layout(align, synthetic_face)
        canvas = np.ones((SIZE, SIZE, 3), np.float32)
        amounts = np.full(len(where.uv), amount, np.float32)
        return face_canvas.paint(pixels, where, canvas, face_canvas.feather(align, SIZE), amounts)

    def test_without_an_amount_nothing_changes(self, align, synthetic_face, rng) -> None:
        pixels = rng.integers(0, 256, (240, 240, 3)).astype(np.uint8)
        np.testing.assert_array_equal(self.paint(align, synthetic_face, pixels, 0.0), pixels)

    def test_inside_it_covers_and_outside_it_touches_nothing(
        self, align, synthetic_face, rng
    ) -> None:
        pixels = rng.integers(0, 200, (240, 240, 3)).astype(np.uint8)
        painted = self.paint(align, synthetic_face, pixels, 1.0)
        landmarks = synthetic_face.track().landmarks_px
        ring = landmarks[list(face_mesh.FACE_OVAL), :2]
        if align == "crop":
            ring = self.layout(align, synthetic_face).picture_px
        inside = np.zeros(pixels.shape[:2], np.uint8)
        cv2.fillPoly(inside, [np.round(ring).astype(np.int32)], (1,))
        beyond = cv2.dilate(inside, np.ones((3, 3), np.uint8)) == 0
        np.testing.assert_array_equal(painted[beyond], pixels[beyond])
        middle = landmarks[[1, 50, 280], :2].round().astype(int)
        assert (painted[middle[:, 1], middle[:, 0]] == 255).all()

    def test_its_edge_is_soft(self, align, synthetic_face) -> None:
        painted = self.paint(align, synthetic_face, np.zeros((240, 240, 3), np.uint8), 1.0)
        nose = synthetic_face.track().landmarks_px[1, :2].round().astype(int)
        for line in (painted[nose[1], :, 0], painted[:, nose[0], 0]):
            steps = np.abs(np.diff(line.astype(int)))
            assert steps.max() < 100

    def test_the_input_is_only_read(self, align, synthetic_face) -> None:
        pixels = np.full((240, 240, 3), 9, np.uint8)
        pixels.setflags(write=False)
        assert (self.paint(align, synthetic_face, pixels, 1.0) != pixels).any()
        assert (pixels == 9).all()


@pytest.mark.parametrize("align", ALIGNMENTS)
def test_what_is_laid_out_and_painted_back_is_about_the_picture(align, synthetic_face, rng) -> None:
    pixels = smooth(rng, (240, 240))
    where = face_canvas.layout(synthetic_face.track().landmarks_px, align)
    canvas = face_canvas.unwrap(pixels, where, 160)
    opacity = face_canvas.feather(align, 160)
    amounts = np.ones(len(where.uv), np.float32)
    back = face_canvas.paint(pixels, where, canvas.astype(np.float32) / 255, opacity, amounts)
    difference = np.abs(back.astype(int) - pixels)
    assert difference.mean() < 0.5
    assert difference.max() < 12


@pytest.mark.parametrize("align", ALIGNMENTS)
@pytest.mark.parametrize("size", [8, 128, 160])
def test_the_feather_is_nothing_at_the_rim_and_all_inside(align, size: int) -> None:
    opacity = face_canvas.feather(align, size)
    rim = np.concatenate([opacity[[0, -1]].ravel(), opacity[:, [0, -1]].ravel()])
    assert not rim.any()
    assert opacity[size // 2, size // 2] == 1
    assert 0 <= opacity.min() <= opacity.max() <= 1
