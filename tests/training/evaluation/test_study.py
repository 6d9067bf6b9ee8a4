"""The shipped expressions as members of the family that is judged."""

from __future__ import annotations

from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from livexpr import presets
from livexpr.training.evaluation import study
from livexpr.training.evaluation.family_table import MEANT
from livexpr.training.judges import EXPRESSIONS

from .conftest import PEOPLE

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


@pytest.mark.parametrize(
    ("shut", "source"), [(("000", "001"), "held out"), (("000",), "seen"), ((), "seen")]
)
def test_a_closed_smile_is_judged_unseen_only_where_it_can_be_fitted_anew(
    pairs_dir, world, monkeypatch, shut, source
):
    openings = {person: 0.0 if person in shut else 1.0 for person in PEOPLE}
    pairs = {person: SimpleNamespace(mouth_opening_cm=cm) for person, cm in openings.items()}
    looked = study.methods.Observed(pairs, {})
    monkeypatch.setattr(study.methods, "observed", lambda folder, expression: looked)
    monkeypatch.setattr(study, "fit_observations", lambda observations: len(observations))
    judged = study.Study(pairs_dir, "happy", world.detect, world.judge, folds=7)
    members = {member.name: member for member in study.family_members(judged._fitted_anew)}
    assert members["warm"].source == source
    fitted = judged._fit_anew(PEOPLE)
    assert fitted == {"happy": 7} | ({"warm": len(shut)} if source == "held out" else {})


def test_folders_of_one_name_are_told_apart(pairs_dir, tmp_path, world, monkeypatch):
    folders = [tmp_path / place / "faces" for place in ("a", "b")]
    for folder in folders:
        folder.mkdir(parents=True)
        cv2.imwrite(str(folder / "one.png"), world.picture(90))
    monkeypatch.setattr(study, "try_unlike", lambda sources, *_, **__: sources)
    monkeypatch.setattr(study.Study, "_fitted", lambda self, names: [])
    judged = study.Study(pairs_dir, "happy", world.detect, world.judge, unlike=folders)
    assert list(judged.measure_unlike()) == [str(folder) for folder in folders]
    judged = study.Study(pairs_dir, "happy", world.detect, world.judge, unlike=folders[:1])
    assert list(judged.measure_unlike()) == ["faces"]
