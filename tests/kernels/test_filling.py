"""Progressions of every length, by instructions that a processor has and by those that all have."""

from __future__ import annotations

import numba
import numpy as np
import pytest

from kernels import filling

FILLS = [filling._fill_16_jit, filling._fill_8_jit, filling._fill_uncut_jit]


@pytest.mark.parametrize("fill", FILLS, ids=lambda fill: fill.__name__)
@pytest.mark.parametrize("first", [0, 3])
def test_as_many_elements_as_asked_are_written_and_none_beside(fill, first):
    @numba.njit
    def run(field, at, n, start, step):
        fill(field, at, n, start, step)

    for n in range(70):
        field = np.full((4, 5, 8), np.nan, np.float32)
        run(field, 20 + first, n, np.float32(2.5), np.float32(-0.125))
        found = field.ravel()
        np.testing.assert_array_equal(found[20 + first :][:n], 2.5 - 0.125 * np.arange(n))
        assert np.isnan(found[: 20 + first]).all()
        assert np.isnan(found[20 + first + n :]).all()
