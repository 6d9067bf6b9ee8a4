"""The inside of the mouth that an expression reveals: an average of registered mouths.

A plain average of open mouths is a grey band, because nobody's teeth stand where others' do. Each
mouth is therefore registered to the running average by smooth optical flow before averaging
(groupwise registration, after Joshi et al. 2004, doi 10.1016/j.neuroimage.2004.07.068), so that
teeth fall on teeth. What comes out is sharp, symmetric and nobody's own.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

_ROUNDS = 8
# Flow is smoothed with a width that shrinks from round to round, px of a 128 px picture.
_COARSEST_PX, _FINEST_PX = 10.0, 2.0
# The upper lip shades the teeth below it: this part of the height, down to this brightness.
_SHADE_HEIGHT, _SHADE_FLOOR = 0.18, 0.45
_LOWER_SHADE_HEIGHT, _LOWER_SHADE_FLOOR = 0.12, 0.75
# Studio lamps stand level with the mouth; over a laptop the light comes more from above.
_STUDIO_TO_ROOM = 0.88
# Opacity rises from the lips over these parts of height and width.
_EDGE_ABOVE, _EDGE_BELOW, _EDGE_BESIDE = 0.05, 0.06, 0.03


def _local_contrast(picture: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Return what registration compares: luma with its local contrast evened out."""
    grey = cv2.cvtColor(np.clip(picture, 0, 255).astype(np.uint8), cv2.COLOR_BGR2GRAY)
    return np.asarray(cv2.createCLAHE(4, (4, 4)).apply(grey), np.uint8)


def _symmetric(picture: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray((picture + picture[:, ::-1]) / 2, np.float32)


def registered_average(
    mouths: Sequence[NDArray[np.uint8]], weights: Sequence[float]
) -> NDArray[np.float32]:
    """Average mouths after registering them to each other.

    Parameters
    ----------
    mouths : sequence of ndarray of shape (M, M, 3), uint8
        As from :func:`livexpr.training.face_space.unwrap_mouth`; at least one.
    weights : sequence of float
        How much each counts; positive.

    Returns
    -------
    average : ndarray of shape (M, M, 3), float32
        Grey levels, symmetric about the middle column.
    """
    pictures = [mouth.astype(np.float32) for mouth in mouths]
    size = pictures[0].shape[0]
    rows, columns = np.mgrid[:size, :size].astype(np.float32)
    average = np.average(pictures, axis=0, weights=weights).astype(np.float32)
    flow_of = cv2.DISOpticalFlow.create(cv2.DISOpticalFlow_PRESET_MEDIUM)
    for turn in range(_ROUNDS):
        average = _symmetric(average)
        width = max(_FINEST_PX, _COARSEST_PX - turn) * size / 128
        fixed = _local_contrast(average)
        # Without a first guess, which the stubs demand and would be overwritten.
        found: list[Any] = [
            flow_of.calc(fixed, _local_contrast(picture), None)  # type: ignore[call-overload]
            for picture in pictures
        ]
        flows = [cv2.GaussianBlur(flow, (0, 0), width) for flow in found]
        # The mean flow is taken off, so that the average keeps the mean shape.
        drift = np.mean(flows, axis=0)
        moved = [
            cv2.remap(
                picture,
                columns + (flow - drift)[..., 0],
                rows + (flow - drift)[..., 1],
                cv2.INTER_LINEAR,
                borderMode=cv2.BORDER_REPLICATE,
            )
            for picture, flow in zip(pictures, flows, strict=True)
        ]
        average = np.average(moved, axis=0, weights=weights).astype(np.float32)
    return _symmetric(average)


def mouth_layer(average: NDArray[np.float32], skin_luma: float) -> NDArray[np.float32]:
    """Turn an average into the ``mouth`` tensor of a map.

    Parameters
    ----------
    average : ndarray of shape (M, M, 3), float32
        Grey levels.
    skin_luma : float
        Mean skin luma of the faces it comes from, grey levels.

    Returns
    -------
    mouth : ndarray of shape (M, M, 4), float32
        BGR in units of skin luma, darkened towards the lips; opacity.
    """
    size = average.shape[0]
    down = np.linspace(0, 1, size, dtype=np.float32)
    shade = _SHADE_FLOOR + (1 - _SHADE_FLOOR) * np.sqrt(np.clip(down / _SHADE_HEIGHT, 0, 1))
    up = np.clip((1 - down) / _LOWER_SHADE_HEIGHT, 0, 1)
    shade *= _LOWER_SHADE_FLOOR + (1 - _LOWER_SHADE_FLOOR) * up
    below = np.clip(down / _EDGE_ABOVE, 0, 1) * np.clip((1 - down) / _EDGE_BELOW, 0, 1)
    beside = np.clip(down / _EDGE_BESIDE, 0, 1) * np.clip((1 - down) / _EDGE_BESIDE, 0, 1)
    opacity = below[:, None] * beside[None, :]
    colour = average * np.float32(_STUDIO_TO_ROOM / skin_luma) * shade[:, None, None]
    return np.dstack([colour, opacity]).astype(np.float32)
