"""Which cameras there are, which of them are virtual, and who holds them.

On Linux a node is asked what it is (``VIDIOC_QUERYCAP``), which neither starts it nor lights
its lamp; elsewhere names come from the optional package ``cv2-enumerate-cameras``.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import platform
import re
import struct
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

if sys.platform == "linux":
    import fcntl

V4L2_CAP_VIDEO_CAPTURE = 0x00000001
V4L2_CAP_VIDEO_OUTPUT = 0x00000002
V4L2_CAP_VIDEO_CAPTURE_MPLANE = 0x00001000
V4L2_CAP_DEVICE_CAPS = 0x80000000

LOOPBACK_DRIVER = "v4l2 loopback"
"""What v4l2loopback calls itself; readers and pyvirtualcam go by the same name."""

_CAPABILITY_LAYOUT = "16s32s32sIII12x"
"""struct v4l2_capability: driver, card, bus, version, capabilities, capabilities of the node."""
_VIDIOC_QUERYCAP = 0x80685600
_SYSFS_NODES = Path("/sys/class/video4linux")

_VIRTUAL_NAMES = (
    "virtual",
    "obs(?!bot)",  # OBSBOT makes webcams
    "unity video capture",
    "manycam",
    "xsplit",
    "snap camera",
    "mmhmm",
    "camtwist",
    "nvidia broadcast",
    "e2esoft",
    "akvcam",
    "livexpr",
)
"""How words begin that cameras which are programs carry in their names: patterns, lower case."""


@dataclass(frozen=True, slots=True)
class CameraInfo:
    """A camera that could be read now.

    Attributes
    ----------
    index : int
        What OpenCV calls it: N of ``/dev/videoN`` on Linux, the place in the list elsewhere.
    name : str
        What its maker calls it.
    path : str
        ``/dev/videoN`` on Linux; elsewhere the system's path, or empty.
    virtual : bool
        Whether a program, not a lens, is behind it.
    """

    index: int
    name: str
    path: str
    virtual: bool


@dataclass(frozen=True, slots=True)
class VideoNode:
    """What one ``/dev/videoN`` says of itself (Linux).

    Attributes
    ----------
    path, name, driver, bus : str
        ``driver`` and ``bus`` are empty where the node may not be opened.
    capabilities : int
        The ``V4L2_CAP_*`` bits of this node; 0 where it may not be opened.
    readable : bool
        Whether this user may open it.
    """

    path: str
    name: str
    driver: str
    bus: str
    capabilities: int
    readable: bool

    @property
    def captures(self) -> bool:
        """Whether pictures can be read from it, as far as can be told."""
        if not self.readable:
            # Sysfs numbers the nodes of one device; its first is the picture, others metadata.
            return _sysfs_text(self.path, "index") == "0"
        wanted = V4L2_CAP_VIDEO_CAPTURE | V4L2_CAP_VIDEO_CAPTURE_MPLANE
        return bool(self.capabilities & wanted)

    @property
    def outputs(self) -> bool:
        """Whether a program can write pictures into it now."""
        return bool(self.capabilities & V4L2_CAP_VIDEO_OUTPUT)

    @property
    def loopback(self) -> bool:
        """Whether it belongs to v4l2loopback."""
        return self.driver == LOOPBACK_DRIVER

    @property
    def virtual(self) -> bool:
        """Whether a program, not a lens, is behind it."""
        sysfs = os.path.realpath(_SYSFS_NODES / Path(self.path).name)
        return self.loopback or "/devices/virtual/" in sysfs or is_virtual_name(self.name)


def is_virtual_name(name: str) -> bool:
    """Tell whether a camera's name is that of a program.

    >>> is_virtual_name("OBS Virtual Camera"), is_virtual_name("OBSBOT Tiny 2")
    (True, False)
    """
    lowered = name.lower()
    return any(re.search(rf"\b{word}", lowered) for word in _VIRTUAL_NAMES)


def list_cameras() -> list[CameraInfo]:
    """List the cameras that could be read now, real ones first as the system orders them.

    Returns
    -------
    list of CameraInfo
        Metadata nodes, decoders and virtual cameras that nobody writes to are left out.
        Empty on Windows and macOS without the package ``cv2-enumerate-cameras``.
    """
    if platform.system() == "Linux":
        return [
            CameraInfo(node_number(node.path), node.name, node.path, node.virtual)
            for node in video_nodes()
            if node.captures
        ]
    return _list_elsewhere()


def _list_elsewhere() -> list[CameraInfo]:
    """List cameras of Windows (DirectShow) and macOS (AVFoundation)."""
    try:
        enumerator = importlib.import_module("cv2_enumerate_cameras")
    except ImportError:
        return []
    import cv2

    backend = cv2.CAP_DSHOW if platform.system() == "Windows" else cv2.CAP_AVFOUNDATION
    return [
        CameraInfo(found.index, found.name, found.path or "", is_virtual_name(found.name))
        for found in enumerator.enumerate_cameras(backend)
    ]


def node_number(path: str) -> int:
    """Return N of ``/dev/videoN``, or -1 for a path that has no number.

    >>> node_number("/dev/video10"), node_number("/dev/v4l/by-id/usb-camera")
    (10, -1)
    """
    found = re.fullmatch(r"/dev/video(\d+)", path)
    return int(found[1]) if found else -1


def video_nodes() -> list[VideoNode]:
    """Return all ``/dev/videoN`` of this machine in the order of their numbers (Linux)."""
    paths = [str(path) for path in Path("/dev").glob("video*") if node_number(str(path)) >= 0]
    found = (query_node(path) for path in sorted(paths, key=node_number))
    return [node for node in found if node is not None]


def query_node(path: str) -> VideoNode | None:
    """Ask one node what it is.

    Parameters
    ----------
    path : str
        ``/dev/videoN``, or a link to one.

    Returns
    -------
    VideoNode or None
        None when there is no such video device.
    """
    path = os.path.realpath(path)
    try:
        with open_node(path, os.O_RDONLY) as descriptor:
            reply = bytearray(struct.calcsize(_CAPABILITY_LAYOUT))
            if sys.platform == "linux":
                fcntl.ioctl(descriptor, _VIDIOC_QUERYCAP, reply)
    except PermissionError:
        name = _sysfs_text(path, "name") or Path(path).name
        return VideoNode(path, name, driver="", bus="", capabilities=0, readable=False)
    except OSError:
        return None
    driver, card, bus, _, whole, own = struct.unpack(_CAPABILITY_LAYOUT, reply)
    bits = own if whole & V4L2_CAP_DEVICE_CAPS else whole
    return VideoNode(path, _text(card), _text(driver), _text(bus), bits, readable=True)


@contextlib.contextmanager
def open_node(path: str, flags: int) -> Iterator[int]:
    """Open a device node for questions only, never waiting for it.

    Yields
    ------
    int
        The file descriptor.

    Raises
    ------
    OSError
        When the node is missing or may not be opened.
    """
    descriptor = os.open(path, flags | getattr(os, "O_NONBLOCK", 0))
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def holders(path: str, *, besides_us: bool = True) -> list[str]:
    """Say which programs have a device open (Linux), as far as this user may see.

    Parameters
    ----------
    path : str
        The device node.
    besides_us : bool
        Leave this process out.

    Returns
    -------
    list of str
        Such as ``'zoom (process 4711)'``; empty when nobody is seen.
    """
    path = os.path.realpath(path)
    try:
        wanted = (os.path.basename(path), os.stat(path).st_rdev)
    except OSError:
        return []
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        if besides_us and process.name == str(os.getpid()):
            continue
        with contextlib.suppress(OSError):  # it ended meanwhile, or is another user's
            if any(_is_device(link, wanted) for link in (process / "fd").iterdir()):
                name = (process / "comm").read_text(encoding="utf-8", errors="replace").strip()
                found.append(f"{name} (process {process.name})")
    return sorted(found)


def _is_device(link: Path, wanted: tuple[str, int]) -> bool:
    """Tell whether an open file is a device of this name and number, in whatever folder.

    Programs in containers see ``/dev`` elsewhere. The name is compared first, since asking for
    the number of a file on a network may wait for ever.
    """
    try:
        return (
            os.path.basename(os.readlink(link)) == wanted[0] and os.stat(link).st_rdev == wanted[1]
        )
    except OSError:
        return False


def _sysfs_text(path: str, attribute: str) -> str:
    try:
        file = _SYSFS_NODES / Path(path).name / attribute
        return file.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""


def _text(raw: bytes) -> str:
    return raw.split(b"\0", 1)[0].decode("utf-8", errors="replace")
