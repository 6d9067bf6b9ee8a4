"""Looking at a frame once it is on its way out: the same as looking before the next one."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from livexpr import crowd, pipeline, presets
from livexpr.types import FaceTrack, Frame, Person

FRAME_S = 1 / 30


@pytest.fixture(scope="module")
def happy() -> pipeline.Effect:
    return pipeline.load_effect(presets.from_expressions(["happy"]))


def frames(synthetic_face, track: FaceTrack, n: int) -> list[Frame]:
    """Return a face in light that grows."""
    picture = synthetic_face.draw(track)
    levels = np.linspace(0.5, 1, n)
    return [
        Frame((picture * level).astype(np.uint8), index, index * FRAME_S)
        for index, level in enumerate(levels)
    ]


def filtered(made: list[Frame], track: FaceTrack, happy, *, early: bool) -> list[NDArray[np.uint8]]:
    state, out = crowd.settled_state(happy), []
    for frame in made:
        result = crowd.process(frame, (Person(1, track),), happy, state)
        state = crowd.looked(result.state) if early else result.state
        out.append(result.frame.pixels)
    return out


def test_when_it_is_looked_changes_no_picture(synthetic_face, happy) -> None:
    track = synthetic_face.track()
    made = frames(synthetic_face, track, 12)
    early, late = (filtered(made, track, happy, early=early) for early in (True, False))
    np.testing.assert_array_equal(early, late)


def test_a_look_is_taken_once(synthetic_face, happy) -> None:
    track = synthetic_face.track()
    frame = frames(synthetic_face, track, 1)[0]
    state = pipeline.process(frame, track, happy, pipeline.settled_state(happy)).state
    assert state.unlooked is not None
    seen = pipeline.looked(state)
    assert seen.unlooked is None
    assert seen.cover.memory is not None
    assert pipeline.looked(seen) is seen
    assert state.cover.memory is None
