"""Reads files in a process that may take little memory more: ``python -m ... MEGABYTES FILE...``.

Prints ``FILE: what was said`` for each, empty where it was taken.
"""

from __future__ import annotations

import resource
import sys
from pathlib import Path

from livexpr.pictures import PICTURE_SUFFIXES
from tests.fuzz.targets import TARGETS, survives

FORBIDDEN = (
    "os.exec",
    "os.fork",
    "os.posix_spawn",
    "os.system",
    "pickle.",
    "socket.",
    "subprocess.",
)
KINDS = {".toml": "preset", ".safetensors": "map"}


def forbid(event: str, _: tuple[object, ...]) -> None:
    """Refuse what no file may cause."""
    if event.startswith(FORBIDDEN):
        raise AssertionError(f"a file caused {event}")


def main() -> None:
    """Read the files of the command line."""
    megabytes, *names = sys.argv[1:]
    for target in ("picture", "film", "map"):  # libraries are loaded, threads are there
        for content in TARGETS[target].seeds():
            survives(target, content)
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    limit = pages * resource.getpagesize() + int(megabytes) * 2**20
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    sys.addaudithook(forbid)
    for name in names:
        suffix = Path(name).suffix
        kind = KINDS.get(suffix, "picture" if suffix in PICTURE_SUFFIXES else "film")
        said = survives(kind, Path(name).read_bytes())
        sys.stdout.write(f"{Path(name).name}: {said}\n")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    sys.stdout.write(f"peak: {peak} MB\n")


if __name__ == "__main__":
    main()
