"""A lesson beside the running filter, fed with its frames; the page of the studio guides it."""

from __future__ import annotations

from functools import partial

from livexpr.errors import LivexprError, PresetError
from livexpr.landmarks import Landmarker
from livexpr.learning import Progress, Stage
from livexpr.teaching import keeping, photographs
from livexpr.teaching.lesson import learned
from livexpr.teaching.recorder import ENOUGH, LookAt, Recorder
from livexpr.types import FaceTrack, Frame, NoFace


class LessonBeside:
    """As :class:`livexpr.learning.Lesson` says.

    Parameters
    ----------
    look_at : callable, optional
        Makes a look of a picture and its face; by default a close one, for which the landmark
        model sees the picture several times.
    """

    def __init__(self, look_at: LookAt | None = None) -> None:
        self._stills: Landmarker | None = None
        if look_at is None:
            self._stills = Landmarker(video=False)
            look_at = partial(photographs.close_look, landmarker=self._stills)
        self._recorder = Recorder(look_at, press="press its button")
        self._to_take = False
        self._kept: set[str] = set()

    @property
    def progress(self) -> Progress:
        """How far it is."""
        recorder = self._recorder
        return Progress(
            guidance=recorder.guidance,
            ready=recorder.ready,
            stage=recorder.stage,
            taking=recorder.taking or self._to_take,
            n_taken=recorder.n_taken,
            enough=ENOUGH,
        )

    def see(self, frame: Frame, track: FaceTrack | NoFace) -> None:
        """Take note of a frame and the face on it."""
        self._recorder.feed(frame, track)
        if self._to_take:
            # Time is that of the frames, so it begins with one.
            self._to_take = False
            self._recorder.take()

    def take(self, stage: Stage) -> None:
        """Have the next good look taken; a neutral face again replaces the one before."""
        if self._recorder.taking:
            self._recorder.undo()
        if stage != self._recorder.stage:
            if stage == "expression":
                raise LivexprError("first your neutral face, then the expression")
            self._recorder.undo()
        self._to_take = True

    def undo(self) -> None:
        """Forget the last look, or the one that was asked for."""
        if self._to_take:
            self._to_take = False
        else:
            self._recorder.undo()

    def learn(self, name: str) -> str:
        """Keep what was shown as a preset; again under the same name, when more was shown."""
        keeping.check_name(name, force=True)
        if name not in self._kept and keeping.is_taken(name):
            raise PresetError(f"there is a preset {name!r} already: choose another name")
        lesson = self._recorder.lesson()
        keeping.keep(name, learned(lesson, name))
        self._kept.add(name)
        times = len(lesson.expressives)
        return f"learned {name}, shown {times} time{'s' if times > 1 else ''}"

    def rest(self) -> None:
        """Release the landmark model, which comes back by itself when it is asked."""
        if self._stills is not None:
            self._stills.close()
