"""Whether the kernels are still awaited, so that NumPy stands in for them."""

from __future__ import annotations

import contextlib
import functools
import importlib
import threading
from collections.abc import Callable, Iterator
from typing import ParamSpec, TypeVar

_Arguments = ParamSpec("_Arguments")
_Result = TypeVar("_Result")


class Awaited:
    """False; true from :meth:`begin` to :meth:`end`, but not where they are being loaded.

    Numba compiles a kernel when it is first called, for seconds. Whoever cannot wait for that asks
    here before each call, and has the same computed in NumPy meanwhile.
    """

    def __init__(self) -> None:
        self._begun = False
        self._loading: int | None = None

    def __bool__(self) -> bool:
        return self._begun and threading.get_ident() != self._loading

    def begin(self) -> None:
        """From now on nobody is to wait for a kernel."""
        self._begun = True

    def end(self) -> None:
        """All kernels are there, or whoever calls one is to wait for it."""
        self._begun = False

    @contextlib.contextmanager
    def loading(self) -> Iterator[None]:
        """Let the calling thread, and no other one, call the kernels meanwhile."""
        self._loading = threading.get_ident()
        try:
            yield
        finally:
            self._loading = None


AWAITED = Awaited()
"""Those of :mod:`kernels.apply`: first of all, for what stands in takes most of a frame's time."""

OTHERS_AWAITED = Awaited()
"""All other ones."""


def awaited_in(
    module: str,
) -> Callable[[Callable[_Arguments, _Result]], Callable[_Arguments, _Result]]:
    """Have calls go to the function of the same name in a module while OTHERS_AWAITED is true.

    That module is loaded with the first of these calls, so it may import the one it stands in for.
    """

    def decorate(compiled: Callable[_Arguments, _Result]) -> Callable[_Arguments, _Result]:
        @functools.wraps(compiled)
        def either(*arguments: _Arguments.args, **named: _Arguments.kwargs) -> _Result:
            if not OTHERS_AWAITED:
                return compiled(*arguments, **named)
            twin = getattr(importlib.import_module(module), compiled.__name__)
            result: _Result = twin(*arguments, **named)
            return result

        return either

    return decorate
