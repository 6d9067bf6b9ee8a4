"""Whether any program reads a virtual camera now (Linux), so that the webcam can rest meanwhile.

v4l2loopback from 0.13 on tells it by an event of its own (``V4L2_EVENT_PRI_CLIENT_USAGE``, at
``V4L2_EVENT_PRIVATE_START`` in builds of 0.12 that have it): programs that stream are counted, not
those that only list cameras. Older ones tell nothing; then inotify says when the device was opened
or closed, and ``/proc`` who has it open, as far as this user may see.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import select
import struct
import sys
import threading
import time

from livexpr.devices import holders, open_node
from livexpr.errors import VirtualCameraError

if sys.platform == "linux":
    import fcntl

LINGER_S = 3.0
"""The webcam stays on for so long after the last viewer: programs close and open when they start
a call."""

_ASK_EVERY_S = 0.3
_SETTLE_S = 0.4
"""A program that only looks which cameras there are has closed the device by then."""

_LOOK_AGAIN_S = 5.0
_JOIN_S = 1.0

_CLIENT_USAGE_EVENTS = (0x10E00001, 0x08000000)
_SEND_INITIAL = 1
_VIDIOC_SUBSCRIBE_EVENT = 0x4020565A
_SUBSCRIPTION_LAYOUT = "III20x"
"""struct v4l2_event_subscription: type, id, flags."""
_VIDIOC_DQEVENT = 0x80885659
_EVENT_LAYOUT = "I4xI124x"
"""struct v4l2_event of 64-bit systems: type, the first number of what it carries."""

_IN_CLOSE, _IN_OPEN = 0x18, 0x20
_IN_NONBLOCK = 0o4000
_EVENT_BYTES = 4096


class Viewers(threading.Thread):
    """Watches a v4l2loopback device from now on, in a thread of its own.

    Parameters
    ----------
    device : str
        ``/dev/videoN``, which this process writes to.
    linger_s : float
        For how long it counts as viewed after its last viewer.

    Raises
    ------
    VirtualCameraError
        Where it cannot be watched.
    """

    def __init__(self, device: str, linger_s: float = LINGER_S) -> None:
        super().__init__(name="viewers", daemon=True)
        if sys.platform != "linux":
            raise VirtualCameraError(
                "--on-demand needs v4l2loopback, which there is on Linux only: leave it out"
            )
        self._device = device
        self._linger_s = linger_s
        self._viewed = False
        self._viewed_s: float | None = None
        self._closing = threading.Event()
        self._inotify: int | None = None
        if client_usage(device) is None:
            self._inotify = _watch(device)
        self.start()

    @property
    def wanted(self) -> bool:
        """Whether some program reads the device, or did a moment ago."""
        if self._viewed or self._viewed_s is None:
            return self._viewed
        return time.perf_counter() - self._viewed_s < self._linger_s

    def close(self) -> None:
        """End watching. A second call does nothing."""
        self._closing.set()
        self.join(_JOIN_S)

    def run(self) -> None:
        if self._inotify is None:
            while not self._closing.wait(_ASK_EVERY_S):
                self._look(client_usage(self._device) or False)
            return
        try:
            self._look(bool(holders(self._device)))
            look_at_s = time.perf_counter() + _LOOK_AGAIN_S
            while not self._closing.is_set():
                if _happened(self._inotify, _ASK_EVERY_S):
                    self._closing.wait(_SETTLE_S)
                    _happened(self._inotify, 0.0)
                elif time.perf_counter() < look_at_s:
                    continue
                self._look(bool(holders(self._device)))
                look_at_s = time.perf_counter() + _LOOK_AGAIN_S
        finally:
            os.close(self._inotify)

    def _look(self, viewed: bool) -> None:
        if viewed or self._viewed:
            self._viewed_s = time.perf_counter()
        self._viewed = viewed


def client_usage(device: str) -> bool | None:
    """Ask a v4l2loopback device whether programs stream from it.

    A subscription anew tells how it is now, so that no event which got lost matters.

    Returns
    -------
    bool or None
        None when it does not tell.
    """
    with contextlib.suppress(OSError), open_node(device, os.O_RDWR) as descriptor:
        for kind in _CLIENT_USAGE_EVENTS:
            with contextlib.suppress(OSError):
                event = bytearray(struct.calcsize(_EVENT_LAYOUT))
                if sys.platform == "linux":
                    request = struct.pack(_SUBSCRIPTION_LAYOUT, kind, 0, _SEND_INITIAL)
                    fcntl.ioctl(descriptor, _VIDIOC_SUBSCRIBE_EVENT, request)
                    fcntl.ioctl(descriptor, _VIDIOC_DQEVENT, event)
                found, count = struct.unpack(_EVENT_LAYOUT, event)
                if found == kind:
                    return bool(count)
    return None


def _watch(device: str) -> int:
    """Return an inotify descriptor that tells when a device is opened or closed."""
    libc = ctypes.CDLL(None, use_errno=True)
    descriptor: int = libc.inotify_init1(_IN_NONBLOCK)
    if descriptor >= 0:
        path = os.fsencode(os.path.realpath(device))
        if libc.inotify_add_watch(descriptor, path, _IN_OPEN | _IN_CLOSE) >= 0:
            return descriptor
        os.close(descriptor)
    reason = os.strerror(ctypes.get_errno())
    raise VirtualCameraError(f"cannot watch who reads {device} ({reason}): leave out --on-demand")


def _happened(inotify: int, timeout_s: float) -> bool:
    """Wait until the device was opened or closed, and forget it; False when it was not."""
    if not select.select([inotify], [], [], timeout_s)[0]:
        return False
    with contextlib.suppress(BlockingIOError):
        while os.read(inotify, _EVENT_BYTES):
            pass
    return True
