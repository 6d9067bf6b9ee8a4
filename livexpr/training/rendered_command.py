"""``livexpr fit-rendered``: the maps of all recipes, or of some, from the head model."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from livexpr import pixel_map
from livexpr.landmarks import Landmarker
from livexpr.preset_file import MAP_SUFFIX
from livexpr.training import ict_facekit, rendered_pairs
from livexpr.training.recipes import RECIPES

_ATTRIBUTION = "ICT-FaceKit, USC Institute for Creative Technologies, MIT licence"


def fit_rendered_command(
    model_path: Path, names: Sequence[str], out_dir: Path, n_people: int
) -> None:
    """Render and write maps with a progress bar; the same model gives the same bytes.

    Parameters
    ----------
    model_path : Path
        As :func:`livexpr.training.ict_facekit.load` takes it.
    names : sequence of str
        Of :data:`livexpr.training.recipes.RECIPES`.
    out_dir : Path
        Where ``NAME.safetensors`` are written.
    n_people : int
        Rendered identities that each map is the mean of.

    Raises
    ------
    LivexprError
        If the model is unreadable, lacks a shape of a recipe or shows no face when rendered, Embree
        is not installed, or a map cannot be written.
    """
    from rich.console import Console
    from rich.progress import track as progress

    console = Console(stderr=True)
    model = ict_facekit.load(model_path)
    people = rendered_pairs.identities(model, n_people)
    with Landmarker(video=False) as landmarker:
        face = rendered_pairs.study(model, landmarker)
        for name in progress(names, "rendering", console=console):
            fitted = rendered_pairs.fit_rendered(
                face,
                RECIPES[name],
                people,
                landmarker,
                metadata={"expression": name, "attribution": _ATTRIBUTION},
            )
            path = out_dir / f"{name}{MAP_SUFFIX}"
            pixel_map.save(fitted, path)
            line = f"wrote {path} ({path.stat().st_size} bytes)"
            console.print(line, highlight=False, markup=False, soft_wrap=True)
