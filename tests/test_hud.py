"""What is drawn on the preview."""

from __future__ import annotations

import numpy as np
import pytest

from livexpr import hud
from livexpr.controls import Controls
from livexpr.hud import Readings, draw_preview
from livexpr.keys import KEYS
from livexpr.types import FaceTrack

SIZES = [(640, 480), (1280, 720)]


def plain(size: tuple[int, int], level: int) -> np.ndarray:
    return np.full((size[1], size[0], 3), level, np.uint8)


def track_at(x: float, y: float) -> FaceTrack:
    points = np.full((478, 3), (x, y, 0.0), np.float32)
    return FaceTrack(points, np.zeros(52, np.float32), np.eye(4, dtype=np.float32))


def draw(pixels, *, before=None, tracks=(), controls=None, readings=None, size=None):
    before = pixels if before is None else before
    size = size or (pixels.shape[1], pixels.shape[0])
    return draw_preview(
        before, pixels, tracks, controls or Controls(), readings or Readings("happy"), size
    )


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("level", [0, 128, 255])
def test_readings_are_readable_on_any_picture(size, level):
    picture = plain(size, level)
    shown = draw(picture, readings=Readings("happy", 29.7, 23.4)).astype(int)
    changed = np.argwhere((shown != level).any(axis=2))
    top, left = changed.min(axis=0)
    assert top > size[1] * 0.9, "small, and at the bottom"
    box = shown[top : changed[:, 0].max(), left : left + 40]
    assert box.max() > 225
    assert np.percentile(box, 40) < 80, "light text stands on dark ground"


@pytest.mark.parametrize("size", SIZES)
def test_readings_tell_preset_strength_rate_and_latency(size):
    def width(readings, controls=None):
        shown = draw(plain(size, 255), readings=readings, controls=controls)
        return np.ptp(np.argwhere((shown != 255).any(axis=2))[:, 1])

    short = width(Readings("a"))
    assert width(Readings("a longer name")) > short
    assert width(Readings("a", fps=30.0)) > short
    assert width(Readings("a", latency_ms=25.0)) > short
    assert width(Readings("a"), Controls(frozen=True)) > short
    assert width(Readings("a"), Controls(mirrored=True)) > short


@pytest.mark.parametrize(
    ("bound", "told"),
    [
        ({}, ["h: help"]),
        ({"h": "preset warm"}, ["?: help"]),
        ({"h": "", "?": ""}, []),
        ({"h": "", "?": "", "k": "help"}, ["k: help"]),
    ],
)
def test_the_key_of_the_help_is_the_one_that_is_bound_to_it(monkeypatch, bound, told):
    written = []
    monkeypatch.setattr(hud, "_write", lambda picture, text, *rest: written.append(text))
    draw(plain((640, 480), 0), readings=Readings("happy", keys=KEYS.bound(bound)))
    assert [text for text in written if "help" in text] == told


def test_off_is_shown():
    picture = plain((640, 480), 90)
    on, off = draw(picture), draw(picture, controls=Controls(on=False))
    assert (on != off).any()


@pytest.mark.parametrize("size", [(160, 120), *SIZES])
def test_a_long_name_or_message_stays_inside(size):
    picture = plain(size, 255)
    readings = Readings("very long name " * 20, 30.0, 20.0, "a very long message " * 20)
    shown = draw(picture, readings=readings)
    assert (shown[:, -2:] == 255).all() or size[0] < 320
    assert shown.shape == picture.shape


@pytest.mark.parametrize("size", SIZES)
def test_help_lists_every_key_inside_the_picture(size):
    picture = plain(size, 255)
    shown = draw(picture, controls=Controls(help_shown=True))
    rows = np.flatnonzero((shown[: size[1] * 9 // 10] != 255).any(axis=(1, 2)))
    assert rows.min() > 0
    columns = np.flatnonzero((shown[rows.min() : rows.max()] != 255).any(axis=(0, 2)))
    assert columns.min() > 0
    assert columns.max() < size[0] - 1
    # Rows of text between rows of bare ground: as many as there are keys.
    panel = shown[rows.min() + 8 : rows.max() - 8, columns.min() + 12 : columns.max() - 12]
    has_text = (panel.max(axis=2) > 120).any(axis=1)
    lines = np.count_nonzero(np.diff(has_text.astype(int)) == 1) + int(has_text[0])
    assert lines >= len(hud.KEYS.rows)


@pytest.mark.parametrize("size", [(1, 1), (2, 3), (48, 32), (31, 400)])
def test_tiny_pictures_do_not_break_it(size):
    controls = Controls(help_shown=True, split=True, landmarks=True, frozen=True)
    readings = Readings("happy", 30.0, 20.0, "message")
    shown = draw(plain(size, 9), tracks=(track_at(0, 0),), controls=controls, readings=readings)
    assert shown.shape == (size[1], size[0], 3)


def test_split_shows_before_on_the_left_and_after_on_the_right():
    size = (640, 480)
    shown = draw(plain(size, 200), before=plain(size, 50), controls=Controls(split=True))
    assert (shown[240, :310] == 50).all()
    assert (shown[240, 330:] == 200).all()


def test_landmarks_are_drawn_where_they_are_also_mirrored_and_scaled():
    size = (640, 480)
    controls = Controls(landmarks=True)
    shown = draw(plain(size, 0), tracks=(track_at(100.0, 50.0),), controls=controls)
    assert shown[50, 100, 1] > 200
    assert not shown[50, 120:].any()
    mirrored = Controls(landmarks=True, mirrored=True)
    assert draw(plain(size, 0), tracks=(track_at(100, 50),), controls=mirrored)[50, 539, 1] > 200
    half = draw(plain(size, 0), tracks=(track_at(100, 50),), controls=controls, size=(320, 240))
    assert half[25, 50, 1] > 100
    assert not draw(plain(size, 0), controls=controls)[:300].any()


def test_nothing_is_drawn_on_the_frames_themselves():
    before, after = plain((640, 480), 10), plain((640, 480), 20)
    before.setflags(write=False)
    after.setflags(write=False)
    controls = Controls(help_shown=True, split=True, landmarks=True)
    shown = draw(after, before=before, tracks=(track_at(9, 9),), controls=controls)
    assert shown is not after
    assert (before == 10).all()
    assert (after == 20).all()
