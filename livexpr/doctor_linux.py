"""What `doctor` looks at on Linux: webcams, v4l2loopback, Secure Boot, display, libraries."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping

from livexpr.devices import VideoNode, holders
from livexpr.loopback import MODULE, OPTIONS
from livexpr.machine import Finding, Machine
from livexpr.remedy import Do, Step, Tell, Write

LOAD = Do(("modprobe", MODULE, *OPTIONS), root=True)
UNLOAD = Do(("modprobe", "-r", MODULE), root=True)
KEEP = (
    Write("/etc/modules-load.d/v4l2loopback.conf", MODULE),
    Write("/etc/modprobe.d/v4l2loopback.conf", f"options {MODULE} {' '.join(OPTIONS)}"),
)
SECURE_BOOT_VARIABLE = "sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"


def _installs(manager: str, *packages: str, note: str = "") -> Do:
    """Return how a distribution installs packages."""
    verb, unattended = {
        "apt": ("install", "--yes"),
        "dnf": ("install", "--assumeyes"),
        "pacman": ("-S", "--noconfirm"),
        "zypper": ("install", "--no-confirm"),
    }[manager]
    return Do((manager, verb, *packages), root=True, unattended=(unattended,), note=note)


# By family of distributions: how to install the module, and how to have its signature trusted.
INSTALL_MODULE: Mapping[str, Step] = {
    "debian": _installs("apt", "v4l2loopback-dkms", "linux-headers-{kernel}"),
    "fedora": _installs("dnf", "akmod-v4l2loopback", note="from RPM Fusion free; then restart"),
    "arch": _installs("pacman", "v4l2loopback-dkms", "linux-headers"),
    "suse": _installs("zypper", "v4l2loopback-kmp-default"),
}
_ENROL = "    # asks for a password; restart, choose Enroll MOK, and give it there"
TRUST_MODULE: Mapping[str, Step] = {
    "debian": Tell(f"sudo mokutil --import /var/lib/dkms/mok.pub{_ENROL}"),
    "ubuntu": Tell(f"sudo mokutil --import /var/lib/shim-signed/mok/MOK.der{_ENROL}"),
    "fedora": Tell(
        f"sudo kmodgenca -a && sudo mokutil --import /etc/pki/akmods/certs/public_key.der{_ENROL}"
    ),
    "arch": Tell(f"sudo mokutil --import /var/lib/dkms/mok.pub{_ENROL}"),
}
# The libraries of the system that the wheels of cv2 and mediapipe do not bring with them.
LIBRARIES = ("libGL.so.1", "libEGL.so.1", "libGLESv2.so.2", "libgthread-2.0.so.0")
INSTALL_LIBRARIES: Mapping[str, Step] = {
    "debian": _installs("apt", "libgl1", "libegl1", "libgles2", "libglib2.0-0"),
    "fedora": _installs("dnf", "libglvnd-glx", "libglvnd-egl", "libglvnd-gles", "glib2"),
    "arch": _installs("pacman", "libglvnd", "glib2"),
    "suse": _installs("zypper", "libglvnd", "libglib-2_0-0", "libgthread-2_0-0"),
}


def check_linux(machine: Machine) -> list[Finding]:
    """Look at everything that is particular to Linux."""
    return [
        check_libraries(machine),
        check_display(machine),
        check_webcams(machine),
        check_loopback(machine),
    ]


def families(machine: Machine) -> list[str]:
    """Return the distribution and those it derives from, nearest first, such as ubuntu, debian."""
    text = machine.read("etc/os-release") or ""
    found = dict(re.findall(r'^(ID|ID_LIKE)="?([^"\n]*)"?$', text, flags=re.MULTILINE))
    return [*found.get("ID", "").split(), *found.get("ID_LIKE", "").split()]


def for_distribution(machine: Machine, steps: Mapping[str, Step], otherwise: str) -> Step:
    """Pick the step for this machine's distribution."""
    for family in families(machine):
        # openSUSE calls itself opensuse-tumbleweed, opensuse-leap and so on.
        name = "suse" if "suse" in family else family
        if name in steps:
            step = steps[name]
            return step.on(machine.kernel) if isinstance(step, Do) else step
    return Tell(otherwise)


def check_libraries(machine: Machine) -> Finding:
    """Look for the system libraries that cv2 and mediapipe load."""
    missing = [name for name in LIBRARIES if not machine.loads(name)]
    if not missing:
        return Finding("libraries", "ok", "all are here")
    otherwise = f"install the packages that contain {', '.join(missing)}"
    step = for_distribution(machine, INSTALL_LIBRARIES, otherwise)
    return Finding.mended_by("libraries", f"missing: {', '.join(missing)}", step, level="fail")


def _join_group(machine: Machine) -> Step:
    """Have this user open cameras, where the distribution keeps them for a group."""
    user = machine.environ.get("USER") or machine.environ.get("LOGNAME")
    note = "then log out and in again"
    if not user:
        return Tell(f"sudo usermod -aG video $USER    # {note}")
    return Do(("usermod", "-aG", "video", user), root=True, note=note)


def check_display(machine: Machine) -> Finding:
    """Tell whether a window can be shown: OpenCV's windows need X11, or XWayland."""
    if shown := machine.environ.get("DISPLAY"):
        return Finding("display", "ok", shown)
    what = "none, so there is no preview window; the hotkeys work in the terminal"
    fix = "start livexpr in a graphical session"
    if machine.environ.get("WAYLAND_DISPLAY"):
        what = "Wayland without XWayland, so there is no preview window"
        fix = "switch XWayland on in your desktop"
    return Finding("display", "warn", what, fix)


def check_webcams(machine: Machine) -> Finding:
    """Look for a real webcam that this user may open and that nobody else holds."""
    webcams = [node for node in machine.nodes() if node.captures and not node.virtual]
    if not webcams:
        what, fix = "none", "plug one in; until then livexpr shows its demo (--source demo)"
        if "microsoft" in (machine.read("proc/version") or "").lower():
            what, fix = "none: WSL has no webcams", "install livexpr on Windows itself"
        return Finding("webcam", "warn", what, fix)
    listed = ", ".join(f"{node.name} ({node.path})" for node in webcams)
    locked = [node.path for node in webcams if not node.readable]
    if len(locked) == len(webcams):
        what = f"{listed}: you may not open it"
        return Finding.mended_by("webcam", what, _join_group(machine))
    held = [(node, machine.held_by(node.path)) for node in webcams]
    if all(who for _, who in held):
        busy = "; ".join(f"{node.path} is in use by {', '.join(who)}" for node, who in held)
        return Finding("webcam", "warn", busy, "close that program, or its camera")
    return Finding("webcam", "ok", listed)


def check_loopback(machine: Machine) -> Finding:
    """Look at v4l2loopback, the virtual camera of Linux."""
    if machine.read("sys/module/v4l2loopback/initstate") is None:
        return _not_loaded(machine)
    caps = (machine.read("sys/module/v4l2loopback/parameters/exclusive_caps") or "").split(",")
    nodes = [node for node in machine.nodes() if node.loopback]
    if not nodes:
        locked = [node for node in machine.nodes() if not node.readable and node.virtual]
        if locked:
            what = f"you may not open {locked[0].path}"
            return Finding.mended_by("virtual camera", what, _join_group(machine))
        what = "v4l2loopback is loaded, but has no device"
        return Finding.mended_by("virtual camera", what, UNLOAD, LOAD)
    listed = ", ".join(f"{node.name} ({node.path})" for node in nodes)
    if "Y" not in caps[: len(nodes)]:
        what = f"{listed}: without exclusive_caps=1, browsers and Zoom do not list it"
        return Finding.mended_by("virtual camera", what, UNLOAD, LOAD, *KEEP)
    return _loaded(machine, nodes, listed)


def _loaded(machine: Machine, nodes: list[VideoNode], listed: str) -> Finding:
    version = machine.read("sys/module/v4l2loopback/version")
    note = f"{listed}, v4l2loopback {version}" if version else listed
    if any(node.outputs for node in nodes):
        return Finding("virtual camera", "ok", note)
    if any(_is_ours(node) for node in nodes):
        return Finding("virtual camera", "ok", f"{note}: this filter writes to it")
    held = [who for node in nodes for who in machine.held_by(node.path)]
    # One that can be read is written to, by a program of another user where none is seen.
    if held or any(node.captures for node in nodes):
        what = f"{listed}: in use by {', '.join(held) or 'another program'}"
        return Finding("virtual camera", "warn", what, "close the program that writes to it")
    # What 0.12 does after each writer that used write(), as pyvirtualcam does.
    note += ": it forgot after its last use that it can be written to; livexpr mends that by itself"
    return Finding("virtual camera", "ok", note)


def _is_ours(node: VideoNode) -> bool:
    """Whether this very process has a device open: the studio asks beside a filter that runs."""
    us = f"(process {os.getpid()})"
    return any(who.endswith(us) for who in holders(node.path, besides_us=False))


def _not_loaded(machine: Machine) -> Finding:
    built = machine.read(f"lib/modules/{machine.kernel}/modules.dep") or ""
    install = for_distribution(
        machine, INSTALL_MODULE, "install v4l2loopback as your distribution offers it"
    )
    if "v4l2loopback.ko" not in built:
        what = "v4l2loopback is not installed"
        if any((machine.root / "usr/src").glob("v4l2loopback-*")):
            what = (
                f"v4l2loopback is installed, but not built for the running kernel {machine.kernel}"
            )
        return Finding.mended_by("virtual camera", what, install, *_load_steps(machine))
    what = "v4l2loopback is installed, but not loaded"
    if secure_boot(machine):
        what += "; Secure Boot is on and refuses it unless its signature is trusted"
    return Finding.mended_by("virtual camera", what, *_load_steps(machine))


def _load_steps(machine: Machine) -> list[Step]:
    steps: list[Step] = [LOAD, *KEEP]
    if not secure_boot(machine):
        return steps
    otherwise = "sign v4l2loopback with a key of yours and enrol that with mokutil --import"
    return [for_distribution(machine, TRUST_MODULE, otherwise + _ENROL), *steps]


def secure_boot(machine: Machine) -> bool:
    """Tell whether Secure Boot is on: then the kernel loads signed modules only."""
    variable = machine.read_bytes(SECURE_BOOT_VARIABLE)
    if variable:
        # Four bytes of attributes, then the value.
        return variable[-1] == 1
    state = machine.output_of(["mokutil", "--sb-state"]) or ""
    return "SecureBoot enabled" in state
