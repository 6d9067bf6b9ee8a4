"""Personal maps come nearer to the truth than the general one, where the truth is known.

All twenty people: ``python -m tests.teaching.truth``.
"""

from __future__ import annotations

import pytest

from livexpr.training.rendered_head import PORTRAIT, Camera

pytestmark = pytest.mark.shared


def test_rendered_people_get_their_own_smile():
    """Under another light, in another pose, and at another intensity than it was taught in."""
    pytest.importorskip("embreex", reason="renders people (extra: render)")
    from tests.teaching import truth

    camera = Camera(PORTRAIT.centre_cm, 27.0, 256)
    for number in (1, 6, 13):
        own, general, nothing = truth.judged(truth.pictures(number, camera))
        assert own.landmarks < general.landmarks < nothing.landmarks
        assert own.face_space < general.face_space


def test_a_clips_smile_taught_from_two_frames_is_that_of_the_others():
    from tests.teaching import clip_truth

    _, judged = clip_truth.judge(every=9)
    assert len(judged) >= 4
    for one in judged:
        assert one.personal.landmarks < one.general.landmarks
        assert one.personal.face_space < 0.9 * one.general.face_space
