"""A filter that runs in a process of its own, with its studio open."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@contextlib.contextmanager
def studio(home: Path, *options: str) -> Iterator[str]:
    """Run the filter to nowhere, with user folders in `home`; give the studio's address.

    It is ended with SIGTERM, and has ended in order.
    """
    command = [sys.executable, str(ROOT / "run_cam.py"), *options]
    command += ["--output", "null", "--no-preview", "--studio"]
    environment = {**os.environ, "XDG_CONFIG_HOME": str(home), "XDG_RUNTIME_DIR": str(home)}
    process = subprocess.Popen(
        command, stderr=subprocess.PIPE, text=True, env=environment, cwd=home
    )
    assert process.stderr is not None
    lines = []
    for line in process.stderr:
        lines.append(line)
        if found := re.search(r"http://\S+", line):
            break
    else:
        raise AssertionError("".join(lines))
    try:
        yield found[0]
    finally:
        process.terminate()
        rest = process.communicate(timeout=30)[1]
    assert process.returncode == 143
    assert "Traceback" not in rest, rest
