"""A copy made in advance is as good as one made now, and belongs to one."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from livexpr.spare_copy import SpareCopy


@pytest.fixture
def pixels(rng) -> NDArray[np.uint8]:
    return rng.integers(0, 256, (8, 6, 3), np.uint8)


def test_a_copy_that_was_prepared_is_handed_out_once(pixels) -> None:
    spare = SpareCopy()
    spare.take(pixels)
    spare.prepare(pixels)
    copies = [spare.take(pixels) for _ in range(2)]
    assert not np.shares_memory(*copies)
    for copy in copies:
        np.testing.assert_array_equal(copy, pixels)
        assert not np.shares_memory(copy, pixels)


def test_another_picture_gets_a_copy_of_its_own(pixels) -> None:
    spare = SpareCopy()
    spare.take(pixels)
    spare.prepare(pixels)
    np.testing.assert_array_equal(spare.take(255 - pixels), 255 - pixels)


def test_nothing_is_prepared_that_nobody_asks_for() -> None:
    class Uncopied:
        def copy(self):
            raise AssertionError("copied though nobody asked")

    spare = SpareCopy()
    spare.prepare(Uncopied())
