"""Faces of nobody."""

from __future__ import annotations

import numpy as np
import pytest

from livexpr.landmarks import Landmarker
from livexpr.training.evaluation import derived_faces
from livexpr.training.evaluation.groups import read_groups
from livexpr.training.evaluation.sheets import draw_sheet

from .conftest import SHARED


def test_heads_are_always_the_same_and_all_different():
    first, second = derived_faces.head_identities(2)
    assert [first, second] == derived_faces.head_identities(2)
    assert derived_faces.head_identities(3)[:2] == [first, second]
    assert first.keys() == second.keys()
    assert first != second


def test_too_few_people_are_not_averaged(portraits, pairs_dir, world):
    faces = derived_faces.average_faces(portraits, read_groups(pairs_dir), world.detect)
    assert faces == []


def test_a_sheet_shows_what_each_filter_makes_of_each_face(world, synthetic_face):
    face = derived_faces.DerivedFace("drawn", world.picture(100), world.track)
    copy = {str(number): lambda pixels, track: pixels for number in range(8)}
    small, large = draw_sheet([face], {"0": copy["0"]}), draw_sheet([face, face], copy)
    for sheet in (small, large):
        assert sheet.startswith(b"\x89PNG")
    assert len(small) < len(large)


@pytest.mark.shared
def test_a_face_is_found_on_rendered_heads():
    pytest.importorskip("embreex", reason="rendering needs embreex (the extra `render`)")
    model = SHARED / "data" / "ict_facekit" / "ict_facekit.npz"
    with Landmarker(video=False) as landmarker:
        (head,) = derived_faces.rendered_heads(model, 1, landmarker.detect, plaster=False)
        (cast,) = derived_faces.rendered_heads(model, 1, landmarker.detect, plaster=True)
    assert (cast.pixels == cast.pixels[..., :1]).all()
    assert not (head.pixels == head.pixels[..., :1]).all()
    assert np.allclose(head.track.landmarks_px, cast.track.landmarks_px, atol=8)
