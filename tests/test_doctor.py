"""doctor: every finding on every operating system, on machines made up for the test."""

from __future__ import annotations

import os
import plistlib
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest

from livexpr import doctor, doctor_desktop, doctor_install, doctor_linux, face_mesh
from livexpr.devices import (
    LOOPBACK_DRIVER,
    V4L2_CAP_VIDEO_CAPTURE,
    V4L2_CAP_VIDEO_OUTPUT,
    CameraInfo,
    VideoNode,
)
from livexpr.errors import LivexprError
from livexpr.machine import (
    Finding,
    Machine,
    command_output,
    distribution_version,
    library_loads,
    module_file,
)

HOME = Path(doctor.__file__).resolve().parents[1]
KERNEL = "6.1.0-test"
VERSIONS = {
    "opencv-python": "5.0.0.93",
    "opencv-contrib-python": "5.0.0.93",
    "mediapipe": "0.10.33",
}
WEBCAM = VideoNode("/dev/video0", "HD Pro", "uvcvideo", "usb-1", V4L2_CAP_VIDEO_CAPTURE, True)
LOOPBACK = VideoNode(
    "/dev/video10", "livexpr", LOOPBACK_DRIVER, "platform:1", V4L2_CAP_VIDEO_OUTPUT, True
)
OS_RELEASES = {
    "debian": 'PRETTY_NAME="Debian GNU/Linux 12"\nID=debian\n',
    "ubuntu": "NAME=Ubuntu\nID=ubuntu\nID_LIKE=debian\n",
    "mint": 'ID=linuxmint\nID_LIKE="ubuntu debian"\n',
    "fedora": "ID=fedora\n",
    "arch": "ID=arch\n",
    "suse": 'ID="opensuse-tumbleweed"\nID_LIKE="opensuse suse"\n',
    "other": "ID=gentoo\n",
}


def write(root: Path, path: str, content: str | bytes) -> None:
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content if isinstance(content, bytes) else content.encode())


def load_loopback(root: Path, *, caps: str = "Y,N,N", version: str = "0.13.2") -> None:
    write(root, "sys/module/v4l2loopback/initstate", "live\n")
    write(root, "sys/module/v4l2loopback/version", version + "\n")
    write(root, "sys/module/v4l2loopback/parameters/exclusive_caps", caps + "\n")


def switch_secure_boot(root: Path, on: bool) -> None:
    write(root, doctor_linux.SECURE_BOOT_VARIABLE, b"\x06\0\0\0" + bytes([on]))


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """A Debian machine with a display, a webcam and all packages, without v4l2loopback."""
    write(tmp_path, "etc/os-release", OS_RELEASES["debian"])
    return Machine(
        system="Linux",
        python=(3, 11),
        kernel=KERNEL,
        root=tmp_path,
        environ={"DISPLAY": ":0"},
        output_of=lambda command: None,
        version_of=VERSIONS.get,
        file_of=lambda name: HOME / name / "__init__.py",
        loads=lambda name: True,
        registry_has=lambda key: False,
        nodes=lambda: [WEBCAM],
        cameras=list,
        held_by=lambda path: [],
    )


class TestInstall:
    def test_all_is_well(self, machine):
        found = doctor_install.check_install(machine)
        assert [finding.level for finding in found] == ["ok"] * len(found)
        assert not any(finding.fix for finding in found)

    @pytest.mark.parametrize(("version", "level"), [((3, 9), "fail"), ((3, 10), "ok")])
    def test_python(self, machine, version, level):
        finding = doctor_install.check_python(replace(machine, python=version))
        assert finding.level == level

    def test_missing_packages_are_named(self, machine):
        gone = {"av", "numba"}
        bare = replace(machine, file_of=lambda name: None if name in gone else HOME / name)
        finding = doctor_install.check_packages(bare)
        assert finding.level == "fail"
        assert finding.what == "missing: av, numba"

    def test_every_dependency_is_looked_for(self):
        import tomlkit

        project = tomlkit.parse((HOME / "pyproject.toml").read_text(encoding="utf-8"))
        named = {str(one).split("=")[0].split(">")[0] for one in project["project"]["dependencies"]}
        modules = {"cv2" if name.startswith("opencv") else name for name in named}
        assert modules - {"cv2-enumerate-cameras"} == set(doctor_install.PACKAGES)

    def test_two_cv2_of_different_versions(self, machine):
        mixed = VERSIONS | {"opencv-contrib-python": "4.11.0.86"}
        finding = doctor_install.check_cv2(replace(machine, version_of=mixed.get))
        assert finding.level == "fail"
        assert "opencv-contrib-python 4.11.0.86" in finding.what
        assert finding.fix.endswith("opencv-python==5.0.0.93 opencv-contrib-python==5.0.0.93")

    def test_cv2_without_windows(self, machine):
        mixed = VERSIONS | {"opencv-python-headless": "5.0.0.93"}
        finding = doctor_install.check_cv2(replace(machine, version_of=mixed.get))
        assert finding.level == "fail"
        assert finding.fix.startswith("pip uninstall --yes opencv-python-headless\n")

    @pytest.mark.parametrize(("contrib", "level"), [("5.0.0.93", "fail"), ("4.11.0.86", "warn")])
    def test_cv2_is_to_be_the_one_that_livexpr_asks_for(self, machine, monkeypatch, contrib, level):
        asked = ["numpy>=2.0", "opencv-contrib-python==5.0.0.93", "opencv-python==5.0.0.93"]
        monkeypatch.setattr("importlib.metadata.requires", lambda name: asked)
        other = VERSIONS | {"opencv-python": "4.11.0.86", "opencv-contrib-python": contrib}
        finding = doctor_install.check_cv2(replace(machine, version_of=other.get))
        assert finding.level == level
        assert finding.fix.endswith("opencv-python==5.0.0.93 opencv-contrib-python==5.0.0.93")

    def test_cv2_where_nobody_says_which(self, machine, monkeypatch):
        monkeypatch.setattr(doctor_install, "_pinned", lambda name: None)
        mixed = {"opencv-contrib-python": "4.11.0.86", "opencv-python-headless": "4.9.0.80"}
        finding = doctor_install.check_cv2(replace(machine, version_of=mixed.get))
        assert finding.fix.endswith("opencv-contrib-python==4.11.0.86")

    def test_one_cv2_is_enough(self, machine):
        one = {"opencv-python": "5.0.0.93"}
        assert doctor_install.check_cv2(replace(machine, version_of=one.get)).level == "ok"

    def test_no_cv2(self, machine):
        none = replace(machine, version_of=lambda name: None)
        assert doctor_install.check_cv2(none).level == "fail"

    @pytest.mark.parametrize(
        ("version", "level"),
        [("0.10.33", "ok"), ("0.10.35", "warn"), ("1.2.2", "warn"), (None, "fail")],
    )
    def test_mediapipe(self, machine, version, level):
        found = {"mediapipe": version} if version else {}
        finding = doctor_install.check_mediapipe(replace(machine, version_of=found.get))
        assert finding.level == level

    def test_altered_model(self, monkeypatch):
        monkeypatch.setattr(face_mesh, "MODEL_SHA256", "0" * 64)
        finding = doctor_install.check_model()
        assert finding.level == "fail"
        assert "altered" in finding.what

    def test_model_is_the_one_its_notice_describes(self):
        notice = (HOME / "livexpr/assets/README.md").read_text(encoding="utf-8")
        size = (HOME / "livexpr/assets" / face_mesh.MODEL_ASSET).stat().st_size
        assert face_mesh.MODEL_SHA256 in notice
        assert f"{size:,} bytes" in notice
        assert doctor_install.check_model().level == "ok"

    def test_numba_cache_goes_where_it_is_told(self, machine, tmp_path):
        chosen = tmp_path / "cache"
        told = replace(machine, environ={"NUMBA_CACHE_DIR": str(chosen)})
        finding = doctor_install.check_numba_cache(told)
        assert (finding.level, finding.fix) == ("warn", "livexpr doctor --compile")
        assert str(chosen) in finding.what
        assert not chosen.exists()
        write(chosen, "kernels/planes.nbc", "")
        assert doctor_install.check_numba_cache(told).level == "ok"

    def test_numba_cache_that_cannot_be_written(self, machine, monkeypatch):
        monkeypatch.setattr(doctor_install, "is_writable", lambda folder: False)
        finding = doctor_install.check_numba_cache(machine)
        assert finding.level == "warn"
        assert "NUMBA_CACHE_DIR" in finding.fix

    def test_a_file_is_not_a_writable_folder(self, tmp_path):
        write(tmp_path, "file", "")
        assert not doctor_install.is_writable(tmp_path / "file")
        assert doctor_install.is_writable(tmp_path / "a" / "b")
        assert sorted(path.name for path in tmp_path.iterdir()) == ["file"]

    @pytest.mark.parametrize(
        ("module", "name"), [("numba", "threads"), ("livexpr.face_mesh", "landmark model")]
    )
    def test_what_cannot_be_loaded_is_a_finding(self, machine, monkeypatch, module, name):
        """Such as a Numba that refuses a newer NumPy, or what needs a NumPy that is missing."""
        monkeypatch.setitem(sys.modules, module, None)
        (finding,) = [one for one in doctor_install.check_install(machine) if one.name == name]
        assert finding.level == "fail"
        assert module in finding.what
        assert finding.fix == doctor_install.REINSTALL

    def test_threads_without_numba(self, machine):
        assert doctor_install.check_numba_threads(machine).level == "ok"
        bare = replace(machine, file_of=lambda name: None)
        assert doctor_install.check_numba_threads(bare).level == "fail"

    def test_no_threading_layer(self, machine, monkeypatch):
        import numba

        def refuse() -> None:
            raise ValueError("No threading layer could be loaded.")

        monkeypatch.setattr(numba, "get_num_threads", refuse)
        finding = doctor_install.check_numba_threads(machine)
        assert finding.level == "fail"
        assert "No threading layer could be loaded" in finding.what


class TestForeignKernels:
    def test_own_kernels_pass(self, machine):
        doctor.refuse_foreign_kernels(machine)

    def test_own_kernels_pass_on_this_machine(self):
        doctor.refuse_foreign_kernels()

    def test_foreign_kernels_are_refused_in_one_line(self, machine, tmp_path):
        foreign = tmp_path / "site-packages" / "kernels" / "__init__.py"
        other = replace(machine, file_of=lambda name: foreign)
        with pytest.raises(LivexprError, match="another project's, not livexpr's") as caught:
            doctor.refuse_foreign_kernels(other)
        assert "\n" not in str(caught.value)
        assert "venv" in str(caught.value)

    @pytest.mark.parametrize("file", ["site-packages/kernels/__init__.py", None])
    def test_all_the_rest_is_looked_at_beside_them(self, machine, tmp_path, monkeypatch, file):
        monkeypatch.setitem(sys.modules, "kernels", ModuleType("kernels"))
        foreign = None if file is None else tmp_path / file
        other = replace(
            machine, file_of=lambda name: foreign if name == "kernels" else machine.file_of(name)
        )
        found = {one.name: one.level for one in doctor_install.check_install(other)}
        assert found["kernels"] == "fail"
        assert found["threads"] == "ok"
        assert "compiled kernels" not in found

    def test_missing_kernels_are_refused(self, machine):
        with pytest.raises(LivexprError, match="missing"):
            doctor.refuse_foreign_kernels(replace(machine, file_of=lambda name: None))

    def test_foreign_kernels_beside_a_checkout_only_warn(self, machine):
        beside = replace(machine, version_of={"kernels": "0.17.2"}.get)
        finding = doctor_install.check_kernels(beside)
        assert finding.level == "warn"
        assert "0.17.2" in finding.what
        doctor.refuse_foreign_kernels(beside)

    def test_foreign_kernels_installed_over_ours(self, machine, tmp_path, monkeypatch):
        packages = tmp_path / "site-packages"
        monkeypatch.setattr(
            doctor_install, "__file__", str(packages / "livexpr" / "doctor_install.py")
        )
        over = replace(
            machine,
            version_of={"kernels": "0.17.2", "livexpr": "0.1.0"}.get,
            file_of=lambda name: packages / name / "__init__.py",
        )
        with pytest.raises(LivexprError, match=r"kernels` 0\.17\.2 is installed over livexpr's"):
            doctor.refuse_foreign_kernels(over)


class TestLinux:
    def test_libraries(self, machine):
        bare = replace(machine, loads=lambda name: name != "libGL.so.1")
        finding = doctor_linux.check_libraries(bare)
        assert finding.level == "fail"
        assert finding.what == "missing: libGL.so.1"
        assert finding.fix.startswith("sudo apt install libgl1 ")
        assert doctor_linux.check_libraries(machine).level == "ok"

    def test_each_library_has_its_package_on_opensuse(self, machine):
        write(machine.root, "etc/os-release", OS_RELEASES["suse"])
        finding = doctor_linux.check_libraries(replace(machine, loads=lambda name: False))
        assert "libgthread-2_0-0" in finding.fix.split()

    @pytest.mark.parametrize(
        ("environ", "level", "words"),
        [
            ({"DISPLAY": ":1"}, "ok", ":1"),
            ({"WAYLAND_DISPLAY": "wayland-0"}, "warn", "XWayland"),
            ({}, "warn", "terminal"),
        ],
    )
    def test_display(self, machine, environ, level, words):
        finding = doctor_linux.check_display(replace(machine, environ=environ))
        assert finding.level == level
        assert words in finding.what

    def test_webcam(self, machine):
        finding = doctor_linux.check_webcams(machine)
        assert finding == Finding("webcam", "ok", "HD Pro (/dev/video0)")

    def test_no_webcam_but_a_virtual_one(self, machine):
        virtual = replace(LOOPBACK, capabilities=V4L2_CAP_VIDEO_CAPTURE)
        finding = doctor_linux.check_webcams(replace(machine, nodes=lambda: [virtual]))
        assert finding.level == "warn"
        assert "--source demo" in finding.fix

    def test_no_webcam_in_wsl(self, machine):
        write(machine.root, "proc/version", "Linux version 5.15 (Microsoft@example)")
        finding = doctor_linux.check_webcams(replace(machine, nodes=list))
        assert "WSL" in finding.what
        assert "Windows" in finding.fix

    def test_webcam_of_another_group(self, machine, monkeypatch):
        monkeypatch.setattr("livexpr.devices._sysfs_text", lambda path, attribute: "0")
        locked = replace(WEBCAM, readable=False, capabilities=0)
        finding = doctor_linux.check_webcams(replace(machine, nodes=lambda: [locked]))
        assert finding.level == "warn"
        assert "usermod -aG video" in finding.fix

    def test_busy_webcam_and_who_holds_it(self, machine):
        busy = replace(machine, held_by=lambda path: ["zoom (process 7)"])
        finding = doctor_linux.check_webcams(busy)
        assert finding.level == "warn"
        assert finding.what == "/dev/video0 is in use by zoom (process 7)"

    def test_one_free_webcam_is_enough(self, machine):
        second = replace(WEBCAM, path="/dev/video2")
        both = replace(
            machine,
            nodes=lambda: [WEBCAM, second],
            held_by=lambda path: ["zoom (process 7)"] if path == WEBCAM.path else [],
        )
        assert doctor_linux.check_webcams(both).level == "ok"

    @pytest.mark.parametrize(
        ("distribution", "command"),
        [
            ("debian", "apt install v4l2loopback-dkms"),
            ("ubuntu", "apt install v4l2loopback-dkms"),
            ("mint", "apt install v4l2loopback-dkms"),
            ("fedora", "dnf install akmod-v4l2loopback"),
            ("arch", "pacman -S v4l2loopback-dkms"),
            ("suse", "zypper install v4l2loopback-kmp-default"),
            ("other", "install v4l2loopback as your distribution offers it"),
        ],
    )
    def test_loopback_not_installed(self, machine, distribution, command):
        write(machine.root, "etc/os-release", OS_RELEASES[distribution])
        finding = doctor_linux.check_loopback(machine)
        assert finding.level == "warn"
        assert finding.what == "v4l2loopback is not installed"
        assert command in finding.fix
        assert "exclusive_caps=1" in finding.fix
        assert "mokutil" not in finding.fix

    def test_loopback_built_for_another_kernel(self, machine):
        (machine.root / "usr/src/v4l2loopback-0.12.7").mkdir(parents=True)
        finding = doctor_linux.check_loopback(machine)
        assert f"not built for the running kernel {KERNEL}" in finding.what
        assert f"linux-headers-{KERNEL}" in finding.fix

    def test_loopback_not_loaded(self, machine):
        modules = f"lib/modules/{KERNEL}/modules.dep"
        write(machine.root, modules, "updates/dkms/v4l2loopback.ko.xz: kernel/videodev.ko.xz\n")
        finding = doctor_linux.check_loopback(machine)
        assert finding.what == "v4l2loopback is installed, but not loaded"
        assert finding.fix.startswith(doctor_linux.LOAD.text)
        assert "apt install" not in finding.fix

    @pytest.mark.parametrize(
        ("distribution", "key"),
        [
            ("debian", "/var/lib/dkms/mok.pub"),
            ("ubuntu", "/var/lib/shim-signed/mok/MOK.der"),
            ("mint", "/var/lib/shim-signed/mok/MOK.der"),
            ("fedora", "/etc/pki/akmods/certs/public_key.der"),
            ("other", "a key of yours"),
        ],
    )
    def test_secure_boot_refuses_loopback(self, machine, distribution, key):
        write(machine.root, "etc/os-release", OS_RELEASES[distribution])
        write(machine.root, f"lib/modules/{KERNEL}/modules.dep", "extra/v4l2loopback.ko:\n")
        switch_secure_boot(machine.root, on=True)
        finding = doctor_linux.check_loopback(machine)
        assert "Secure Boot is on" in finding.what
        assert key in finding.fix.splitlines()[0]

    def test_secure_boot_off(self, machine):
        switch_secure_boot(machine.root, on=False)
        says_on = replace(machine, output_of=lambda command: "SecureBoot enabled\n")
        assert not doctor_linux.secure_boot(says_on)

    @pytest.mark.parametrize(
        ("answer", "on"), [("SecureBoot enabled\n", True), ("SecureBoot disabled\n", False)]
    )
    def test_secure_boot_by_mokutil(self, machine, answer, on):
        asked = replace(machine, output_of=lambda command: answer)
        assert doctor_linux.secure_boot(asked) is on

    def test_loopback_ready(self, machine):
        load_loopback(machine.root)
        finding = doctor_linux.check_loopback(replace(machine, nodes=lambda: [LOOPBACK]))
        assert finding.level == "ok"
        assert finding.what == "livexpr (/dev/video10), v4l2loopback 0.13.2"

    def test_loopback_that_says_no_version(self, machine):
        load_loopback(machine.root)
        (machine.root / "sys/module/v4l2loopback/version").unlink()
        finding = doctor_linux.check_loopback(replace(machine, nodes=lambda: [LOOPBACK]))
        assert finding == Finding("virtual camera", "ok", "livexpr (/dev/video10)")

    def test_loopback_that_forgot_what_it_is(self, machine):
        load_loopback(machine.root, version="0.12.7")
        forgetful = replace(LOOPBACK, capabilities=0)
        finding = doctor_linux.check_loopback(replace(machine, nodes=lambda: [forgetful]))
        assert finding.level == "ok"
        assert "livexpr mends that by itself" in finding.what

    def test_loopback_without_exclusive_caps(self, machine):
        load_loopback(machine.root, caps="N,N,N")
        finding = doctor_linux.check_loopback(replace(machine, nodes=lambda: [LOOPBACK]))
        assert finding.level == "warn"
        assert finding.steps[:2] == (doctor_linux.UNLOAD, doctor_linux.LOAD)

    def test_loopback_without_device(self, machine):
        load_loopback(machine.root)
        finding = doctor_linux.check_loopback(machine)
        assert finding.level == "warn"
        assert "has no device" in finding.what

    def test_loopback_of_another_group(self, machine):
        load_loopback(machine.root)
        locked = VideoNode("/dev/video10", "OBS Virtual Camera", "", "", 0, readable=False)
        finding = doctor_linux.check_loopback(replace(machine, nodes=lambda: [locked]))
        assert finding.what == "you may not open /dev/video10"
        assert "usermod" in finding.fix

    def test_loopback_in_use(self, machine):
        load_loopback(machine.root)
        written = replace(LOOPBACK, capabilities=V4L2_CAP_VIDEO_CAPTURE)
        busy = replace(machine, nodes=lambda: [written], held_by=lambda path: ["obs (process 9)"])
        finding = doctor_linux.check_loopback(busy)
        assert finding.level == "warn"
        assert finding.what.endswith("in use by obs (process 9)")

    def test_loopback_that_somebody_unseen_writes_to_has_forgotten_nothing(self, machine):
        load_loopback(machine.root)
        written = replace(LOOPBACK, capabilities=V4L2_CAP_VIDEO_CAPTURE)
        finding = doctor_linux.check_loopback(replace(machine, nodes=lambda: [written]))
        assert finding.level == "warn"
        assert finding.what.endswith("in use by another program")

    @pytest.mark.parametrize("readers", [[], ["zoom (process 7)"]])
    def test_loopback_that_this_very_filter_writes_to(self, machine, monkeypatch, readers):
        load_loopback(machine.root)
        written = replace(LOOPBACK, capabilities=V4L2_CAP_VIDEO_CAPTURE)
        us = f"livexpr (process {os.getpid()})"
        monkeypatch.setattr(doctor_linux, "holders", lambda path, besides_us: [us, *readers])
        asked = replace(machine, nodes=lambda: [written], held_by=lambda path: readers)
        finding = doctor_linux.check_loopback(asked)
        assert finding.level == "ok"
        assert finding.what.endswith("this filter writes to it")


class TestDesktop:
    def test_windows_without_virtual_camera(self, machine):
        finding = doctor_desktop.check_windows_virtual_camera(machine)
        assert finding.level == "warn"
        assert "winget install OBSProject.OBSStudio" in finding.fix

    @pytest.mark.parametrize(
        ("key", "name"),
        [
            (doctor_desktop.OBS_FILTER, "OBS Virtual Camera"),
            (doctor_desktop.UNITY_FILTER, "Unity Video Capture"),
        ],
    )
    def test_windows_virtual_camera(self, machine, key, name):
        found = replace(machine, registry_has=lambda asked: asked == key)
        finding = doctor_desktop.check_windows_virtual_camera(found)
        assert finding == Finding("virtual camera", "ok", name)

    def test_webcams_by_name(self, machine):
        listed = [
            CameraInfo(0, "OBS Virtual Camera", "", virtual=True),
            CameraInfo(1, "FaceTime HD", "", virtual=False),
        ]
        finding = doctor_desktop.check_webcams(replace(machine, cameras=lambda: listed), "allow")
        assert finding == Finding("webcam", "ok", "FaceTime HD")

    def test_only_virtual_webcams(self, machine):
        listed = [CameraInfo(0, "OBS Virtual Camera", "", virtual=True)]
        finding = doctor_desktop.check_webcams(replace(machine, cameras=lambda: listed), "allow")
        assert finding.level == "warn"
        assert finding.fix.endswith("allow")

    def test_webcams_that_cannot_be_listed(self, machine):
        bare = replace(machine, file_of=lambda name: None)
        finding = doctor_desktop.check_webcams(bare, "allow")
        assert finding.level == "warn"
        assert "pip install cv2-enumerate-cameras" in finding.fix

    def test_webcams_without_a_cv2_that_loads(self, machine):
        def fail():
            raise ImportError("DLL load failed while importing cv2")

        finding = doctor_desktop.check_webcams(replace(machine, cameras=fail), "allow")
        assert finding.level == "warn"
        assert "DLL load failed" in finding.what

    def test_macos_without_obs(self, machine):
        finding = doctor_desktop.check_macos_virtual_camera(machine)
        assert finding.level == "warn"
        assert finding.fix.startswith("brew install --cask obs\n")

    @pytest.mark.parametrize("version", ["29.1.3", None])
    def test_macos_with_old_obs(self, machine, version):
        info = {"CFBundleShortVersionString": version} if version else {}
        write(machine.root, doctor_desktop.OBS_INFO, plistlib.dumps(info))
        finding = doctor_desktop.check_macos_virtual_camera(machine)
        assert finding.level == "warn"
        assert "too old" in finding.what

    def test_macos_with_damaged_obs(self, machine):
        write(machine.root, doctor_desktop.OBS_INFO, b"bplist00 but no more")
        assert doctor_desktop.check_macos_virtual_camera(machine).level == "warn"

    def test_macos_virtual_camera(self, machine):
        info = plistlib.dumps({"CFBundleShortVersionString": "31.0.2"})
        write(machine.root, doctor_desktop.OBS_INFO, info)
        finding = doctor_desktop.check_macos_virtual_camera(machine)
        assert "never started" in finding.what
        line = "* * 2MMRE5MTB8 com.obsproject.obs-studio.mac-camera-extension [activated enabled]"
        ready = replace(machine, output_of=lambda command: f"1 extension(s)\n{line}\n")
        finding = doctor_desktop.check_macos_virtual_camera(ready)
        assert finding == Finding("virtual camera", "ok", "OBS 31.0.2")


class TestRun:
    @pytest.mark.parametrize("system", ["Linux", "Windows", "Darwin", "Plan9"])
    def test_every_system_is_looked_at(self, machine, system):
        found = doctor.findings(replace(machine, system=system))
        names = [finding.name for finding in found]
        assert len(names) == len(set(names))
        assert names[-1] == ("system" if system == "Plan9" else "virtual camera")
        assert all(finding.fix for finding in found if finding.level != "ok")
        for finding in found:
            if finding.steps:
                assert finding.fix == "\n".join(step.text for step in finding.steps)

    def test_exit_code_and_copyable_commands(self, capsys):
        long_command = "sudo modprobe " + "x" * 200
        found = [Finding("camera", "ok", "fine"), Finding("module", "warn", "gone", long_command)]
        assert doctor.run(found) == 0
        assert f"\n  {long_command}\n" in capsys.readouterr().out
        assert doctor.run([*found, Finding("model", "fail", "[altered]", "reinstall")]) == 1
        assert "[altered]" in capsys.readouterr().out

    def test_this_machine(self, capsys):
        assert doctor.run() in (0, 1)
        assert "landmark model" in capsys.readouterr().out


class TestMachine:
    def test_questions_with_answers(self, tmp_path):
        write(tmp_path, "a/b", "text\n")
        machine = Machine(root=tmp_path)
        assert machine.read("a/b") == "text"
        assert machine.read_bytes("a/b") == b"text\n"
        assert command_output(["python3", "-c", "print('hello')"]) == "hello\n"
        assert distribution_version("numpy") is not None
        assert module_file("kernels") == HOME / "kernels" / "__init__.py"

    def test_questions_without_answers(self, tmp_path):
        machine = Machine(root=tmp_path)
        assert machine.read("missing") is None
        assert machine.read_bytes("missing") is None
        assert command_output(["python3", "-c", "raise SystemExit(3)"]) is None
        assert not library_loads("libno-such-library.so.0")
