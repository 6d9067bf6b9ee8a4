"""v4l2loopback devices (Linux): find one to write to, mend one that lost its output side.

Up to v4l2loopback 0.12 (Debian 12, Ubuntu 22.04), a device with ``exclusive_caps=1`` announces
neither capture nor output once a writer that only used ``write()`` has closed it, and the next
start fails. Asking it to stream as an output, and closing it, makes it whole again.
"""

from __future__ import annotations

import contextlib
import os
import platform
import struct
import sys
import time
from pathlib import Path

from livexpr.devices import VideoNode, holders, open_node, query_node, video_nodes

if sys.platform == "linux":
    import fcntl

MODULE = "v4l2loopback"
OPTIONS = ("devices=1", "video_nr=10", "card_label=livexpr", "exclusive_caps=1")
"""How the module is loaded; every word of advice is made from this."""

LOAD_COMMAND = f"sudo modprobe {MODULE} {' '.join(OPTIONS)}"
RELOAD_COMMAND = f"sudo modprobe -r v4l2loopback && {LOAD_COMMAND}"
MORE_COMMAND = (
    "sudo modprobe -r v4l2loopback && sudo modprobe v4l2loopback devices=2 exclusive_caps=1,1"
)
INSTALL_HINT = "install it (Debian, Ubuntu: sudo apt install v4l2loopback-dkms), then"
GROUP_COMMAND = 'sudo usermod -aG video "$USER"'

_V4L2_BUF_TYPE_VIDEO_OUTPUT = 2
_VIDIOC_STREAMON = 0x40045612
_V4L2_MAX_BUFFERS = 32

# Layouts of 64-bit systems; elsewhere the kernel refuses the calls and we know less.
_VIDIOC_G_FMT = 0xC0D05604
_FORMAT_LAYOUT = "I4xII4s192x"
"""struct v4l2_format: type, width, height, pixel format, the rest."""
_VIDIOC_QUERYBUF = 0xC0585609
_BUFFER_LAYOUT = "II16xqq16xI28x"
"""struct v4l2_buffer: index, type, time stamp in s and us, sequence number, the rest."""
_RECENT_S = 2.0
_WATCH_S = 0.3


def loopback_nodes() -> list[VideoNode]:
    """Return the v4l2loopback devices of this machine, also those that may not be opened."""
    return [
        node
        for node in video_nodes()
        if node.loopback or (not node.readable and "/devices/virtual/" in _sysfs_place(node))
    ]


def _sysfs_place(node: VideoNode) -> str:
    return os.path.realpath(Path("/sys/class/video4linux") / Path(node.path).name)


def make_writable(path: str) -> str | None:
    """Prepare a v4l2loopback device for a new writer.

    Parameters
    ----------
    path : str
        The device node.

    Returns
    -------
    str or None
        None when it can be written to now, else why not and what to do, in one line.
    """
    node = query_node(path)
    if node is None:
        return f"there is no device {path}: {_other_hint()}"
    where = f'"{node.name}" ({node.path})'
    if not node.readable:
        return f"{where} may not be opened by you: run `{GROUP_COMMAND}`, log out and in again"
    if not node.loopback:
        return f"{where} is not a v4l2loopback device: {_other_hint()}"
    if node.captures and is_written(node):
        who = " and ".join(holders(node.path)) or "another program"
        return f"{where} is busy, {who} writes to it: close that program, or run `{MORE_COMMAND}`"
    if not node.outputs:
        restore_output(node.path)
        node = query_node(node.path)
        if node is None or not node.outputs:
            return f"{where} takes no pictures any more: run `{RELOAD_COMMAND}`"
    return None


def restore_output(path: str) -> None:
    """Make a device announce its output side again; harmless to one that does."""
    if sys.platform == "linux":
        request = struct.pack("i", _V4L2_BUF_TYPE_VIDEO_OUTPUT)
        with contextlib.suppress(OSError), open_node(path, os.O_RDWR) as descriptor:
            # It always fails without buffers, but marks us as the writer that leaves.
            fcntl.ioctl(descriptor, _VIDIOC_STREAMON, request)


def is_written(node: VideoNode) -> bool:
    """Tell whether a program writes pictures into a device now, without disturbing it."""
    before = _buffers(node.path)
    if not before:
        # Newer drivers do not answer; theirs hide the output side only while it is in use.
        return not node.outputs
    newest_s = max(stamp_s for stamp_s, _ in before)
    if time.clock_gettime(time.CLOCK_MONOTONIC) - newest_s > _RECENT_S:
        return False
    time.sleep(_WATCH_S)
    return _buffers(node.path) != before


def _buffers(path: str) -> list[tuple[float, int]]:
    """Return time stamp in s and sequence number of each buffer, as far as they are told."""
    found: list[tuple[float, int]] = []
    with contextlib.suppress(OSError), open_node(path, os.O_RDONLY) as descriptor:
        for index in range(_V4L2_MAX_BUFFERS):
            request = bytearray(
                struct.pack(_BUFFER_LAYOUT, index, _V4L2_BUF_TYPE_VIDEO_OUTPUT, 0, 0, 0)
            )
            if sys.platform == "linux":
                fcntl.ioctl(descriptor, _VIDIOC_QUERYBUF, request)
            _, _, seconds, microseconds, sequence = struct.unpack(_BUFFER_LAYOUT, request)
            found.append((seconds + microseconds * 1e-6, sequence))
    return found


def output_format(path: str) -> tuple[tuple[int, int], str] | None:
    """Return what a device is set to; None when it does not tell.

    A program that still reads keeps the format of the writer before us.

    Returns
    -------
    size : tuple of int
        (width, height) in px.
    pixel_format : str
        V4L2's four letters, such as ``YU12``.
    """
    request = bytearray(struct.pack(_FORMAT_LAYOUT, _V4L2_BUF_TYPE_VIDEO_OUTPUT, 0, 0, b""))
    try:
        with open_node(path, os.O_RDONLY) as descriptor:
            if sys.platform == "linux":
                fcntl.ioctl(descriptor, _VIDIOC_G_FMT, request)
    except OSError:
        return None
    _, width, height, letters = struct.unpack(_FORMAT_LAYOUT, request)
    return (width, height), letters.decode("ascii", errors="replace")


def _other_hint() -> str:
    nodes = loopback_nodes()
    return f"take {nodes[0].path}" if nodes else missing_hint()


def missing_hint() -> str:
    """Say how this machine gets a virtual camera."""
    modules = Path("/lib/modules") / platform.release() / "modules.dep"
    try:
        installed = "v4l2loopback" in modules.read_text(encoding="utf-8", errors="replace")
    except OSError:
        installed = False
    installed = installed or Path("/sys/module/v4l2loopback").exists()
    return f"{'' if installed else INSTALL_HINT + ' '}run `{LOAD_COMMAND}`"
