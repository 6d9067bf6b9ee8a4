"""The landmark model on a photograph, on noise, and after it has failed."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from livexpr import face_mesh, head_pose, model_picture
from livexpr.blendshapes import BLENDSHAPE_NAMES
from livexpr.errors import ModelError
from livexpr.landmarks import Landmarker
from livexpr.types import FaceTrack, Frame, NoFace

# Where Eileen Collins' features lie on the photograph, px, read off by eye.
FEATURES = {"right eye": (202, 99), "left eye": (246, 102), "nose": (223, 131), "lips": (223, 146)}


@pytest.fixture(scope="module")
def landmarker() -> Iterator[Landmarker]:
    with Landmarker(video=False, max_faces=2) as landmarker:
        yield landmarker


def found(result: FaceTrack | NoFace) -> FaceTrack:
    assert isinstance(result, FaceTrack), result
    return result


def fail(landmarker: Landmarker) -> None:
    """Make the model itself fail: it cannot bear an empty picture."""
    from mediapipe import Image, ImageFormat

    empty = Image(image_format=ImageFormat.SRGB, data=np.zeros((0, 0, 3), np.uint8))
    model, video = landmarker._model, landmarker._video
    with pytest.raises((RuntimeError, ValueError)):
        model.detect_for_video(empty, 10**9) if video else model.detect(empty)


def test_face_is_found_where_it_is(landmarker: Landmarker, astronaut) -> None:
    track = found(landmarker.detect(Frame(astronaut, 0, 0.0)))
    assert track.landmarks_px.shape == (478, 3)
    assert track.landmarks_px.dtype == np.float32
    middles = {
        "right eye": track.landmarks_px[[33, 133]].mean(axis=0),
        "left eye": track.landmarks_px[[362, 263]].mean(axis=0),
        "nose": track.landmarks_px[1],
        "lips": track.landmarks_px[[13, 14]].mean(axis=0),
    }
    for name, (x, y) in FEATURES.items():
        np.testing.assert_allclose(middles[name][:2], (x, y), atol=6, err_msg=name)
    # The irises are the last ten, the subject's right one first.
    np.testing.assert_allclose(track.landmarks_px[468, :2], FEATURES["right eye"], atol=6)
    np.testing.assert_allclose(track.landmarks_px[473, :2], FEATURES["left eye"], atol=6)


def test_blendshapes_say_what_the_face_shows(landmarker: Landmarker, astronaut) -> None:
    track = found(landmarker.detect(Frame(astronaut, 0, 0.0)))
    assert track.blendshapes.shape == (len(BLENDSHAPE_NAMES),) == (52,)
    assert ((track.blendshapes >= 0) & (track.blendshapes <= 1)).all()
    shown = dict(zip(BLENDSHAPE_NAMES, track.blendshapes, strict=True))
    assert shown["mouthSmileLeft"] > 0.7
    assert shown["mouthSmileRight"] > 0.7
    assert shown["mouthFrownLeft"] < 0.1
    assert shown["eyeBlinkLeft"] < 0.3


def test_pose_is_that_of_a_frontal_head(landmarker: Landmarker, astronaut) -> None:
    track = found(landmarker.detect(Frame(astronaut, 0, 0.0)))
    yaw, pitch, roll = np.degrees(head_pose.angles_rad(track.frame_from_head))
    assert abs(yaw) < 10
    assert abs(pitch) < 15
    assert 0 < roll < 8, "her head is tilted a little, clockwise as seen"
    rest = head_pose.to_frame(face_mesh.load().rest_cm, track.frame_from_head)
    misses = np.linalg.norm((rest - track.landmarks_px[:468])[:, :2], axis=1)
    assert np.median(misses) < 5


def test_landmarks_follow_the_picture(landmarker: Landmarker, astronaut) -> None:
    here = found(landmarker.detect(Frame(astronaut, 0, 0.0))).landmarks_px
    shifted = np.roll(astronaut, (30, 60), axis=(0, 1))
    there = found(landmarker.detect(Frame(shifted, 0, 0.0))).landmarks_px
    motion = (there - here)[:468, :2].mean(axis=0)
    np.testing.assert_allclose(motion, [60, 30], atol=1)
    doubled = np.repeat(np.repeat(astronaut, 2, axis=0), 2, axis=1)
    large = found(landmarker.detect(Frame(doubled, 0, 0.0))).landmarks_px
    # Pixel centres are integers: pixel 0 of the small picture covers 0 and 1 of the large one.
    np.testing.assert_allclose(
        large[:468, :2].mean(axis=0), 2 * here[:468, :2].mean(axis=0) + 0.5, atol=1
    )


def test_mirrored_picture_gives_the_mirrored_face(landmarker: Landmarker, astronaut) -> None:
    here = found(landmarker.detect(Frame(astronaut, 0, 0.0))).landmarks_px
    mirrored = found(
        landmarker.detect(Frame(np.ascontiguousarray(astronaut[:, ::-1]), 0, 0.0))
    ).landmarks_px
    x, y = mirrored[[33, 133], :2].mean(axis=0)
    np.testing.assert_allclose([511 - x, y], here[[362, 263], :2].mean(axis=0), atol=3)


def test_colours_are_not_swapped(astronaut) -> None:
    """A face of swapped colours is found less surely or elsewhere; ours must be the better one."""
    with Landmarker(video=False) as landmarker:
        right = found(landmarker.detect(Frame(astronaut, 0, 0.0)))
        swapped = landmarker.detect(Frame(np.ascontiguousarray(astronaut[..., ::-1]), 0, 0.0))
    if isinstance(swapped, FaceTrack):
        assert not np.allclose(right.landmarks_px, swapped.landmarks_px, atol=0.01)


def test_all_faces_are_told_and_the_largest_is_taken(landmarker: Landmarker, astronaut) -> None:
    face = astronaut[20:240, 110:340]
    both = np.zeros((440, 690, 3), np.uint8)
    both[:, :460] = np.repeat(np.repeat(face, 2, axis=0), 2, axis=1)
    both[110:330, 460:] = face
    faces = landmarker.detect_all(Frame(both, 0, 0.0))
    assert not isinstance(faces, NoFace)
    assert len(faces) == 2
    assert found(landmarker.detect(Frame(both, 0, 0.0))).landmarks_px[1, 0] < 460


@pytest.mark.parametrize("video", [True, False])
@pytest.mark.parametrize("size", [(480, 640), (1, 1), (3, 2), (2, 900)])
def test_no_face_on_noise_and_on_tiny_pictures(rng, video: bool, size: tuple[int, int]) -> None:
    noise = rng.integers(0, 256, (*size, 3), np.uint8)
    with Landmarker(video=video) as landmarker:
        assert landmarker.detect(Frame(noise, 0, 0.0)) == NoFace("no face found")


def test_clock_that_stands_still_or_goes_back(astronaut) -> None:
    with Landmarker() as landmarker:
        for index, time_s in enumerate((2.0, 2.0, 2.0004, 1.0, 0.0, 2.001, 3.0)):
            found(landmarker.detect(Frame(astronaut, index, time_s)))


def test_face_is_tracked_and_lost_and_found(rng, astronaut) -> None:
    noise = rng.integers(0, 256, astronaut.shape, np.uint8)
    with Landmarker() as landmarker:
        seen = [
            bool(landmarker.detect(Frame(pixels, index, index / 30)))
            for index, pixels in enumerate([astronaut, astronaut, noise, noise, astronaut])
        ]
    assert seen == [True, True, False, False, True]


def test_picture_is_only_read_and_may_be_read_only(landmarker: Landmarker, astronaut) -> None:
    before = astronaut.copy()
    astronaut.setflags(write=False)
    found(landmarker.detect(Frame(astronaut, 0, 0.0)))
    np.testing.assert_array_equal(astronaut, before)


@pytest.mark.parametrize(("width", "kept"), [(512, True), (509, False)])
def test_every_picture_is_seen_anew_in_the_same_memory(
    landmarker: Landmarker, astronaut, width: int, kept: bool
) -> None:
    here = astronaut[:, :width].copy()
    there = np.ascontiguousarray(np.roll(here, (30, 20), axis=(0, 1)))
    pictures = [here, there, here[:400].copy(), there]
    seen = []
    for pixels in pictures:
        seen.append(found(landmarker.detect(Frame(pixels, 0, 0.0))))
        # Rows that MediaPipe pads are not its own memory.
        assert (landmarker._pictures._pictures[0]._rgb is not None) == kept
    for pixels, track in zip(pictures, seen, strict=True):
        with Landmarker(video=False, max_faces=2) as fresh:
            alone = found(fresh.detect(Frame(pixels, 0, 0.0)))
        np.testing.assert_array_equal(track.landmarks_px, alone.landmarks_px)


def test_pictures_made_ready_in_advance_are_those_that_are_asked_for(rng) -> None:
    pictures = model_picture.ModelPictures(_Copy)
    frames = rng.integers(0, 256, (12, 16, 16, 3), np.uint8)
    prepared: list[int] = []
    for now in range(len(frames) - 2):
        # Some are made ready, some twice, some never, and some for nothing.
        prepared += rng.choice(len(frames), rng.integers(0, 3)).tolist()
        for coming in prepared[-2:]:
            pictures.prepare(frames[coming])
        shown = pictures.showing(frames[now])
        np.testing.assert_array_equal(shown.numpy_view(), frames[now][..., ::-1])
        pictures.prepare(frames[now + 1])
        pictures.prepare(frames[now + 2])
        # What is looked at stays as it is.
        np.testing.assert_array_equal(shown.numpy_view(), frames[now][..., ::-1])


class _Copy:
    """As ``mediapipe.Image``, without MediaPipe."""

    def __init__(self, rgb: np.ndarray) -> None:
        self._rgb = rgb.copy()
        self._lib, self._image_ptr = self, None

    def numpy_view(self) -> np.ndarray:
        return self._rgb

    def MpImageGetWidthStep(self, _: object) -> int:
        return int(self._rgb.strides[0])


@pytest.mark.parametrize("video", [True, False])
def test_model_that_has_failed_is_built_anew(astronaut, video: bool) -> None:
    with Landmarker(video=video) as landmarker:
        found(landmarker.detect(Frame(astronaut, 0, 0.0)))
        for index in (1, 3):
            fail(landmarker)
            lost = landmarker.detect(Frame(astronaut, index, index / 30))
            assert isinstance(lost, NoFace)
            assert "failed and was restarted" in lost.reason
            assert "\n" not in lost.reason
            assert len(lost.reason) < 250
            found(landmarker.detect(Frame(astronaut, index + 1, (index + 1) / 30)))


def test_closing_twice_is_safe_and_a_failed_model_closes_too(astronaut) -> None:
    landmarker = Landmarker()
    fail(landmarker)
    landmarker.close()
    landmarker.close()


@pytest.mark.parametrize("asset", [b"", b"junk", b"PK\x03\x04" + bytes(100)])
def test_asset_that_is_no_model_is_refused(asset: bytes) -> None:
    with pytest.raises(
        ModelError, match=r"the landmark model does not start: .*livexpr doctor"
    ) as e:
        Landmarker(asset=asset)
    assert "\n" not in str(e.value)


def test_truncated_asset_is_refused() -> None:
    with pytest.raises(ModelError, match="does not start"):
        Landmarker(asset=face_mesh.model_bytes()[:100_000])
