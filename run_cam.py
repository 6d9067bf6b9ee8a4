"""Run the live filter: `python run_cam.py ARGUMENTS` is `livexpr run ARGUMENTS`."""

import sys

from livexpr.__main__ import main

if __name__ == "__main__":
    try:
        main(["run", *sys.argv[1:]])
    except ModuleNotFoundError as error:
        if error.name is None or error.name.split(".")[0] in {"livexpr", "kernels"}:
            raise
        sys.exit(f"run_cam.py: the package {error.name!r} is missing: see README.md, Install")
