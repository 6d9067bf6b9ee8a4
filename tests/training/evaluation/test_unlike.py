"""Faces that are no photographs."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from livexpr.errors import LivexprError
from livexpr.training.evaluation.unlike import artefacts, find_faces, still_skin, try_unlike

from .conftest import brighten


def test_still_skin_is_skin_away_from_what_moves(synthetic_face):
    track = synthetic_face.track()
    shape = synthetic_face.draw(track).shape
    mask = still_skin(shape, track.landmarks_px)
    assert mask.shape == shape[:2]
    assert 0.05 < mask.mean() < 0.5
    for landmark in (13, 159, 386, 105, 334, 61):
        x, y = np.rint(track.landmarks_px[landmark, :2]).astype(int)
        assert not mask[y, x]


def test_artefacts_count_where_nothing_should_change(synthetic_face):
    track = synthetic_face.track()
    before = synthetic_face.draw(track)
    mask = still_skin(before.shape, track.landmarks_px)
    assert artefacts(before, before, track.landmarks_px) == {"still change": 0, "colour change": 0}
    mouth = before.copy()
    mouth[~mask] = 0
    assert artefacts(before, mouth, track.landmarks_px)["still change"] == 0
    redder = cv2.add(before, np.full_like(before, (0, 0, 20)))
    found = artefacts(before, redder, track.landmarks_px)
    assert found["still change"] == pytest.approx(20 / 255 / np.sqrt(3), rel=0.05)
    assert found["colour change"] > 3
    greyer = cv2.convertScaleAbs(before, alpha=0.97)
    assert artefacts(before, greyer, track.landmarks_px)["colour change"] < 2


def test_pictures_are_counted_and_faces_found(tmp_path, world, pairs_dir):
    (tmp_path / "deeper").mkdir()
    cv2.imwrite(str(tmp_path / "deeper" / "face.png"), world.picture(90))
    cv2.imwrite(str(tmp_path / "deeper" / "dark.png"), np.zeros((64, 64, 3), np.uint8))
    (tmp_path / "deeper" / "torn.png").write_bytes(b"")
    (tmp_path / "deeper" / "notes.txt").write_text("no picture")
    faces, n_pictures = find_faces(tmp_path / "deeper", world.detect, world.judge)
    assert (len(faces), n_pictures) == (1, 3)
    found = try_unlike(
        {"drawn": (faces, n_pictures), "none": ([], 4)},
        [(brighten(0), 0), (brighten(30), 30)],
        world.judge,
        "happy",
    )
    assert (found["faces"], found["pictures"]) == (1, 7)
    assert found["sources"]["drawn"]["rows"]["brighten 30"]["both recognised"] == 1
    assert found["rows"]["brighten 0"]["still change"] == 0
    assert found["rows"]["brighten 30"]["still change"] == pytest.approx(30 / 255, rel=0.01)


def test_a_folder_without_pictures_is_named(tmp_path, world):
    with pytest.raises(LivexprError, match=f"no picture in {tmp_path}"):
        find_faces(tmp_path, world.detect, world.judge)
