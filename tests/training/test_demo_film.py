"""The demo film: what is shipped, and the parts that make it."""

from __future__ import annotations

import itertools
import shutil
from pathlib import Path

import av
import numpy as np
import pytest

from livexpr import face_mesh, head_pose
from livexpr.blendshapes import BLENDSHAPE_NAMES
from livexpr.errors import LivexprError
from livexpr.landmarks import Landmarker
from livexpr.training import canvas, demo_film, demo_head, demo_script, frontal_photographs
from livexpr.training.average_face import average_face
from livexpr.types import FaceTrack, Frame
from tests.conftest import SHARED_DIR

FILM = Path(demo_film.__file__).parents[1] / "assets" / "demo.mp4"


@pytest.fixture(scope="module")
def pictures():
    """All frames of the shipped film, BGR."""
    with av.open(str(FILM)) as container:
        return [frame.to_ndarray(format="bgr24") for frame in container.decode(video=0)]


@pytest.fixture(scope="module")
def tracks(pictures):
    """What the model sees on every third frame of the shipped film."""
    with Landmarker() as landmarker:
        frames = [Frame(pictures[i], i, i / 30) for i in range(0, len(pictures), 3)]
        return [landmarker.detect(frame) for frame in frames]


def _lips_cm(track: FaceTrack) -> float:
    gap = np.linalg.norm(track.landmarks_px[13, :2] - track.landmarks_px[14, :2])
    return float(gap) / head_pose.scale_px_per_cm(track.frame_from_head)


def test_the_shipped_film_is_what_the_demo_promises(pictures):
    with av.open(str(FILM)) as container:
        stream = container.streams.video[0]
        context = stream.codec_context
        assert (context.name, context.pix_fmt) == ("h264", "yuv420p")
        assert (stream.width, stream.height) == demo_film.FILM_SIZE == (1280, 720)
        assert stream.average_rate == 30
    assert len(pictures) == round(demo_film.FPS * demo_film.DURATION_S) == 360
    assert FILM.stat().st_size < 2_000_000


def test_the_shipped_film_loops_without_a_jump(pictures):
    steps = [
        np.abs(a.astype(np.int16) - b).mean() for a, b in itertools.pairwise(pictures[::1][:120])
    ]
    seam = np.abs(pictures[-1].astype(np.int16) - pictures[0]).mean()
    assert max(steps) > 0.1  # it does move
    assert seam < 1.0
    assert seam < 3 * max(steps)


def test_a_face_of_the_promised_size_is_on_every_frame(tracks):
    heights = []
    for track in tracks:
        assert track
        heights.append(float(np.ptp(track.landmarks_px[: face_mesh.N_LANDMARKS, 1])))
    assert min(heights) > 340
    assert max(heights) < 400


def test_the_head_turns_both_ways_within_ten_degrees(tracks):
    yaw = np.degrees([head_pose.angles_rad(track.frame_from_head)[0] for track in tracks])
    assert -12 < yaw.min() < -5
    assert 5 < yaw.max() < 12


def test_the_face_blinks_now_and_then(tracks):
    column = BLENDSHAPE_NAMES.index("eyeBlinkLeft")
    blinking = np.array([track.blendshapes[column] for track in tracks]) > 0.4
    begins = np.count_nonzero(blinking[1:] & ~blinking[:-1])
    assert 2 <= begins <= 4
    assert blinking.mean() < 0.15


def test_the_face_speaks_and_pauses(tracks):
    opening = np.array([_lips_cm(track) for track in tracks])
    assert opening.max() > 0.5
    assert np.median(opening) < 0.15
    assert opening[0] < 0.1


def test_the_script_repeats_and_rests_where_it_joins():
    start, end = demo_script.moment(0, 12), demo_script.moment(12, 12)
    assert (start.closed, start.lips_cm, start.pucker) == (0, 0, 0)
    assert (end.closed, end.lips_cm, end.pucker) == (0, 0, 0)
    for name in ("yaw", "pitch", "roll", "gaze", "brows_cm"):
        assert getattr(end, name) == pytest.approx(getattr(start, name), abs=1e-6)
    assert end.sway_px == pytest.approx(start.sway_px, abs=1e-6)


def test_eyes_close_wholly_and_open_wholly():
    closed = [demo_script.moment(i / 100, 12).closed for i in range(1200)]
    assert max(closed) == pytest.approx(1)
    assert min(closed) == 0


def test_the_jaw_parts_the_lips_and_leaves_the_upper_face():
    offsets = demo_head._jaw_offsets()
    lower, upper = offsets[14], offsets[13]
    assert lower[1] == pytest.approx(-1, abs=0.1)
    assert -0.05 < upper[1] < 0.2
    eyes_and_brows = [*face_mesh.UPPER_LIDS, *face_mesh.LOWER_LIDS, 70, 105, 336, 10]
    assert np.abs(offsets[eyes_and_brows]).max() < 0.05
    assert offsets[152, 1] < -0.6  # the chin goes along


def test_brows_rise_without_the_lids():
    offsets = demo_head._brow_offsets()
    assert offsets[105, 1] > 0.9
    assert np.abs(offsets[[*face_mesh.UPPER_LIDS, *face_mesh.LOWER_LIDS]]).max() < 0.01


def test_the_spline_passes_through_its_points(rng):
    points = rng.uniform(300, 700, (12, 2)).astype(np.float32)
    points = np.round(points / canvas.GRID_PX).astype(np.float32) * canvas.GRID_PX
    points = np.unique(points, axis=0)
    values = rng.normal(size=len(points))
    grid = canvas.canvas_grid()
    operator = canvas.spline_operator(points, np.empty((0, 2), np.float32))
    field = (operator @ values).reshape(grid.shape[:2])
    at = (points / canvas.GRID_PX).astype(int)
    np.testing.assert_allclose(field[at[:, 1], at[:, 0]], values, atol=0.02)


def test_too_few_photographs_are_refused_in_one_line(tmp_path):
    with pytest.raises(LivexprError, match="0 pictures of 0 show one frontal face"):
        frontal_photographs.read_photographs(tmp_path)


@pytest.mark.shared
def test_the_same_photographs_give_the_same_frames(tmp_path):
    for path in sorted((SHARED_DIR / "data" / "london" / "neutral").glob("*.jpg"))[:5]:
        shutil.copy(path, tmp_path)
    made = []
    for _ in range(2):
        average = average_face(frontal_photographs.read_photographs(tmp_path))
        head = demo_head.make_head(average)
        made.append([demo_film.frame_at(head, time_s) for time_s in (0.0, 0.9, 1.8)])
    for first, second in zip(*made, strict=True):
        np.testing.assert_array_equal(first, second)
    still, blinking, speaking = made[0]
    assert still.shape == (720, 1280, 3)
    with Landmarker(video=False) as landmarker:
        tracks = [landmarker.detect(Frame(p, i, i)) for i, p in enumerate(made[0])]
    column = BLENDSHAPE_NAMES.index("eyeBlinkRight")
    assert tracks[1].blendshapes[column] > tracks[0].blendshapes[column] + 0.2
    assert _lips_cm(tracks[2]) > _lips_cm(tracks[0]) + 0.4
    assert not np.array_equal(blinking, speaking)
