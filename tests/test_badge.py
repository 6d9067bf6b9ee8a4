"""The mark that tells of the filter: legible, small, in its corner, and never under the mirror."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from livexpr import badge
from livexpr.commands import parse_line
from tests.made_up_world import FakeCamera, World


@given(st.integers(1, 900), st.integers(1, 700), st.integers(0, 255))
def test_only_its_box_changes(width, height, grey):
    pixels = np.full((height, width, 3), grey, np.uint8)
    pixels.setflags(write=False)
    after = badge.marked(pixels)
    left, top, right, bottom = badge.box(width, height)
    changed = (after != pixels).any(axis=2)
    assert 0 <= left < right <= width
    assert 0 <= top < bottom <= height
    changed[top:bottom, left:right] = False
    assert not changed.any()


@pytest.mark.parametrize("size", [(640, 360), (1280, 720), (1920, 1080)])
@pytest.mark.parametrize("grey", [0, 128, 255])
def test_it_is_seen_on_any_ground_and_is_small(size, grey):
    width, height = size
    after = badge.marked(np.full((height, width, 3), grey, np.uint8))
    left, top, right, bottom = badge.box(width, height)
    inside = after[top:bottom, left:right].astype(int)
    assert np.ptp(inside) > 80
    assert (right - left) * (bottom - top) < 0.005 * width * height
    assert left > width / 2
    assert top > height / 2


class Asking:
    """Posts a command with the first frame, and quits after some more."""

    def __init__(self, world, line):
        self.world, self.line, self.count = world, line, 0
        self.filtered: list[np.ndarray] = []

    def saw(self, published):
        self.count += 1
        if self.count == 1:
            self.world.inbox.post(parse_line(self.line))
        elif self.count > 3:
            self.filtered.append(published.after.pixels)
            self.world.inbox.post(parse_line("quit"))

    def tell(self, message):
        pass

    def close(self):
        pass


def corner(pixels: np.ndarray) -> np.ndarray:
    height, width = pixels.shape[:2]
    left, top, right, bottom = badge.box(width, height)
    return pixels[top:bottom, left:right]


@pytest.mark.parametrize(("line", "marked"), [("on", True), ("mirror", True), ("off", False)])
def test_it_is_on_what_is_published_while_the_filter_is_on(line, marked):
    world = World(camera=FakeCamera())
    asking = Asking(world, line)
    world.companions = [asking]
    assert world.run(badge=True) == 0
    green = corner(asking.filtered[-1])[..., 1]
    assert (np.ptp(green.astype(int)) > 20) == marked
