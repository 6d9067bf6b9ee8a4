"""Coverage-guided fuzzing: ``python -m tests.fuzz TARGET --seconds 300``.

Needs the extra ``fuzz`` (atheris, which has wheels for Linux). What is found is written to the
folder of ``--findings`` and ends the run with another exit code than 0; give the file's name in
place of the seconds to try it again: ``python -m tests.fuzz TARGET --again crash-0123``.
"""

from __future__ import annotations

import argparse
import importlib
import sys
import tempfile
from pathlib import Path

MEMORY_LIMIT_MB = 2048
SLOWEST_S = 30
LONGEST_BYTES = 16384
INSTRUMENTED = ("livexpr", "tomlkit", "tomlkit.parser", "safetensors.numpy", "typer")
NAMES = ("preset", "map", "picture", "film", "words")


def main() -> None:
    """Fuzz one target until the time is over or something is found."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("target", choices=NAMES)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--findings", type=Path, default=Path())
    parser.add_argument("--again", type=Path, help="a file that was found")
    chosen = parser.parse_args()
    if chosen.again is not None:
        from tests.fuzz.targets import survives

        said = survives(chosen.target, chosen.again.read_bytes())
        sys.stdout.write(f"{said or 'taken'}\n")
        return
    fuzz(chosen.target, chosen.seconds, chosen.findings)


def fuzz(name: str, seconds: int, findings: Path) -> None:
    """Run atheris, which ends the process."""
    try:
        import atheris
    except ImportError:
        sys.exit("atheris is not installed: pip install 'livexpr[fuzz]'")
    with atheris.instrument_imports(include=[*INSTRUMENTED]):
        for module in INSTRUMENTED:
            importlib.import_module(module)
        from tests.fuzz.targets import TARGETS, survives
    with tempfile.TemporaryDirectory(prefix="livexpr-fuzz-") as corpus:
        for number, content in enumerate(TARGETS[name].seeds()):
            (Path(corpus) / f"seed-{number}").write_bytes(content)
        options = (
            f"-max_total_time={seconds}",
            f"-rss_limit_mb={MEMORY_LIMIT_MB}",
            f"-timeout={SLOWEST_S}",
            f"-max_len={LONGEST_BYTES}",
            f"-artifact_prefix={findings.resolve()}/",
            # Decoders are not seen into: what is made from whole files gets furthest.
            *("-keep_seed=1", "-reduce_inputs=0", "-len_control=0"),
            "-print_final_stats=1",
        )

        def take(content: bytes) -> None:
            survives(name, content)

        atheris.Setup([sys.argv[0], *options, corpus], take)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
