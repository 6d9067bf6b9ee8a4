"""A virtual camera that cannot be had yet: taken over as soon as it can."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from livexpr.errors import VirtualCameraError
from livexpr.publisher import Sink

_RETRY_S = 2.0


class AwaitedCamera:
    """A sink that takes nothing until its camera can be opened, and never fails before.

    For one thread.

    Parameters
    ----------
    open_camera : callable
        Opens it, or raises a VirtualCameraError.
    say : callable
        Takes a line for the user.
    repeat_fps : float
        How often the camera is going to want a picture.

    Attributes
    ----------
    name : str
    repeat_fps : float
    here : bool
        Whether the camera was opened.
    device : str or None
        Where other programs find it, if it is here and that is known.
    """

    def __init__(
        self, open_camera: Callable[[], Sink], say: Callable[[str], None], repeat_fps: float
    ) -> None:
        self.name = "virtual camera"
        self.repeat_fps = repeat_fps
        self._open_camera = open_camera
        self._say = say
        self._camera: Sink | None = None
        # Whoever made this has tried just now.
        self._retry_at_s = time.perf_counter() + _RETRY_S

    @property
    def here(self) -> bool:
        """Whether the camera was opened."""
        return self._camera is not None

    @property
    def device(self) -> str | None:
        """Where other programs find the camera, if it is here and that is known."""
        device: str | None = getattr(self._camera, "device", None)
        return device

    def send(self, pixels: NDArray[np.uint8]) -> None:
        """Show a picture: (H, W, 3) uint8 BGR, if the camera is here.

        Raises
        ------
        VirtualCameraError
            When the camera, once here, takes no further picture.
        """
        if self._camera is None:
            now_s = time.perf_counter()
            if now_s < self._retry_at_s:
                return
            self._retry_at_s = now_s + _RETRY_S
            try:
                self._camera = self._open_camera()
            except VirtualCameraError:
                return
            self.name = self._camera.name
            self._say(f"{self.name} can be had now and shows the pictures, too")
        self._camera.send(pixels)

    def close(self) -> None:
        """Let go of the camera."""
        camera, self._camera = self._camera, None
        if camera is not None:
            camera.close()
