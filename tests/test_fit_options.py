"""``livexpr fit --method`` and ``--map``: what goes together, and what is refused in one line."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from livexpr import cli, fit_options, intensity_file, options
from livexpr.intensity_map import ALIGNMENTS, IntensityMap
from livexpr.training.intensity_fit import IntensityMethod


def test_methods_become_what_fits_them() -> None:
    assert fit_options.method_from("displaced", None, False, False, True) is None
    assert fit_options.method_from("ridge", None, False, False, False) == IntensityMethod("ridge")
    for align in ALIGNMENTS:
        method = fit_options.method_from("kernel", align, True, True, False)
        assert method == IntensityMethod("kernel", align, shared_channels=True, min_max=True)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--align", "mesh"), "--align"),
        (("--shared-channels",), "--shared-channels"),
        (("--min-max",), "--min-max"),
        (("--method", "ridge", "--asymmetric"), "--asymmetric"),
        (("--method", "forest"), "forest"),
        (("--method", "ridge", "--align", "eyes"), "eyes"),
    ],
)
def test_options_that_do_not_go_together_are_refused(tmp_path: Path, words, said: str) -> None:
    out = tmp_path / "a.safetensors"
    result = CliRunner().invoke(cli.app, ["fit", str(tmp_path), "-e", "x", "-o", str(out), *words])
    assert result.exit_code == 2
    assert said in result.stderr
    assert result.stderr.count("\n") == 1


def test_a_map_is_a_preset_of_its_own(tmp_path: Path) -> None:
    half = np.full((8, 8, 3), 0.5, np.float32)
    path = tmp_path / "mine.safetensors"
    intensity_file.save(IntensityMap("crop", "ridge", {"gain": half, "bias": half}), path)
    preset = options.preset_from([], None, 0.5, path)
    assert (preset.name, preset.mix, preset.intensity) == ("mine", {str(path.resolve()): 1.0}, 0.5)
    for expressions, other in ((["happy"], None), ([], "happy")):
        with pytest.raises(typer.BadParameter, match="--map or --expression or --preset"):
            options.preset_from(expressions, other, None, path)
    with pytest.raises(typer.BadParameter, match="there is no file"):
        options.preset_from([], None, None, tmp_path / "nowhere.safetensors")
