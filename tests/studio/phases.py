"""A film for lessons: the demo's face, neutral, then smiling; the colour of a corner says which."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from livexpr import pipeline, presets
from livexpr.effect import settled_state
from livexpr.landmarks import Landmarker
from livexpr.types import FaceTrack, Frame

DEMO = Path(__file__).resolve().parents[2] / "livexpr" / "assets" / "demo.mp4"
FPS = 15
PHASE_S = 3
NEUTRAL_BGR, SMILE_BGR = (0, 200, 0), (0, 0, 200)
_CORNER_PX = 60


def neutral() -> NDArray[np.uint8]:
    """Return the demo's first frame: it looks into the camera, mouth shut."""
    with av.open(str(DEMO)) as film:
        return next(film.decode(video=0)).to_ndarray(format="bgr24")


def smiling(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the same face, filtered."""
    frame = Frame(pixels, 0, 0.0)
    with Landmarker(video=False) as landmarker:
        track = landmarker.detect(frame)
    assert isinstance(track, FaceTrack)
    effect = pipeline.load_effect(presets.load("happy"))
    return pipeline.process(frame, track, effect, settled_state(effect)).frame.pixels


def write_film(path: Path) -> None:
    """Write the film, of two phases; it is to be looped."""
    still = neutral()
    with av.open(str(path), "w") as film:
        stream = film.add_stream("libx264", rate=Fraction(FPS), options={"crf": "18"})
        stream.height, stream.width = still.shape[0] // 2, still.shape[1] // 2
        for pixels, colour in ((still, NEUTRAL_BGR), (smiling(still), SMILE_BGR)):
            half = cv2.resize(pixels, (stream.width, stream.height), interpolation=cv2.INTER_AREA)
            half[:_CORNER_PX, :_CORNER_PX] = colour
            frame = av.VideoFrame.from_ndarray(half, format="bgr24")
            for _ in range(FPS * PHASE_S):
                film.mux(stream.encode(frame))
        film.mux(stream.encode())
