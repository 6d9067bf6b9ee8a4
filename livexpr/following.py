"""Follows people through the frames of a source, and hides from the landmark model what it must."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from livexpr import cuts, people
from livexpr.plausible import real_faces
from livexpr.types import Faces, Frame, Person

_GREY = 128


class Following:
    """Everybody in the picture, from frame to frame.

    Parameters
    ----------
    faces : int
        How many people are followed at most.
    """

    def __init__(self, faces: int) -> None:
        self._crowd = people.nobody(faces)
        self._scene: NDArray[np.float32] | None = None
        self._unfinished: tuple[Faces, float, bool] | None = None
        self._sampled: tuple[NDArray[np.uint8], NDArray[np.float32]] | None = None

    @property
    def people(self) -> tuple[Person, ...]:
        """One for each place there is, on the last frame."""
        return self._crowd.people

    def to_look_at(self, frame: Frame) -> Frame:
        """Return a frame as the landmark model is to see it; see :func:`livexpr.people.hidden`."""
        self.finish()
        boxes_px = people.hidden(self._crowd)
        if not boxes_px:
            return frame
        pixels = frame.pixels.copy()
        for left, top, right, bottom in boxes_px:
            pixels[max(top, 0) : max(bottom, 0), max(left, 0) : max(right, 0)] = _GREY
        return replace(frame, pixels=pixels)

    def sample(self, frame: Frame) -> None:
        """Look at a frame's scene in advance, while others look for faces on it."""
        self._sampled = frame.pixels, cuts.sampled(frame.pixels)

    def found(
        self, frame: Frame, faces: Faces, time_s: float, *, at_once: bool = False
    ) -> tuple[Person, ...]:
        """Return who is on a frame, from what was found there and is a face indeed.

        Parameters
        ----------
        frame : Frame
            As it was captured.
        faces : tuple of FaceTrack, or NoFace
        time_s : float
            The frame's time for the filter, s.
        at_once : bool
            Where a glance tells, the rest is left to :meth:`finish`. Should that find somebody
            else in the same place, they are so from the next frame on.
        """
        self.finish()
        if self._sampled is None or self._sampled[0] is not frame.pixels:
            self.sample(frame)
        assert self._sampled is not None
        before, self._scene = self._scene, self._sampled[1]
        self._sampled = None
        cut = before is not None and cuts.is_cut(before, self._scene)
        height, width = frame.pixels.shape[:2]
        real = real_faces(faces, (width, height))
        self._unfinished = real, time_s, cut
        if at_once and not cut:
            seen = people.at_a_glance(self._crowd, real, time_s)
            if seen is not None:
                return seen
        self.finish()
        return self._crowd.people

    def finish(self) -> None:
        """Do what :meth:`found` has left over, if anything."""
        if self._unfinished is not None:
            (real, time_s, cut), self._unfinished = self._unfinished, None
            self._crowd = people.followed(self._crowd, real, time_s, cut=cut)
