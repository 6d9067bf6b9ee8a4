"""Photographs of people neutral and with an expression, looked at and judged once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from livexpr.errors import CameraError, LivexprError
from livexpr.pictures import read_image
from livexpr.training.evaluation.fidelity import Shown
from livexpr.training.judges import Verdict
from livexpr.types import FaceTrack, Frame, NoFace

Image: TypeAlias = NDArray[np.uint8]
Judge: TypeAlias = Callable[[Image], Verdict | NoFace]
"""Usually :class:`livexpr.training.judges.Judges`."""
Detect: TypeAlias = Callable[[Frame], FaceTrack | NoFace]
"""Finds the face on a frame."""


@dataclass(frozen=True, slots=True)
class Portrait:
    """A face on a still picture, found and judged.

    Attributes
    ----------
    pixels : ndarray of shape (H, W, 3), uint8
        BGR.
    track : FaceTrack
    verdict : Verdict
    """

    pixels: Image
    track: FaceTrack
    verdict: Verdict

    @property
    def shown(self) -> Shown:
        """The picture and the landmarks on it."""
        return Shown(self.pixels, self.track.landmarks_px)


def portrait(pixels: Image, detect: Detect, judge: Judge) -> Portrait | NoFace:
    """Find and judge the face on a picture (H, W, 3), uint8, BGR."""
    track = detect(Frame(pixels, 0, 0.0))
    if isinstance(track, NoFace):
        return track
    verdict = judge(pixels)
    return verdict if isinstance(verdict, NoFace) else Portrait(pixels, track, verdict)


class Portraits:
    """People's portraits, neutral and with the expression, each read when it is asked for.

    What was found on them is kept; pixels are not, since they fill the memory.

    Parameters
    ----------
    pairs : Mapping of str to pair of Path
        Person -> neutral picture and the one with the expression.
    detect, judge : callable
    """

    def __init__(
        self, pairs: Mapping[str, tuple[Path, Path]], detect: Detect, judge: Judge
    ) -> None:
        self._pairs, self._detect, self._judge = dict(pairs), detect, judge
        self._found: dict[Path, tuple[FaceTrack, Verdict]] = {}
        self.skipped: dict[str, str] = {}

    @property
    def people(self) -> list[str]:
        """Everybody who has not been skipped."""
        return [person for person in self._pairs if person not in self.skipped]

    def look(self, on_progress: Callable[[str], None] = lambda person: None) -> None:
        """Find and judge everybody; who cannot be is in ``skipped``, with the reason.

        Raises
        ------
        LivexprError
            If nobody is left.
        """
        for person, paths in self._pairs.items():
            for path in paths:
                reason = self._look_at(path)
                if reason is not None:
                    self.skipped[person] = reason
                    break
            on_progress(person)
        if not self.people:
            raise LivexprError(f"nobody could be judged; first: {next(iter(self.skipped.items()))}")

    def _look_at(self, path: Path) -> str | None:
        """Return why the face on a picture cannot be judged; None if it can, and now is."""
        try:
            found = portrait(read_image(path), self._detect, self._judge)
        except CameraError as error:
            return str(error)
        if isinstance(found, NoFace):
            return f"{path.parent.name}/{path.name}: {found.reason}"
        self._found[path] = found.track, found.verdict
        return None

    def neutral(self, person: str) -> Portrait:
        """Return the neutral portrait of one of :attr:`people`."""
        return self._read(self._pairs[person][0])

    def real(self, person: str) -> Portrait:
        """Return the portrait with the expression of one of :attr:`people`."""
        return self._read(self._pairs[person][1])

    def _read(self, path: Path) -> Portrait:
        return Portrait(read_image(path), *self._found[path])

    def chosen(self, people: Sequence[str]) -> Iterator[tuple[str, Portrait]]:
        """Yield (person, neutral portrait) of those of `people` who have not been skipped."""
        for person in people:
            if person not in self.skipped:
                yield person, self.neutral(person)
