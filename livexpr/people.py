"""Who is who: faces are given to the people they belong to, and people to the places there are.

Whoever has a place keeps it, and gets it back when found again within some seconds. Passers-by,
posters and whoever comes late are known as well, without a place, so that nobody is taken for
them. A free place goes to a face that has been there for a moment; where nobody has a place, at
once. A face that neither moves nor blinks is taken for a picture: it gives way to a live one.

The landmark model finds no more faces than there are places, and holds on to those it has. So
whoever stands in the way of somebody else is hidden from it now and then: see :func:`hidden`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from livexpr.recognition import Known, recognised
from livexpr.types import Faces, NoFace, Person

_GONE_S = 3.0
"""Whoever was not seen for so long is forgotten, and leaves the place."""

_THERE_S = 0.4
"""A new face must have been there for so long while others are followed."""

_AROUND_S = 1.0
"""So long after it was seen a face still counts as one to be taken in."""

_GIVING_WAY_S = 1.0
"""For so long a picture that lost its place keeps it, so that the effect can leave it."""

_HIDE_S = 0.7
"""A stranger is hidden for so long."""

_PEEK_EVERY_S, _PEEK_S = 5.0, 0.2
"""So often a picture is hidden to look for somebody alive, and for how long."""

_CANDIDATE_S, _PROVING_S = 0.3, 1.0
"""Longer where somebody was found no longer ago than the first, who has the second to move."""

_HELD_S = 2.0
"""For at most so long a hidden picture is taken to be where it was."""

_GLANCE_S, _GLANCE = 0.2, 0.1
"""A face is known at a glance so long after it was seen last, at most so many of its heights away
and so much larger or smaller."""

# What is hidden: so many face heights around the middle of a face.
_HIDDEN_HALF = 0.75

_AWAY = NoFace("the one who is followed is not to be seen")
_NEW = NoFace("somebody new is in sight")
_LEFT = NoFace("the effect leaves a picture")


@dataclass(frozen=True, slots=True)
class Place:
    """A place: whose it is, 0 for nobody's, and when a picture has had to give it up."""

    number: int = 0
    left_s: float | None = None


@dataclass(frozen=True, slots=True)
class Crowd:
    """Everybody in the picture; made by :func:`nobody`.

    Attributes
    ----------
    people : tuple of Person
        One for each place. A face that has yet to be there for long enough is a NoFace under its
        number already, in the place it will have.
    """

    people: tuple[Person, ...]
    places: tuple[Place, ...]
    known: tuple[Known, ...] = ()
    last_number: int = 0
    peeked_s: float = 0.0
    hidden_numbers: frozenset[int] = frozenset()


def nobody(places: int) -> Crowd:
    """Return the state before the first frame, with so many places."""
    return Crowd((Person(0, NoFace("nobody was seen yet")),) * places, (Place(),) * places)


def followed(crowd: Crowd, faces: Faces, time_s: float, *, cut: bool = False) -> Crowd:
    """Give the faces of a frame to people, and people their places.

    Parameters
    ----------
    crowd : Crowd
        From the last frame.
    faces : tuple of FaceTrack, or NoFace
        What was found. Their order does not matter.
    time_s : float
        Of this frame, s. After a gap, or a step backwards, everybody is new.
    cut : bool
        Whether the scene has changed: whoever is not found at once where they were is forgotten.
    """
    found = () if isinstance(faces, NoFace) else faces
    crowd = _without_gone(crowd, time_s)
    known, last_number = recognised(
        crowd.known,
        found,
        time_s,
        last_number=crowd.last_number,
        followed={place.number for place in crowd.places},
    )
    crowd = replace(crowd, known=known, last_number=last_number)
    if cut:
        crowd = replace(crowd, known=tuple(one for one in known if one.seen_s == time_s))
        crowd = _without_gone(crowd, time_s)
    crowd = _placed(crowd, time_s)
    reason = faces if isinstance(faces, NoFace) else _AWAY
    crowd = replace(crowd, people=tuple(_people(crowd, time_s, reason)))
    return _with_hidden(crowd, time_s)


def at_a_glance(crowd: Crowd, faces: Faces, time_s: float) -> tuple[Person, ...] | None:
    """Return who is on a frame where one glance tells: one face, and one person who was just there.

    Parameters
    ----------
    crowd, faces, time_s
        As :func:`followed` has them.

    Returns
    -------
    tuple of Person or None
        As :func:`followed` will have them, unless it finds the shape of another head in the same
        place. None where more than a glance is needed.
    """
    if isinstance(faces, NoFace) or not len(faces) == len(crowd.places) == len(crowd.known) == 1:
        return None
    place, one, track = crowd.places[0], crowd.known[0], faces[0]
    if place != Place(one.number) or crowd.hidden_numbers:
        return None
    if not 0 <= time_s - one.seen_s <= _GLANCE_S or not one.looks.may_be(track, _GLANCE):
        return None
    return (Person(one.number, track),)


def hidden(crowd: Crowd) -> tuple[tuple[int, int, int, int], ...]:
    """Return what to hide from the landmark model on the next frame.

    Whoever has a place and is missing cannot be found while strangers keep the model busy; nor
    can somebody alive beside a picture. The model loses a face that is painted over, and looks
    for others.

    Returns
    -------
    tuple of (left, top, right, bottom)
        px; may lie outside the frame.
    """
    boxes = []
    for one in crowd.known:
        if one.number in crowd.hidden_numbers:
            half = _HIDDEN_HALF * one.looks.height_px
            corners = [*(one.looks.centre_px - half), *(one.looks.centre_px + half)]
            left, top, right, bottom = (round(float(value)) for value in corners)
            boxes.append((left, top, right, bottom))
    return tuple(boxes)


def _without_gone(crowd: Crowd, time_s: float) -> Crowd:
    """Forget whoever has not been seen for long, and free places that were given up."""
    known = tuple(one for one in crowd.known if 0 <= time_s - one.seen_s <= _GONE_S)
    numbers = {one.number for one in known}
    places = tuple(
        place
        if place.number in numbers
        and (place.left_s is None or 0 <= time_s - place.left_s <= _GIVING_WAY_S)
        else Place()
        for place in crowd.places
    )
    return replace(crowd, known=known, places=places)


def _placed(crowd: Crowd, time_s: float) -> Crowd:
    """Give free places to faces on this frame, and have pictures make room for whoever is alive."""
    known = {one.number: one for one in crowd.known}
    waiting = _waiting(crowd, time_s)
    followed_any = any(place.number for place in crowd.places)
    ready = [
        one
        for one in waiting
        if one.seen_s == time_s and (not followed_any or time_s - one.first_s >= _THERE_S)
    ]
    places = list(crowd.places)
    for i, place in enumerate(places):
        if not place.number and ready:
            places[i] = Place(ready.pop(0).number)
    alive = [one for one in ready if one.stillness.alive and not one.stillness.is_picture(time_s)]
    # Some have a place that is about to be free.
    alive = alive[sum(place.left_s is not None for place in places) :]
    for i, place in enumerate(places):
        one = known.get(place.number)
        if one is not None and place.left_s is None and alive and _is_picture(one, time_s):
            places[i] = replace(place, left_s=time_s)
            alive.pop()
    return replace(crowd, places=tuple(places))


def _waiting(crowd: Crowd, time_s: float) -> list[Known]:
    """Return whoever is around without a place: pictures last, else the largest first."""
    numbers = {place.number for place in crowd.places}
    waiting = [
        one for one in crowd.known if one.number not in numbers and time_s - one.seen_s <= _AROUND_S
    ]
    return sorted(waiting, key=lambda one: (_is_picture(one, time_s), -one.looks.height_px))


def _is_picture(one: Known, time_s: float) -> bool:
    return one.stillness.is_picture(time_s)


def _people(crowd: Crowd, time_s: float, reason: NoFace) -> Iterator[Person]:
    known = {one.number: one for one in crowd.known}
    waiting = _waiting(crowd, time_s)
    for place in crowd.places:
        one = known.get(place.number)
        if one is None:
            yield Person(waiting.pop(0).number, _NEW) if waiting else Person(0, reason)
        elif place.left_s is not None:
            yield Person(one.number, _LEFT)
        elif one.seen_s == time_s or (
            # Hidden on purpose: it has not moved for long.
            one.number in crowd.hidden_numbers and time_s - one.seen_s <= _HELD_S
        ):
            yield Person(one.number, one.track)
        else:
            yield Person(one.number, reason)


def _with_hidden(crowd: Crowd, time_s: float) -> Crowd:
    """Decide what the landmark model is not to see on the next frame."""
    recent = [one for one in crowd.known if time_s - one.seen_s <= _HIDE_S]
    if len(recent) < len(crowd.places):
        # It looks for others anyway.
        return replace(crowd, hidden_numbers=frozenset())
    placed = {place.number: place for place in crowd.places if place.number}
    strangers = [one for one in recent if one.number not in placed]
    hide: set[int] = set()
    known = {one.number: one for one in crowd.known}
    if any(
        known[number].seen_s < time_s
        and place.left_s is None
        and number not in crowd.hidden_numbers
        for number, place in placed.items()
    ):
        hide.update(one.number for one in strangers)
    pictures = {number for number in placed if _is_picture(known[number], time_s)}
    if pictures:
        if not 0 <= time_s - crowd.peeked_s < _PEEK_EVERY_S:
            crowd = replace(crowd, peeked_s=time_s)
        if time_s - crowd.peeked_s < _PEEK_S or any(
            _may_be_alive(one, time_s) for one in strangers
        ):
            hide.update(pictures)
    return replace(crowd, hidden_numbers=frozenset(hide))


def _may_be_alive(one: Known, time_s: float) -> bool:
    return (
        time_s - one.seen_s <= _CANDIDATE_S
        and (one.stillness.alive or time_s - one.first_s < _PROVING_S)
        and not _is_picture(one, time_s)
    )
