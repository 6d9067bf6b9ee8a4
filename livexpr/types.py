"""What flows through the filter: ``Frame -> FaceTrack | NoFace -> Frame``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Frame:
    """One picture of a source.

    Attributes
    ----------
    pixels : ndarray of shape (H, W, 3), uint8
        BGR, C-contiguous. Never written to once it is in a Frame.
    index : int
        Number of the frame in its source, from 0, rising; gaps are dropped frames.
    captured_at_s : float
        When it was captured, on the monotonic clock (``time.perf_counter``), in seconds.
    """

    pixels: NDArray[np.uint8]
    index: int
    captured_at_s: float


@dataclass(frozen=True, slots=True)
class FaceTrack:
    """The face found on one frame.

    Attributes
    ----------
    landmarks_px : ndarray of shape (478, 3), float32
        x right and y down in px of the frame; z towards the viewer is negative, same unit.
        The last ten are the irises.
    blendshapes : ndarray of shape (52,), float32
        In [0, 1], in the order of :data:`livexpr.blendshapes.BLENDSHAPE_NAMES`.
    frame_from_head : ndarray of shape (4, 4), float32
        Scaled orthographic pose: takes a point of head space (cm; x to the subject's left,
        y up, z out of the face) to the frame (px; x right, y down, z away from the viewer).
    """

    landmarks_px: NDArray[np.float32]
    blendshapes: NDArray[np.float32]
    frame_from_head: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class NoFace:
    """No face on this frame, and why. False in a boolean test.

    Using it as a :class:`FaceTrack` raises an AttributeError that says so.
    """

    reason: str

    def __bool__(self) -> Literal[False]:
        return False

    def __getattr__(self, name: str) -> object:
        raise AttributeError(
            f"no face on this frame ({self.reason}), so it has no {name!r}; "
            "test the result before use: `if track: ...`"
        )


Faces: TypeAlias = tuple[FaceTrack, ...] | NoFace
"""What was found on one frame: its faces, at least one, in no order; or why there is none."""


@dataclass(frozen=True, slots=True)
class Person:
    """One of the places for people whose faces are followed.

    Attributes
    ----------
    number : int
        Whose place it is, from 1, rising with each who is new; 0 while it has been nobody's.
    track : FaceTrack or NoFace
        The face on this frame.
    """

    number: int
    track: FaceTrack | NoFace
