"""The filter on everybody in a frame: each with a memory, a smoothing and a strength of their own.

Faces are filtered one after another, the nearest last, each in the picture that the others are
already in. Where they do not overlap, each is looked at and drawn from the original.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from livexpr import head_pose, pipeline
from livexpr.occlusion import Cover
from livexpr.pipeline import Effect, FilterState
from livexpr.types import FaceTrack, Frame, NoFace, Person


@dataclass(frozen=True, slots=True)
class CrowdState:
    """What the filter remembers from frame to frame; see :func:`initial_state`.

    Attributes
    ----------
    fresh : FilterState
        For a place that has not been looked at yet.
    numbers, states
        Whose each place is, and what the filter remembers there.
    """

    fresh: FilterState = field(default_factory=pipeline.initial_state)
    numbers: tuple[int, ...] = ()
    states: tuple[FilterState, ...] = ()


@dataclass(frozen=True, slots=True)
class CrowdResult:
    """One filtered frame.

    Attributes
    ----------
    frame : Frame
        The very input where nothing was changed; otherwise a new picture.
    state : CrowdState
        For the next call.
    stages_s : Mapping of str to float
        Seconds spent in ``smooth``, ``place`` and ``apply``, all people together.
    tracks : tuple of FaceTrack
        Of those who were found, smoothed, in the order of their places.
    strength : float
        Amount of the mix that was applied, the largest of all; 0 where nothing was added.
    presences : tuple of float or None
        For everybody who is followed, how much of the effect the face can carry now, in [0, 1],
        eased; None for whoever is not found, about to be followed, or in another's place just now.
    covers : tuple of Cover
        What is before the faces of `tracks`.
    """

    frame: Frame
    state: CrowdState
    stages_s: Mapping[str, float]
    tracks: tuple[FaceTrack, ...]
    strength: float
    presences: tuple[float | None, ...]
    covers: tuple[Cover, ...]


def initial_state() -> CrowdState:
    """Return the state before the first frame of a live source: the effect eases in."""
    return CrowdState()


def settled_state(effect: Effect) -> CrowdState:
    """Return a state in which `effect` is fully there at once, as a still picture needs."""
    return CrowdState(pipeline.settled_state(effect))


def process(
    frame: Frame, people: Sequence[Person], effect: Effect, state: CrowdState
) -> CrowdResult:
    """Filter the faces of one frame.

    Parameters
    ----------
    frame : Frame
        The picture.
    people : sequence of Person
        One for each place, in the same order from frame to frame, at least one; as
        :func:`livexpr.people.followed` gives them.
    effect : Effect
        What is wanted now, of everybody.
    state : CrowdState
        What the last call returned.

    Notes
    -----
    For one thread; a second one waits for the kernels. With one place it does just what
    :func:`livexpr.pipeline.process` does.
    """
    states = [_remembered(state, place, one) for place, one in enumerate(people)]
    results: dict[int, pipeline.Result] = {}
    for place in sorted(range(len(people)), key=lambda i: _height(people[i], states[i])):
        results[place] = pipeline.process(frame, people[place].track, effect, states[place])
        frame = results[place].frame
    stages_s: Counter[str] = Counter()
    for result in results.values():
        stages_s.update(result.stages_s)
    in_places = [results[place] for place in range(len(people))]
    return CrowdResult(
        frame=frame,
        state=CrowdState(
            state.fresh,
            tuple(one.number for one in people),
            tuple(result.state for result in in_places),
        ),
        stages_s=stages_s,
        tracks=tuple(r.track for r in in_places if isinstance(r.track, FaceTrack)),
        strength=max((result.strength for result in in_places), key=abs),
        presences=tuple(
            None
            if isinstance(result.track, NoFace) or _is_stranger(state, place, people[place])
            else result.presence
            for place, result in enumerate(in_places)
            if people[place].number
        ),
        covers=tuple(r.state.cover for r in in_places if isinstance(r.track, FaceTrack)),
    )


def looked(state: CrowdState) -> CrowdState:
    """Return the state after a look at the last frame: what :func:`process` else begins with."""
    return replace(state, states=tuple(pipeline.looked(one) for one in state.states))


def _remembered(state: CrowdState, place: int, person: Person) -> FilterState:
    """Return what is remembered of a person: of looks nothing, where it is another's memory."""
    if place >= len(state.states):
        return state.fresh
    if _is_stranger(state, place, person):
        return pipeline.stranger_state(state.states[place])
    return state.states[place]


def _is_stranger(state: CrowdState, place: int, person: Person) -> bool:
    """Tell whether a place was another's on the last frame.

    After a cut to a scene without them, nobody is in a place that was somebody's.
    """
    before = state.numbers[place] if place < len(state.numbers) else 0
    return before not in (0, person.number)


def _height(person: Person, state: FilterState) -> float:
    face = person.track if isinstance(person.track, FaceTrack) else state.face
    return 0.0 if face is None else head_pose.scale_px_per_cm(face.frame_from_head)
