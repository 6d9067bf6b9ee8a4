"""Triangles are sorted into bands chunk by chunk, and a chunk may be sorted twice at a time."""

from __future__ import annotations

import numpy as np
import pytest

from kernels import bands, jobs


def spanned(rows):
    """Return the first and the last band of a triangle, whose nodes reach a row beyond a band."""
    return max(rows[0] - 1, 0) // jobs.BAND_ROWS, (rows[1] - 1) // jobs.BAND_ROWS


@pytest.mark.parametrize("height", [1, 15, 16, 97, 720])
def test_bands_list_their_triangles_in_order_of_all_chunks(rng, height):
    n, n_chunks = 3 * jobs.CHUNK, 3
    first = rng.integers(0, height, n)
    last = np.minimum(first + 1 + rng.integers(0, 40, n), height + 1)
    rows = np.stack([first, last], axis=1).astype(np.int32)
    past = [jobs.CHUNK, 2 * jobs.CHUNK, n - 17]
    n_begins = jobs.count_begins(height)
    order = np.full((n_chunks, jobs.CHUNK * n_begins), -1, np.int32)
    begins = np.full((n_chunks, n_begins), -1, np.int64)
    counted = np.full(n_begins, 99, np.int64)
    sort, listed = (getattr(f, "py_func", f) for f in (bands._sort_jit, bands._listed))
    for c in range(n_chunks):
        sort(order[c], begins[c], counted, rows, c * jobs.CHUNK, past[c])
    here = [t for c in range(n_chunks) for t in range(c * jobs.CHUNK, past[c])]
    list_ = np.empty(n, np.int32)
    for band in range(-(-height // jobs.BAND_ROWS)):
        count = listed(list_, order, begins, band)
        expected = [t for t in here if spanned(rows[t])[0] <= band <= spanned(rows[t])[1]]
        assert list(list_[:count]) == expected


def test_sorting_again_writes_only_what_is_there_already(rng):
    """Whoever is late writes while others read."""

    class Watched(np.ndarray):
        """Refuses to be written anything new to."""

        def __setitem__(self, where, value):
            assert np.array_equal(self[where], value)

    first = rng.integers(0, 80, jobs.CHUNK)
    rows = np.stack([first, first + rng.integers(1, 30, jobs.CHUNK)], axis=1).astype(np.int32)
    n_begins = jobs.count_begins(110)
    order, begins = np.zeros(jobs.CHUNK * n_begins, np.int32), np.zeros(n_begins, np.int64)
    counted = np.zeros(n_begins, np.int64)
    sort = getattr(bands._sort_jit, "py_func", bands._sort_jit)
    sort(order, begins, counted, rows, 0, jobs.CHUNK)
    sort(order.view(Watched), begins.view(Watched), counted, rows, 0, jobs.CHUNK)
