"""Contact sheets: layout, cuts, and what the filters are given, with made-up filters."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from livexpr import pipeline, presets
from livexpr.errors import CameraError, LivexprError
from livexpr.landmarks import Landmarker
from livexpr.training import contact_sheet
from livexpr.training.contact_sheet import Crop
from livexpr.training.sheet_layout import BACKGROUND, Cell, make_sheet, write_sheet
from livexpr.types import FaceTrack, Frame, NoFace

FPS = 25
N_FRAMES = 20
CLIP_SIZE = (64, 48)


def track_at(left: float, top: float, side: float = 20.0) -> FaceTrack:
    """A face whose landmarks span a square."""
    points = np.zeros((478, 3), np.float32)
    points[:, 0] = np.linspace(left, left + side, 478)
    points[:, 1] = np.linspace(top, top + side, 478)
    return FaceTrack(points, np.zeros(52, np.float32), np.eye(4, dtype=np.float32))


def inverted(frame: Frame, track: FaceTrack | NoFace) -> np.ndarray:
    return 255 - frame.pixels


def coloured(height: int, width: int, level: int) -> np.ndarray:
    return np.full((height, width, 3), level, np.uint8)


@pytest.fixture
def photograph(tmp_path: Path, rng: np.random.Generator) -> Path:
    path = tmp_path / "ann.png"
    cv2.imwrite(str(path), rng.integers(0, 256, (80, 100, 3), dtype=np.uint8))
    return path


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    """Frame i is grey of level 10 i."""
    path = tmp_path / "clip.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=FPS)
        stream.width, stream.height, stream.pix_fmt = *CLIP_SIZE, "bgr0"
        for index in range(N_FRAMES):
            pixels = coloured(CLIP_SIZE[1], CLIP_SIZE[0], 10 * index)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="bgr24")))
        container.mux(stream.encode())
    return path


def find_picture(sheet: np.ndarray, picture: np.ndarray) -> list[tuple[int, int]]:
    """Return every (left, top) where `picture` lies in `sheet`, pixel for pixel."""
    windows = np.lib.stride_tricks.sliding_window_view(sheet, picture.shape)[:, :, 0]
    tops, lefts = np.nonzero((windows == picture).all(axis=(2, 3, 4)))
    return list(zip(lefts.tolist(), tops.tolist(), strict=True))


def test_every_picture_is_on_the_sheet_pixel_for_pixel(rng):
    sizes = [[(12, 20), (9, 30)], [(25, 7)], [(11, 11), (5, 6), (8, 40)]]
    rows = [
        [Cell("x", rng.integers(0, 256, (h, w, 3), dtype=np.uint8)) for h, w in row]
        for row in sizes
    ]
    sheet = make_sheet(rows)
    places = [[find_picture(sheet, cell.pixels) for cell in row] for row in rows]
    assert all(len(place) == 1 for row in places for place in row)
    corners = [[place[0] for place in row] for row in places]
    # Columns share their left edge, rows their top edge.
    assert corners[0][0][0] == corners[1][0][0] == corners[2][0][0]
    assert corners[0][1][0] == corners[2][1][0]
    assert corners[2][0][1] == corners[2][1][1] == corners[2][2][1]


@given(
    st.lists(
        st.lists(st.tuples(st.integers(1, 30), st.integers(1, 30)), max_size=4),
        min_size=1,
        max_size=4,
    ).filter(any),
    st.sampled_from([0.5, 1.0, 2.0, 3.0]),
)
def test_pictures_never_overlap_whatever_their_sizes(sizes, zoom):
    rows = [[Cell("", coloured(h, w, 200)) for h, w in row] for row in sizes]
    sheet = make_sheet(rows, zoom)
    area = sum(max(round(h * zoom), 1) * max(round(w * zoom), 1) for row in sizes for h, w in row)
    assert np.count_nonzero((sheet == 200).all(axis=2)) == area


def test_labels_are_written_above_and_stay_in_their_column():
    plain = make_sheet([[Cell("", coloured(20, 40, 99)), Cell("", coloured(20, 40, 99))]])
    words = make_sheet([[Cell("W" * 30, coloured(20, 40, 99)), Cell("", coloured(20, 40, 99))]])
    assert words.shape == plain.shape
    rows, columns = np.nonzero((words != plain).any(axis=2))
    (left, top), (right, _) = find_picture(plain, coloured(20, 40, 99))
    assert rows.size > 20
    assert rows.max() < top
    assert columns.min() >= left
    assert columns.max() < right


def test_zoom_repeats_pixels(rng):
    pixels = rng.integers(0, 256, (6, 7, 3), dtype=np.uint8)
    sheet = make_sheet([[Cell("", pixels)]], zoom=3)
    assert len(find_picture(sheet, pixels.repeat(3, axis=0).repeat(3, axis=1))) == 1


@pytest.mark.parametrize("zoom", [0.0, -1.0, float("nan"), 17.0])
def test_a_zoom_that_shows_nothing_is_refused(zoom):
    with pytest.raises(LivexprError, match="zoom above 0"):
        make_sheet([[Cell("", coloured(3, 3, 1))]], zoom)


@pytest.mark.parametrize("rows", [[], [[]]])
def test_an_empty_sheet_is_refused(rows):
    with pytest.raises(LivexprError, match="needs a picture"):
        make_sheet(rows)


def test_the_sheet_is_written_as_png(tmp_path, rng):
    sheet = rng.integers(0, 256, (20, 30, 3), dtype=np.uint8)
    write_sheet(tmp_path / "sheet.png", sheet)
    assert np.array_equal(cv2.imread(str(tmp_path / "sheet.png")), sheet)
    with pytest.raises(LivexprError, match=r"ends in \.png"):
        write_sheet(tmp_path / "sheet.jpg", sheet)
    with pytest.raises(LivexprError, match="cannot write"):
        write_sheet(tmp_path / "missing" / "sheet.png", sheet)


def test_the_cut_is_the_face_with_a_margin_inside_the_picture():
    assert contact_sheet.face_box(track_at(40, 30), (100, 200, 3), Crop.FACE) == (35, 25, 30, 30)
    assert contact_sheet.face_box(track_at(2, 85), (100, 200, 3), Crop.FACE) == (0, 80, 27, 20)
    whole = (0, 0, 200, 100)
    assert contact_sheet.face_box(track_at(40, 30), (100, 200, 3), Crop.NONE) == whole
    assert contact_sheet.face_box(NoFace("none"), (100, 200, 3), Crop.FACE) == whole


@given(st.floats(-300, 300), st.floats(-300, 300), st.floats(1, 400))
def test_the_cut_is_never_empty_or_outside(left, top, side):
    cut = contact_sheet.face_box(track_at(left, top, side), (90, 120, 3), Crop.FACE)
    assert 0 <= cut[0] < cut[0] + cut[2] <= 120
    assert 0 <= cut[1] < cut[1] + cut[3] <= 90


def test_a_row_shows_input_and_filters_in_the_same_cut(photograph):
    pixels = cv2.imread(str(photograph))
    row = contact_sheet.picture_row(
        photograph, lambda frame: track_at(40, 30), [("happy 1", inverted)]
    )
    assert [cell.label for cell in row] == ["ann", "happy 1"]
    assert np.array_equal(row[0].pixels, pixels[25:55, 35:65])
    assert np.array_equal(row[1].pixels, 255 - pixels[25:55, 35:65])


def test_without_a_face_the_row_says_so_and_shows_all(photograph):
    row = contact_sheet.picture_row(photograph, lambda frame: NoFace("dark"), [("x", inverted)])
    assert row[0].label == "ann: no face"
    assert np.array_equal(row[0].pixels, cv2.imread(str(photograph)))


def test_the_real_expression_stands_beside_it_centred_on_its_own_face(photograph, rng):
    truth_dir = photograph.parent / "smiling"
    truth_dir.mkdir()
    real = rng.integers(0, 256, (80, 100, 3), dtype=np.uint8)
    cv2.imwrite(str(truth_dir / "ann.png"), real)
    faces: dict[int, FaceTrack] = {int(real[0, 0, 0]): track_at(50, 40)}
    original = int(cv2.imread(str(photograph))[0, 0, 0])
    assert original not in faces
    faces[original] = track_at(40, 30)

    def detect(frame: Frame) -> FaceTrack:
        return faces[int(frame.pixels[0, 0, 0])]

    row = contact_sheet.picture_row(photograph, detect, [], truth_dir=truth_dir)
    assert row[-1].label == "real"
    assert np.array_equal(row[-1].pixels, real[35:65, 45:75])
    (truth_dir / "ann.png").unlink()
    row = contact_sheet.picture_row(photograph, detect, [], truth_dir=truth_dir)
    assert row[-1].label == "no real one"
    assert (row[-1].pixels == BACKGROUND).all()


def test_a_clip_runs_in_order_through_everything_up_to_the_last_frame_shown(clip):
    seen: list[tuple[str, int, float]] = []

    def detect(frame: Frame) -> FaceTrack | NoFace:
        seen.append(("detect", frame.index, frame.captured_at_s))
        return track_at(10, 10)

    def recorder(name: str) -> Callable[[Frame, FaceTrack | NoFace], np.ndarray]:
        def apply(frame: Frame, track: FaceTrack | NoFace) -> np.ndarray:
            seen.append((name, frame.index, frame.captured_at_s))
            return frame.pixels + np.uint8(5)

        return apply

    filters = [(name, recorder(name)) for name in ("a", "b")]
    rows = list(contact_sheet.clip_rows(clip, 2, detect, filters))
    # The middles of both halves of twenty frames.
    assert [[cell.label for cell in row] for row in rows] == [
        ["clip #5", "a", "b"],
        ["clip #15", "a", "b"],
    ]
    for row, index in zip(rows, (5, 15), strict=True):
        assert (row[0].pixels == 10 * index).all()
        assert (row[2].pixels == 10 * index + 5).all()
    for name in ("detect", "a", "b"):
        frames = [(index, time_s) for who, index, time_s in seen if who == name]
        assert frames == [(index, pytest.approx(index / FPS)) for index in range(16)]


@pytest.mark.parametrize(("asked", "shown"), [(1, 1), (20, 20), (50, 20)])
def test_a_clip_never_shows_a_frame_twice(clip, asked, shown):
    rows = list(contact_sheet.clip_rows(clip, asked, lambda frame: NoFace("none"), []))
    assert len({row[0].label for row in rows}) == len(rows) == shown


def test_a_folder_stands_for_its_pictures(photograph):
    (photograph.parent / "notes.txt").write_text("no picture")
    other = photograph.parent / "aaa.JPG"
    other.write_bytes(photograph.read_bytes())
    film = Path("film.mp4")
    found = contact_sheet.list_files([photograph.parent, film])
    assert found == [other, photograph, film]
    empty = photograph.parent / "empty"
    empty.mkdir()
    with pytest.raises(CameraError, match="no picture in"):
        contact_sheet.list_files([empty])


def test_a_photograph_is_filtered_at_once_and_a_clip_eased_in(astronaut):
    effect = pipeline.load_effect(presets.from_expressions(["happy"]))
    frame = Frame(astronaut, 0, 0.0)
    with Landmarker(video=False) as landmarker:
        track = landmarker.detect(frame)
    assert track
    neutral = replace(track, blendshapes=np.zeros_like(track.blendshapes))
    at_once = contact_sheet.effect_filter(effect, settled=True)(frame, neutral)
    eased = contact_sheet.effect_filter(effect, settled=False)
    first = eased(frame, neutral)
    for index in range(1, 60):
        last = eased(replace(frame, index=index, captured_at_s=index / 30), neutral)
    change = np.abs(at_once.astype(int) - astronaut).mean()
    assert change > 0.2
    assert np.abs(first.astype(int) - astronaut).mean() < 0.1 * change
    assert np.abs(last.astype(int) - at_once).mean() < 0.1 * change


def test_the_command_writes_a_sheet(tmp_path, astronaut):
    photo, out = tmp_path / "eileen.png", tmp_path / "sheet.png"
    cv2.imwrite(str(photo), astronaut)
    contact_sheet._main(out, [photo], ["happy"], intensity=[0.0, -1.0], crop_to=Crop.NONE)
    sheet = cv2.imread(str(out))
    height, width = astronaut.shape[:2]
    assert sheet.shape[0] - height < 40
    untouched = [
        np.array_equal(sheet[-height - 4 : -4, left : left + width], astronaut)
        for left in (4, width + 8, 2 * width + 12)
    ]
    # The input, intensity 0, intensity -1.
    assert untouched == [True, True, False]


def test_the_command_ends_in_one_line(tmp_path):
    with pytest.raises(SystemExit) as caught:
        contact_sheet._main(tmp_path / "sheet.png", [tmp_path / "nobody.jpg"], ["happy"])
    assert "nobody.jpg" in str(caught.value.code)
    assert "\n" not in str(caught.value.code)
