"""A virtual camera that outlives its device: gone, it is opened again as soon as can be."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from livexpr.errors import VirtualCameraError
from livexpr.publisher import RepeatingSink, Sink
from livexpr.retrying import Retrying

_LAST_RETRY_S = 2.0


class SteadyCamera:
    """A sink that never fails; pictures that its camera does not take are lost.

    For one thread.

    Parameters
    ----------
    camera : RepeatingSink
        Opened.
    reopen : callable
        Opens it again, or raises a VirtualCameraError.
    say : callable
        Takes a line for the user.

    Attributes
    ----------
    name : str
    repeat_fps : float
    device : str or None
        Where other programs find it, if that is known.
    """

    def __init__(
        self, camera: RepeatingSink, reopen: Callable[[], Sink], say: Callable[[str], None]
    ) -> None:
        self.name = camera.name
        self.repeat_fps = camera.repeat_fps
        self.device: str | None = getattr(camera, "device", None)
        self._camera: Sink | None = camera
        self._reopen = reopen
        self._retrying = Retrying(
            say,
            f"{camera.name} is tried again",
            f"{camera.name} takes pictures again",
            _LAST_RETRY_S,
        )

    def send(self, pixels: NDArray[np.uint8]) -> None:
        """Show a picture: (H, W, 3) uint8 BGR, if there is a camera at the moment."""
        if self._camera is None and self._retrying.waiting:
            return
        try:
            if self._camera is None:
                self._camera = self._reopen()
            self._camera.send(pixels)
        except VirtualCameraError as error:
            self.close()
            self._retrying.failed(str(error))
        else:
            self._retrying.worked()

    def close(self) -> None:
        """Let go of the camera."""
        camera, self._camera = self._camera, None
        if camera is not None:
            try:
                camera.close()
            except VirtualCameraError:
                return  # a device that is gone
