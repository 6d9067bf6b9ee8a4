"""From what a user calls a camera to the camera, or to one line that says why not."""

from __future__ import annotations

import difflib
import platform

from livexpr.devices import (
    CameraInfo,
    VideoNode,
    holders,
    list_cameras,
    node_number,
    query_node,
)
from livexpr.errors import CameraError

_MOST_DIGITS = 9
_FORBIDDEN = {
    "Windows": "allow it under Settings > Privacy & security > Camera",
    "Darwin": "allow the terminal under System Settings > Privacy & Security > Camera",
}


def find_camera(spec: str) -> CameraInfo:
    """Find the camera that a user means.

    Parameters
    ----------
    spec : str
        Its number, its ``/dev/...`` path, or a part of its name in any case.

    Returns
    -------
    CameraInfo
        Of several that fit a name, one with exactly that name, else a real one, else the first.

    Raises
    ------
    CameraError
        When there is none, or none that could be read; it lists those there are.
    """
    if platform.system() == "Linux":
        if is_number(spec):
            return _by_path(f"/dev/video{int(spec)}")
        if spec.startswith("/dev/"):
            return _by_path(spec)
    elif is_number(spec):
        return _by_index(int(spec))
    return _by_name(spec)


def is_number(spec: str) -> bool:
    """Tell whether a camera is called by its number.

    >>> is_number("10"), is_number("\u00b2"), is_number("9" * 5000)
    (True, False, False)
    """
    return spec.isascii() and spec.isdigit() and len(spec) <= _MOST_DIGITS


def _by_path(path: str) -> CameraInfo:
    node = query_node(path)
    if node is None:
        raise CameraError(f"there is no camera {path}: {_known()}")
    if not node.readable:
        raise CameraError(
            f'{describe(node)} may not be opened by you: run `sudo usermod -aG video "$USER"`, '
            "then log out and in again"
        )
    if not node.captures:
        what = (
            "is a virtual camera into which no program writes"
            if node.loopback
            else "delivers no pictures (it is for metadata or output)"
        )
        raise CameraError(f"{describe(node)} {what}: {_known()}")
    return CameraInfo(node_number(node.path), node.name, node.path, node.virtual)


def _by_index(index: int) -> CameraInfo:
    known = {camera.index: camera for camera in list_cameras()}
    return known.get(index) or CameraInfo(index, f"camera {index}", "", virtual=False)


def _by_name(name: str) -> CameraInfo:
    cameras = list_cameras()
    wanted = name.casefold()
    fitting = [camera for camera in cameras if wanted in camera.name.casefold()]
    if not fitting:
        near = difflib.get_close_matches(name, [camera.name for camera in cameras], n=1, cutoff=0.5)
        guess = f'did you mean "{near[0]}"? ' if near else ""
        raise CameraError(f'there is no camera and no file named "{name}": {guess}{_known()}')
    return min(fitting, key=lambda camera: (camera.name.casefold() != wanted, camera.virtual))


def describe(camera: CameraInfo | VideoNode) -> str:
    """Name a camera for people: ``webcam "HD Pro" (/dev/video0)``."""
    where = f" ({camera.path})" if camera.path else ""
    return f'webcam "{camera.name}"{where}'


def why_not_opened(camera: CameraInfo) -> str:
    """Say why a camera that is there could not be opened, and what to do."""
    if camera.path and (busy := holders(camera.path, besides_us=False)):
        return (
            f"{describe(camera)} is busy, {' and '.join(busy)} has it open: "
            "close that program, or take another --source"
        )
    forbidden = _FORBIDDEN.get(platform.system(), "unplug it and plug it in again")
    return f"{describe(camera)} cannot be opened: close the program that uses it, or {forbidden}"


def _known() -> str:
    cameras = [f'{camera.index} "{camera.name}"' for camera in list_cameras()]
    if not cameras:
        return "no camera is plugged in; take --source demo to go without"
    return f"there are {', '.join(cameras)}"
