"""What `doctor` looks at on Windows and macOS: webcams and the virtual cameras of OBS and Unity."""

from __future__ import annotations

import plistlib

from livexpr.errors import one_line
from livexpr.machine import Finding, Machine
from livexpr.remedy import Do, Tell

# DirectShow filters, as OBS Studio and UnityCapture register them.
OBS_FILTER = r"CLSID\{A3FCE0F5-3493-419F-958A-ABA1250EC20B}"
UNITY_FILTER = r"CLSID\{5C2CD55C-92AD-4999-8666-912BD3E70010}"
OBS_INFO = "Applications/OBS.app/Contents/Info.plist"
OLDEST_OBS_ON_MACOS = 30


def check_windows(machine: Machine) -> list[Finding]:
    """Look at everything that is particular to Windows."""
    allow = "Settings > Privacy & security > Camera: let desktop apps use the camera"
    return [check_webcams(machine, allow), check_windows_virtual_camera(machine)]


def check_macos(machine: Machine) -> list[Finding]:
    """Look at everything that is particular to macOS."""
    allow = "System Settings > Privacy & Security > Camera: allow your terminal"
    return [check_webcams(machine, allow), check_macos_virtual_camera(machine)]


def check_webcams(machine: Machine, allow: str) -> Finding:
    """List the real webcams; without a way to list them, say how to allow their use."""
    if machine.file_of("cv2_enumerate_cameras") is None:
        what = "cannot be listed without the package cv2-enumerate-cameras; --source 0 works"
        install = Do(("pip", "install", "cv2-enumerate-cameras"))
        return Finding.mended_by(
            "webcam", what, install, Tell(f"if the picture stays black: {allow}")
        )
    try:
        found = [camera.name for camera in machine.cameras() if not camera.virtual]
    except ImportError as error:
        return Finding("webcam", "warn", f"cannot be listed: {one_line(error)}", "mend cv2 first")
    if not found:
        fix = f"plug one in; until then livexpr shows its demo (--source demo)\n{allow}"
        return Finding("webcam", "warn", "none", fix)
    return Finding("webcam", "ok", ", ".join(found))


def check_windows_virtual_camera(machine: Machine) -> Finding:
    """Look for the filters of OBS and UnityCapture in the registry."""
    filters = {"OBS Virtual Camera": OBS_FILTER, "Unity Video Capture": UNITY_FILTER}
    found = [name for name, key in filters.items() if machine.registry_has(key)]
    if found:
        return Finding("virtual camera", "ok", ", ".join(found))
    note = "or install UnityCapture; then try again"
    agree = ("--accept-source-agreements", "--accept-package-agreements")
    install = Do(("winget", "install", "OBSProject.OBSStudio"), unattended=agree, note=note)
    what = "neither OBS nor UnityCapture is installed"
    return Finding.mended_by("virtual camera", what, install)


def check_macos_virtual_camera(machine: Machine) -> Finding:
    """Look for an OBS that is new enough, and for its camera extension."""
    note = "click Start Virtual Camera, allow it, click Stop, quit OBS"
    install = Do(("brew", "install", "--cask", "obs"))
    switch_on = Do(("open", "-a", "OBS"), note=note)
    info = machine.read_bytes(OBS_INFO)
    if info is None:
        return Finding.mended_by("virtual camera", "OBS is not installed", install, switch_on)
    version = _obs_version(info)
    if not version.split(".")[0].isdigit() or int(version.split(".")[0]) < OLDEST_OBS_ON_MACOS:
        what = f"OBS {version} is too old: {OLDEST_OBS_ON_MACOS} or newer is needed"
        return Finding.mended_by("virtual camera", what, install, switch_on)
    extensions = machine.output_of(["systemextensionsctl", "list"]) or ""
    active = [line for line in extensions.splitlines() if "activated enabled" in line]
    if not any("mac-camera-extension" in line for line in active):
        what = f"OBS {version} is installed, but its virtual camera was never started"
        return Finding.mended_by("virtual camera", what, switch_on)
    return Finding("virtual camera", "ok", f"OBS {version}")


def _obs_version(info: bytes) -> str:
    try:
        return str(plistlib.loads(info).get("CFBundleShortVersionString", "of unknown version"))
    except plistlib.InvalidFileException:
        return "of unknown version"
