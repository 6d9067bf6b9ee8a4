"""Recipes name shapes that exist, and the shipped maps are made from them."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from livexpr import face_mesh, map_file, pipeline, pixel_map, presets
from livexpr.blendshapes import BLENDSHAPE_NAMES
from livexpr.effect import Effect
from livexpr.presets import Preset
from livexpr.training import ict_facekit
from livexpr.training.recipes import ACTIONS, EXPRESSIONS, RECIPES
from livexpr.training.rendered_pairs import BROW_FURROW
from livexpr.types import Frame

MODEL = Path(__file__).resolve().parents[3] / "shared/data/ict_facekit/ict_facekit.npz"
LEFT_CORNER, RIGHT_CORNER = face_mesh.INNER_LIP_UPPER[-1], face_mesh.INNER_LIP_UPPER[0]


def shipped() -> list[str]:
    """Return the recipes whose maps are shipped."""
    folder = presets.builtin_dir() / "maps"
    return [name for name in RECIPES if (folder / f"{name}.safetensors").is_file()]


def mirrored(recipe: dict[str, float]) -> dict[str, float]:
    """Return a recipe with left and right exchanged."""
    other = {"_L": "_R", "_R": "_L"}
    return {re.sub("_[LR]$", lambda side: other[side[0]], name): w for name, w in recipe.items()}


def test_every_recipe_has_a_name_of_its_own():
    assert set(RECIPES) == set(EXPRESSIONS) | set(ACTIONS)
    assert not set(EXPRESSIONS) & set(ACTIONS)
    for name in RECIPES:
        assert re.fullmatch("[a-z]+(-[a-z]+)*", name)


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_is_made_of_blendshapes(name: str) -> None:
    """Those that ARKit names; the model calls left and right ``_L`` and ``_R``."""
    recipe = RECIPES[name]
    assert recipe
    for shape, weight in recipe.items():
        base = re.sub("_[LR]$", "", shape)
        assert base == BROW_FURROW or {base, f"{base}Left"} & set(BLENDSHAPE_NAMES), shape
        assert 0 < weight <= 1.75
        if base != shape:
            assert base not in recipe, "both sides and one side of a shape"


def test_left_and_right_are_mirror_images():
    assert mirrored(ACTIONS["smile-left"]) == ACTIONS["smile-right"]
    one_sided = {name for name, recipe in RECIPES.items() if mirrored(recipe) != recipe}
    assert one_sided == {"contempt", "smile-left", "smile-right"}
    for shape in ACTIONS["smile-left"]:
        assert not shape.endswith("_R")


@pytest.mark.shared
@pytest.mark.parametrize("name", RECIPES)
def test_the_head_model_has_every_shape(head_model, name: str) -> None:
    for shape in set(RECIPES[name]) - {BROW_FURROW}:
        assert head_model.shapes_of(shape)


@pytest.fixture(scope="module")
def head_model() -> ict_facekit.HeadModel:
    return ict_facekit.load(MODEL)


@pytest.mark.parametrize("name", shipped())
def test_a_shipped_map_is_made_from_todays_recipe(name: str) -> None:
    path = presets.map_path(name)
    assert path.stat().st_size <= map_file.MAX_BYTES
    shipped_map = pixel_map.load(path)
    told = dict(part.split(" ") for part in shipped_map.metadata["shapes"].split(", "))
    assert {shape: float(weight) for shape, weight in told.items()} == RECIPES[name]
    assert "ICT-FaceKit" in shipped_map.metadata["attribution"]
    assert np.abs(shipped_map.offset_cm).max() > 0.1


@pytest.mark.parametrize(("name", "side"), [("smile-left", 1), ("smile-right", -1)])
def test_a_shipped_smile_of_one_side_is_on_the_subjects_side(
    synthetic_face, name: str, side: int
) -> None:
    """In a picture that is not mirrored, the subject's left is on the right."""
    smile = pixel_map.load(presets.map_path(name))
    rise = smile.offset_cm[:, 1]
    assert side * (rise[LEFT_CORNER] - rise[RIGHT_CORNER]) > 0.3
    track = synthetic_face.track()
    picture = synthetic_face.draw(track)
    effect = Effect(Preset(name, {name: 1.0}), {name: smile}, 1.0)
    pipeline.warm_up()
    state = pipeline.settled_state(effect)
    shown = pipeline.process(Frame(picture, 0, 0.0), track, effect, state).frame.pixels
    changed = np.abs(shown.astype(int) - picture).sum(axis=(0, 2))
    middle = picture.shape[1] // 2
    right, left = changed[middle:].sum(), changed[:middle].sum()
    assert (right > 3 * left) if side > 0 else (left > 3 * right)
