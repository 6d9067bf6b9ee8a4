"""The shipped expressions as members of the family that is judged."""

from __future__ import annotations

import numpy as np
import pytest

from livexpr import presets
from livexpr.errors import LivexprError
from livexpr.training.evaluation import study
from livexpr.training.evaluation.family_table import MEANT
from livexpr.training.judges import EXPRESSIONS

FITTED_ANEW = ("happy", "warm")


def test_every_shipped_expression_of_the_family_is_judged_unseen():
    members = {member.name: member for member in study.family_members(FITTED_ANEW)}
    assert list(members) == [name for name in MEANT if name in presets.expressions()]
    for name, member in members.items():
        assert member.source != "seen", f"{name} was made from those who judge it"
        assert member.meant in (None, *EXPRESSIONS)
    assert members["happy"].source == "held out"


def test_what_cannot_be_fitted_anew_is_called_seen():
    (happy,) = [member for member in study.family_members(()) if member.name == "happy"]
    assert happy.source == "seen"


def test_a_member_changes_the_face_by_the_maps_it_is_given(world):
    (happy,) = [m for m in study.family_members(FITTED_ANEW) if m.name == "happy"]
    pixels = world.picture(110)
    shipped = happy.apply(pixels, world.track, {})
    assert not np.array_equal(shipped, pixels)
    (sad,) = [m for m in study.family_members(FITTED_ANEW) if m.name == "sad"]
    other = study.pipeline.load_effect(presets.from_expressions(["sad"])).maps["sad"]
    swapped = happy.apply(pixels, world.track, {"happy": other})
    assert not np.array_equal(swapped, shipped)
    assert not np.array_equal(sad.apply(pixels, world.track, {}), pixels)


def test_too_few_people_for_a_closed_smile_are_told_so(tmp_path, world, monkeypatch):
    looked = study.methods.Observed({}, {})
    monkeypatch.setattr(study.methods, "observed", lambda folder, expression: looked)
    monkeypatch.setattr(study, "fit_observations", lambda observations: None)
    judged = study.Study(tmp_path, "happy", world.detect, world.judge)
    with pytest.raises(LivexprError, match="too few to fit 'warm'"):
        judged._fit_anew([])
