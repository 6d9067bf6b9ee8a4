"""A surface of points that moves, and what it is to do: what :mod:`kernels.moves` takes."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Surface(NamedTuple):
    """A surface of N points, in space and in a picture.

    Attributes
    ----------
    fields : ndarray of shape (14 + P, N), float32
        Of each point: its unit normal, three rows; how much it belongs to the sides of the
        surface; 0 where it never moves; 0 on its rim; 1 where it falls with the lower edge of the
        slit; 1 where it lies below the slit; how much it goes with the rim; how much it goes down
        when the slit's lower edge is to sag; how much it goes with each of the four covers; and
        with the lower edge on its way to each of the slit's P pairs.
    slit : ndarray of shape (2, P), int32
        The points of its upper and of its lower edge.
    rim : ndarray of shape (R,), int32
        Those that must not leave it come first.
    covers : ndarray of shape (4, K + 1), int32
        The points of each, and the middle of its disc; upper ones of both discs, lower ones.
    sagging : ndarray of shape (3,), int32
        A point below the slit, and the two between which it hangs.
    vertices : ndarray of shape (V,), int32
        The point from which each vertex is made, the points themselves first; then its rim once
        more, moved outwards, and any others.
    n_held : int
        How many points of the rim must not leave it.
    n_points : int
        So many points there must be.
    """

    fields: NDArray[np.float32]
    slit: NDArray[np.int32]
    rim: NDArray[np.int32]
    covers: NDArray[np.int32]
    sagging: NDArray[np.int32]
    vertices: NDArray[np.int32]
    n_held: int
    n_points: int


class Limits(NamedTuple):
    """How far things may go; lengths in the unit of space.

    Attributes
    ----------
    surely : float
        What opens or closes the slit by so much surely does so; less is limited less.
    enough_at_rest, enough_moving, enough_part : float
        A slit that is so far open is opened no further: one at rest, one that moves; and by which
        part more than it is moved itself.
    edge_on, facing : float
        Cosines of the angle to the viewer between which the sides of the surface begin to move.
    held_from, held_at : float
        Parts of the way from the rim to its second row: held back from the first, and within the
        second.
    radius, least_room : float
        How far from the middle of its disc a cover may part, and what room it has in any case.
    shut, opened : float
        Covers no further apart than the first stay so; from the second on they are free.
    hardly : float
        What need not be held back.
    least_sag : float
        Part of its depth that the lower edge keeps.
    reach : float
        How much further from its middle than the rim its second row lies.
    """

    surely: float
    enough_at_rest: float
    enough_moving: float
    enough_part: float
    edge_on: float
    facing: float
    held_from: float
    held_at: float
    radius: float
    least_room: float
    shut: float
    opened: float
    hardly: float
    least_sag: float
    reach: float


class Wish(NamedTuple):
    """What a surface is to do.

    Attributes
    ----------
    amounts : ndarray of shape (N,), float32
        Of `offset`, at each point.
    offset, added : ndarray of shape (N, 3), float32
        Displacements in space; the second as it is.
    marked : ndarray of shape (N,), bool
        Where the vertices' last value is the amount; elsewhere it is 0.
    closing : float
        What part of the slit's opening is taken back, in [0, 1].
    moving : float
        How surely the slit moves by itself, in [0, 1].
    """

    amounts: NDArray[np.float32]
    offset: NDArray[np.float32]
    added: NDArray[np.float32]
    marked: NDArray[np.bool_]
    closing: float
    moving: float
