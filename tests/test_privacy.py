"""Nothing leaves the machine and nothing is kept: no socket, no file but caches, unless asked.

A live filter has one Unix socket, in a folder of the user's alone, by which `livexpr ctl` reaches
it; `--no-ctl` leaves it out.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from kernels import cache

HOME = Path(__file__).resolve().parents[1]
LIMIT_S = 300
MADE = ("os.rename", "os.link", "os.symlink", "os.truncate")
RUN = ["run", "--source", "demo", "--output", "null", "--max-frames", "20", "--fast"]
LIVE = RUN[:-1]

AUDITED = """
    import json, os, sys

    WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_TRUNC
    NAMES = ("os.rename", "os.link", "os.symlink", "os.truncate")
    seen = []

    def audit(event, arguments):
        if event.startswith("socket.") or event == "urllib.Request":
            seen.append([event, ""])
        elif event == "open":
            path, mode, flags = arguments
            if isinstance(path, int):
                return
            if flags & WRITES or set(mode or "") & set("wax+"):
                seen.append([event, os.path.abspath(os.fsdecode(path))])
        elif event in NAMES:
            seen.append([event, os.path.abspath(os.fsdecode(arguments[0]))])

    report = sys.argv.pop(1)
    sys.addaudithook(audit)
    from livexpr.__main__ import main
    try:
        main(sys.argv[1:])
    finally:
        found = list(seen)
        with open(report, "w") as file:
            json.dump(found, file)
"""


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """A home of its own, without a display."""
    home = tmp_path / "home"
    home.mkdir()
    for name in ("work", "tmp", "run"):
        (tmp_path / name).mkdir()
    made = {name: value for name, value in os.environ.items() if not name.startswith("XDG_")}
    made.pop("DISPLAY", None)
    made.pop("WAYLAND_DISPLAY", None)
    # Compiled kernels are kept, of each source and processor apart.
    made.setdefault("NUMBA_CACHE_DIR", str(cache.folder()))
    return (
        made
        | {"HOME": str(home), "PYTHONPATH": str(HOME), "TMPDIR": str(tmp_path / "tmp")}
        | {"XDG_RUNTIME_DIR": str(tmp_path / "run")}
    )


def kept(paths: list[str], folder: Path) -> list[str]:
    """What is neither compiled code nor a cache, nor gone again, nor a device."""
    caches = (str(folder / "home" / ".cache"), str(cache.folder()))
    passing = (*caches, str(folder / "tmp"), "/dev/", "/proc/", "/sys/")
    assert list((folder / "tmp").iterdir()) == [], "temporary files are gone at the end"
    return [path for path in paths if "__pycache__" not in path and not path.startswith(passing)]


def run(command: list[str], environment: dict[str, str], folder: Path) -> None:
    done = subprocess.run(
        command,
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
    )
    assert done.returncode == 0, done.stderr


def test_python_opens_no_socket_and_writes_no_file(environment, tmp_path):
    report, work = tmp_path / "report.json", tmp_path / "work"
    run([sys.executable, "-c", textwrap.dedent(AUDITED), str(report), *RUN], environment, work)
    seen = json.loads(report.read_text(encoding="utf-8"))
    assert [event for event, _ in seen if event not in ("open", *MADE)] == []
    written = [path for _, path in seen if path]
    assert kept(written, tmp_path) == []
    assert list(work.iterdir()) == []


def test_audit_notices_what_is_asked_for(environment, tmp_path):
    """What the test above would see if there were something to see."""
    report, work = tmp_path / "report.json", tmp_path / "work"
    asked = ["--stats", "stats.json"]
    run(
        [sys.executable, "-c", textwrap.dedent(AUDITED), str(report), *RUN, *asked],
        environment,
        work,
    )
    seen = json.loads(report.read_text(encoding="utf-8"))
    assert ["open", str(work / "stats.json")] in seen


@pytest.mark.parametrize("words", [[*LIVE, "--no-ctl"], LIVE], ids=["alone", "reached"])
def test_libraries_open_no_socket_and_write_no_file(environment, tmp_path, words):
    """As the system sees it: native code, which Python's audit does not."""
    strace = shutil.which("strace")
    if strace is None:
        pytest.skip("strace is not installed")
    trace, work = tmp_path / "trace", tmp_path / "work"
    calls = "trace=network,open,openat,creat,rename,renameat,renameat2,mkdir,unlink"
    command = [strace, "-f", "-qq", "-o", str(trace), "-e", calls]
    if subprocess.run([*command, "true"], capture_output=True).returncode:
        pytest.skip("strace may not trace here")
    run([*command, sys.executable, "-m", "livexpr", *words], environment, work)
    lines = trace.read_text(encoding="utf-8", errors="replace").splitlines()
    network = r"\bsocket\(AF_(INET|PACKET|BLUETOOTH|VSOCK)|\bconnect\(|\bbind\(|\blisten\("
    own = str(tmp_path / "run" / "livexpr" / "filter-1.sock")
    used = [line for line in lines if re.search(network, line)]
    if words is LIVE:
        bound = [line for line in used if "bind(" in line]
        assert len(bound) == 1
        assert f'{{sa_family=AF_UNIX, sun_path="{own}"}}' in bound[0]
        assert sum("listen(" in line for line in used) == 1
        used = [line for line in used if "AF_UNIX" not in line and "listen(" not in line]
    assert used == []
    assert [each for each in (tmp_path / "run").rglob("*") if not each.is_dir()] == []
    opened = [
        re.search(r'"(.*?)"', line)[1]
        for line in lines
        if re.search(r"\b(open|openat|creat)\(.*(O_WRONLY|O_RDWR|O_CREAT)", line)
        and "= -1" not in line
    ]
    paths = [str((work / path).resolve()) for path in opened]
    assert kept(paths, tmp_path) == []
