"""What stands in for a face that is lost, and that blur never lets an unfiltered face through."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from livexpr.landmarks import Landmarker
from livexpr.lost_face import Veil, blurred, shown, together
from livexpr.types import Frame

FRAME_S = 1 / 30
SHAPE = (36, 64, 3)


def picture(level: int) -> np.ndarray:
    """Return a chequered picture: what a blur changes."""
    rows, columns = np.mgrid[: SHAPE[0], : SHAPE[1]]
    cells = ((rows + columns) % 2 * 40 + level).astype(np.uint8)
    return np.repeat(cells[..., None], 3, axis=2)


def play(mode, presences, veil=None):
    """Show one picture after another; return what was given and what was shown."""
    veil = veil or Veil()
    given_in, out = [], []
    for index, presence in enumerate(presences):
        pixels = picture(index)
        got, veil = shown(mode, pixels, presence, index * FRAME_S, veil)
        assert got.shape == SHAPE
        assert got.dtype == np.uint8
        given_in.append(pixels)
        out.append(got)
    return given_in, out


def same(a, b) -> bool:
    return np.array_equal(a, b)


def test_passthrough_is_the_very_picture() -> None:
    pixels, out = play("passthrough", [None, 0.0, 1.0, None])
    assert all(got is one for got, one in zip(out, pixels, strict=True))


@pytest.mark.parametrize("mode", ["freeze", "blur"])
def test_a_face_that_is_there_is_the_very_picture(mode) -> None:
    pixels, out = play(mode, [1.0] * 20)
    assert all(got is one for got, one in zip(out[6:], pixels[6:], strict=True))


def test_freeze_shows_the_last_filtered_picture_until_the_effect_is_back() -> None:
    pixels, out = play("freeze", [1.0] * 10 + [None] * 30 + [0.1, 0.3, 0.6] + [1.0] * 10)
    assert all(got is pixels[9] for got in out[10:43])
    assert out[-1] is pixels[-1]


def test_freeze_has_nothing_to_show_before_the_first_face() -> None:
    pixels, out = play("freeze", [None] * 5)
    assert all(got is one for got, one in zip(out, pixels, strict=True))


def test_freeze_goes_on_with_a_head_that_turns_away() -> None:
    pixels, out = play("freeze", [1.0] * 10 + [0.2, 0.0, 0.0])
    assert out[-1] is pixels[-1]


def test_blur_before_the_first_face() -> None:
    pixels, out = play("blur", [None] * 3 + [0.0, 0.1, 0.5])
    assert all(same(got, blurred(one)) for got, one in zip(out, pixels, strict=True))


def test_blur_holds_the_last_filtered_picture_for_a_moment() -> None:
    pixels, out = play("blur", [1.0] * 10 + [None] * 30)
    assert all(got is pixels[9] for got in out[10:18])
    assert all(same(got, blurred(one)) for got, one in zip(out[20:], pixels[20:], strict=True))


def test_blur_does_not_flash_for_a_frame_without_a_face() -> None:
    pixels, out = play("blur", [1.0] * 10 + [None, None, 0.6, 0.7, 0.8] + [1.0] * 9)
    assert all(got is pixels[9] for got in out[10:14])
    assert out[-1] is pixels[-1]
    # Nothing on the way is a blur: the live picture takes over from the held one.
    for got, one in zip(out[14:], pixels[14:], strict=True):
        assert not same(got, blurred(one))


def test_blur_covers_a_head_that_turns_too_far() -> None:
    pixels, out = play("blur", [1.0] * 10 + [0.8, 0.6, 0.4] + [0.1] * 20)
    assert out[11] is pixels[11]
    assert same(out[-1], blurred(pixels[-1]))


@given(st.lists(st.one_of(st.none(), st.floats(0, 1)), max_size=60))
def test_blur_never_shows_a_picture_without_the_effect(presences) -> None:
    pixels, out = play("blur", presences)
    for presence, one, got in zip(presences, pixels, out, strict=True):
        if presence is None:
            assert not same(got, one)


@given(st.lists(st.one_of(st.none(), st.floats(0, 1)), max_size=60))
def test_freeze_never_shows_a_picture_without_a_face_after_the_first(presences) -> None:
    pixels, out = play("freeze", [1.0] * 10 + presences)
    for presence, one, got in zip(presences, pixels[10:], out[10:], strict=True):
        if presence is None:
            assert not same(got, one)


def test_a_source_that_returns_in_another_size() -> None:
    veil = Veil()
    for index in range(10):
        _, veil = shown("freeze", picture(0), 1.0, index * FRAME_S, veil)
    other = np.zeros((20, 30, 3), np.uint8)
    got, _ = shown("freeze", other, None, 0.5, veil)
    assert got is other


@pytest.mark.parametrize("shape", [(720, 1280), (5, 7), (1, 1), (3, 400), (1080, 1920)])
def test_blurred_keeps_size_and_light(rng, shape) -> None:
    pixels = rng.integers(0, 256, (*shape, 3), np.uint8)
    got = blurred(pixels)
    assert got.shape == pixels.shape
    np.testing.assert_allclose(got.mean(), pixels.mean(), atol=25 if min(shape) < 12 else 3)


def test_no_face_is_found_in_a_blurred_picture(astronaut) -> None:
    close = np.ascontiguousarray(astronaut[20:260, 110:350])
    with Landmarker(video=False) as landmarker:
        for pixels in (astronaut, close):
            assert landmarker.detect(Frame(pixels, 0, 0.0))
            assert not landmarker.detect(Frame(blurred(pixels), 0, 0.0))


@pytest.mark.parametrize("presences", [(None,), (0.4,), (1.0,), ()])
@pytest.mark.parametrize("mode", ["passthrough", "freeze", "blur"])
def test_one_person_counts_alone(mode, presences) -> None:
    assert together(mode, presences) == (presences[0] if presences else None)


def test_blur_goes_by_whoever_is_seen_least_and_freeze_by_whoever_is_seen_most() -> None:
    for presences, least, most in (
        ((1.0, 0.2), 0.2, 1.0),
        ((None, 0.7), None, 0.7),
        ((None, None), None, None),
    ):
        assert together("blur", presences) == least
        assert together("freeze", presences) == most
