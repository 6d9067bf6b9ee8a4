"""``livexpr teach`` as it is called: from photographs and films, without any extra."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from livexpr import cli, presets
from livexpr.teaching import films, photographs
from livexpr.training import face_space


def neutral_and_smile(astronaut: np.ndarray, folder: Path) -> tuple[Path, Path]:
    """Write the astronaut with the corners of her mouth pulled down, and as she is."""
    rows, columns = np.mgrid[: astronaut.shape[0], : astronaut.shape[1]].astype(np.float32)
    for x, y in ((203, 143), (243, 144)):
        rows -= 6 * np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2 * 9.0**2))
    paths = folder / "neutral.png", folder / "smile.png"
    for path, pixels in zip(
        paths, (cv2.remap(astronaut, columns, rows, cv2.INTER_CUBIC), astronaut), strict=True
    ):
        assert cv2.imwrite(str(path), pixels)
    return paths


def teach(*arguments: object) -> int:
    with pytest.raises(SystemExit) as ended:
        cli.main(["teach", *map(str, arguments)])
    return int(ended.value.code or 0)


def test_two_photographs_make_a_preset(astronaut, tmp_path: Path, capsys):
    neutral, smile = neutral_and_smile(astronaut, tmp_path)
    given = ["mine", "--neutral", neutral, "--expression-photo", smile]
    assert teach(*given, "--like", "warm") == 0
    assert "livexpr run --preset mine" in capsys.readouterr().err
    assert presets.load("mine").mix == {"mine": 1.0}
    assert teach(*given) == 1
    assert "--force" in capsys.readouterr().err
    assert teach(*given, "--force", "--like", "none") == 0


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["mine"], 2, "expected one of: --neutral with --expression-photo, --film, --live"),
        (["mine", "--film", "a.mp4", "--live"], 2, "expected one of"),
        (["mine", "--neutral", "a.png"], 2, "at least one --neutral and one --expression-photo"),
        (["happy", "--film", "a.mp4"], 1, "choose another name, as my-happy"),
        (["mine", "--film", "gone.mp4"], 1, "gone.mp4"),
        (["mine", "--neutral", "gone.png", "--expression-photo", "b.png"], 1, "gone.png"),
    ],
)
def test_what_is_wrong_is_told_in_one_line(arguments, code, told, capsys):
    assert teach(*arguments) == code
    said = capsys.readouterr().err
    assert told in said
    assert said.count("\n") == 1
    assert not presets.user_dir().exists()


def test_pictures_of_no_use_are_named(astronaut, tmp_path: Path, capsys):
    neutral, _ = neutral_and_smile(astronaut, tmp_path)
    empty = tmp_path / "wall.png"
    cv2.imwrite(str(empty), np.full_like(astronaut, 90))
    assert teach("mine", "--neutral", neutral, "--expression-photo", empty) == 1
    assert "wall.png: no face found" in capsys.readouterr().err
    assert teach("mine", "--neutral", neutral, "--expression-photo", neutral) == 1
    assert "does not differ from the neutral face" in capsys.readouterr().err


def test_mirrored_landmarks_are_mirror_images(astronaut):
    """Of the model's own answers on a picture and on its mirror image."""
    from livexpr.landmarks import Landmarker
    from livexpr.types import Frame

    with Landmarker(video=False) as landmarker:
        seen, mirrored = (
            landmarker.detect(Frame(np.ascontiguousarray(pixels), 0, 0.0))
            for pixels in (astronaut, astronaut[:, ::-1])
        )
        points = mirrored.landmarks_px.copy()
        points[:, 0] = astronaut.shape[1] - 1 - points[:, 0]
        apart = np.linalg.norm(
            (points[photographs._mirrored_landmarks()] - seen.landmarks_px)[:, :2], axis=1
        )
        assert np.median(apart) < 2
        assert apart[468:].max() < 4
        steady = photographs.steady_track(astronaut, seen, landmarker)
    assert np.linalg.norm((steady.landmarks_px - seen.landmarks_px)[:, :2], axis=1).mean() < 2
    assert steady.frame_from_head.shape == (4, 4)
    np.testing.assert_array_equal(
        photographs._mirrored_landmarks()[:468], face_space.mirrored_landmarks()
    )


def test_a_film_without_an_expression_is_refused(astronaut, tmp_path: Path):
    from livexpr.errors import LivexprError
    from livexpr.landmarks import Landmarker
    from livexpr.output import open_film

    film = open_film(tmp_path / "still.mp4", (512, 512), 10.0)
    for _ in range(8):
        film.send(astronaut)
    film.close()
    with (
        Landmarker(video=False) as landmarker,
        pytest.raises(LivexprError, match="no expression that differs"),
    ):
        films.lesson_from(tmp_path / "still.mp4", landmarker)


def test_teaching_needs_no_extra():
    """What it takes of the training loads without the packages of extras."""
    program = """
import sys
class Blocked:
    def find_spec(self, name, path=None, target=None):
        extras = ("embreex", "distributed", "dask", "scipy", "skimage", "sklearn", "torch",
                  "matplotlib", "dlib", "ai_edge_litert")
        if name.partition(".")[0] in extras:
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Blocked())
import livexpr.teaching.command
"""
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
