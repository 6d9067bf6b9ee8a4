"""What flows through the filter: frozen, and a lost face that explains its misuse."""

from __future__ import annotations

import copy
import dataclasses
import pickle

import numpy as np
import pytest

from livexpr.types import FaceTrack, Frame, NoFace


def test_no_face_is_false_and_a_face_is_true() -> None:
    assert not NoFace("too dark")
    assert FaceTrack(np.zeros((478, 3), np.float32), np.zeros(52, np.float32), np.eye(4))


def test_misuse_of_no_face_explains_itself() -> None:
    with pytest.raises(AttributeError, match=r"no face on this frame \(too dark\).*landmarks_px"):
        _ = NoFace("too dark").landmarks_px


@pytest.mark.parametrize(
    "copied", [copy.copy, copy.deepcopy, lambda n: pickle.loads(pickle.dumps(n))]
)
def test_no_face_can_be_copied_and_passed_between_processes(copied) -> None:
    assert copied(NoFace("too dark")) == NoFace("too dark")


@pytest.mark.parametrize(
    ("value", "attribute"),
    [
        (Frame(np.zeros((2, 2, 3), np.uint8), 0, 0.0), "index"),
        (NoFace("why"), "reason"),
    ],
)
def test_nothing_can_be_changed_on_its_way(value, attribute: str) -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(value, attribute, 1)
