"""Put off the loading of modules that a library imports and that are never used here."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Collection, Iterator, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import LazyLoader
from types import ModuleType


class _Deferring(MetaPathFinder):
    """Finds some modules as Python does, to be loaded when they are first used."""

    def __init__(self, names: Collection[str]) -> None:
        self._names = frozenset(names)

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname not in self._names:
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is not None and hasattr(spec.loader, "exec_module"):
            assert spec.loader is not None
            spec.loader = LazyLoader(spec.loader)
        return spec


@contextlib.contextmanager
def deferred(names: Collection[str]) -> Iterator[None]:
    """Have modules loaded at their first use, if they are imported meanwhile; in any thread.

    Nothing changes but the time: whoever looks at anything in such a module has it loaded then,
    by :class:`importlib.util.LazyLoader`. Names that are not imported, or do not exist, are no
    error, and packages above them are loaded as ever.

    Parameters
    ----------
    names : collection of str
        Full names, such as ``"package.module"``.
    """
    finder = _Deferring(names)
    # Another list in its place, since another thread may be going through this one.
    sys.meta_path = [finder, *sys.meta_path]
    try:
        yield
    finally:
        sys.meta_path = [other for other in sys.meta_path if other is not finder]
