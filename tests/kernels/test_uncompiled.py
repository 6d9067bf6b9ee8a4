"""What stands in for kernels that are still being compiled: the same, and compiles nothing."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import threading

import numba
import numpy as np
import pytest

from kernels.awaited import AWAITED, OTHERS_AWAITED, Awaited
from livexpr import pipeline, presets
from livexpr.types import Frame

# All that holds for the compiled kernel holds for what stands in for it.
from tests.kernels.test_apply import (  # noqa: F401
    test_agrees_with_the_reference,
    test_colours_stay_in_order_however_strong_the_map,
    test_each_pixel_of_a_mesh_is_drawn_by_one_triangle,
    test_empty_and_turned_triangles_are_not_drawn,
    test_gain_is_a_power_of_the_amount,
    test_good_arguments_are_taken_read_only_or_not,
    test_later_triangles_cover_earlier_ones_and_pictures_all,
    test_no_picture_and_no_triangles,
    test_nothing_changed_is_bit_exact,
    test_only_triangles_with_finite_numbers_are_drawn,
    test_picture_is_laid_over_by_its_opacity,
    test_pixels_outside_the_triangles_keep_what_they_held,
    test_places_outside_the_table_are_read_at_its_border,
    test_slivers_observe_what_lies_near_them,
    test_smallest_pictures,
    test_sources_outside_the_picture_are_read_at_its_border,
    test_triangles_that_change_nothing_are_passed_over,
    test_vertices_far_outside_do_no_harm,
    test_whole_pixel_shift_is_bit_exact,
    test_wrong_arguments_are_refused,
)

FRAME_S = 1 / 30
# Filter a face while the kernels are awaited; fail where one would be compiled.
COMPILE_NOTHING = """
    from numba.core import event
    from kernels.awaited import AWAITED, OTHERS_AWAITED
    from livexpr import pipeline, presets
    from livexpr.types import Frame
    from tests.conftest import SyntheticFace

    class Refusal(event.Listener):
        def on_start(self, event):
            raise AssertionError(event.data)
        def on_end(self, event):
            pass

    face = SyntheticFace()
    AWAITED.begin()
    OTHERS_AWAITED.begin()
    with event.install_listener("numba:compile", Refusal()):
        for name in ("happy", "surprised", "neutral"):
            effect = pipeline.load_effect(presets.load(name))
            state = pipeline.settled_state(effect)
            for index, mouth_cm in enumerate((0.0, 1.0, 0.3)):
                track = face.track(mouth_cm=mouth_cm, yaw_rad=0.1)
                frame = Frame(face.draw(track), index, index / 30)
                result = pipeline.process(frame, track, effect, state)
                state = result.state
                assert name == "neutral" or result.frame is not frame
"""


@pytest.fixture(autouse=True, scope="module")
def _awaited():
    for awaited in (AWAITED, OTHERS_AWAITED):
        awaited.begin()
    yield
    for awaited in (AWAITED, OTHERS_AWAITED):
        awaited.end()


@pytest.mark.parametrize("name", ["happy", "angry", "surprised", "sad"])
@pytest.mark.parametrize("yaw_rad", [0.0, 0.5])
def test_the_whole_filter_draws_the_same_face(synthetic_face, name, yaw_rad):
    effect = pipeline.load_effect(presets.load(name))
    states = [pipeline.settled_state(effect)] * 2
    for index, mouth_cm in enumerate((0.0, 0.4, 1.2)):
        track = synthetic_face.track(mouth_cm=mouth_cm, yaw_rad=yaw_rad, roll_rad=0.2)
        frame = Frame(synthetic_face.draw(track), index, index * FRAME_S)
        awaited = pipeline.process(frame, track, effect, states[0])
        with AWAITED.loading(), OTHERS_AWAITED.loading():
            compiled = pipeline.process(frame, track, effect, states[1])
        states = [awaited.state, compiled.state]
        assert awaited.frame is not frame
        difference = np.abs(compiled.frame.pixels.astype(int) - awaited.frame.pixels)
        assert np.count_nonzero(difference > 1) <= 3
        assert difference.max() <= 6


@pytest.mark.skipif(bool(numba.config.DISABLE_JIT), reason="Numba is off: nothing is compiled")
def test_nothing_is_compiled_meanwhile(tmp_path, pytestconfig):
    run = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(COMPILE_NOTHING)],
        cwd=pytestconfig.rootpath,
        env={**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert run.returncode == 0, run.stderr


def test_only_whoever_loads_the_kernels_may_call_them():
    awaited, elsewhere = Awaited(), []
    assert not awaited
    awaited.begin()
    assert awaited
    with awaited.loading():
        assert not awaited
        other = threading.Thread(target=lambda: elsewhere.append(bool(awaited)))
        other.start()
        other.join()
    assert elsewhere == [True]
    assert awaited
    awaited.end()
    assert not awaited
