"""Looking at a face on a frame that has been filtered: what covers it, and what light it is in.

Both are followed slowly, so that what is seen on one frame may count from the next one on. The
state keeps a frame that is yet to be looked at; whoever filters looks at it once the frame is on
its way, or else the filter does so before the next one.
"""

from __future__ import annotations

from dataclasses import replace

from livexpr import lighting, occlusion
from livexpr.effect import FilterState
from livexpr.types import FaceTrack, Frame


def looked(state: FilterState) -> FilterState:
    """Return the state after a look at the frame that it keeps, if any; then it keeps none."""
    if state.unlooked is None:
        return state
    frame, face = state.unlooked
    now = frame.captured_at_s
    light, cover = state.light, state.cover
    if light is not None and lighting.is_due(light, now):
        light = lighting.looked(light, frame.pixels, face, now)
    if occlusion.is_due(cover, now):
        cover = occlusion.looked(cover, frame.pixels, face, now)
    return replace(state, light=light, cover=cover, unlooked=None)


def followed(
    state: FilterState, frame: Frame, face: FaceTrack, dt_s: float, easing_s: float
) -> FilterState:
    """Follow light and cover, and keep the frame if it is time to look at them.

    Parameters
    ----------
    state : FilterState
        Looked at the last frame, as :func:`looked` returns it.
    frame : Frame
    face : FaceTrack
        On it. Of a new face, the light is seen at once.
    dt_s : float
        Since the last frame, s.
    easing_s : float
        As in :func:`livexpr.occlusion.followed`.
    """
    now = frame.captured_at_s
    if state.light is None:
        light = lighting.first_seen(frame.pixels, face, now)
        cover = occlusion.seen_again(state.cover, now)
    else:
        light = lighting.followed(state.light, dt_s)
        cover = occlusion.followed(state.cover, dt_s, easing_s)
    due = lighting.is_due(light, now) or occlusion.is_due(cover, now)
    return replace(
        state,
        light=light,
        cover=cover,
        unlooked=(frame, face) if due else None,
    )
