"""Write LLVM's instructions for several numbers at a time, which LLVM does not find by itself.

What is written so has a twin in NumPy: for ``NUMBA_DISABLE_JIT=1``, and as the explanation.
"""

from __future__ import annotations

import inspect
import platform
from collections.abc import Callable
from typing import Any

import llvmlite.binding  # type: ignore[import-untyped]
import numba
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

F32, I8, I16, I32, I64 = ir.FloatType(), *(ir.IntType(n) for n in (8, 16, 32, 64))
# A product and a sum may be rounded once instead of twice.
_FUSED = ("contract", "nsz")
X86 = platform.machine().lower() in {"x86_64", "amd64"}


def _has(feature: str) -> bool:
    """Tell whether what is compiled may have instructions of that name."""
    # Numba compiles for the processor that it finds, unless it is told another one.
    if numba.config.CPU_NAME:  # type: ignore[attr-defined]
        return f"+{feature}" in (numba.config.CPU_FEATURES or "").split(",")  # type: ignore[attr-defined]
    return bool(llvmlite.binding.get_host_cpu_features().get(feature))


AVX2 = X86 and _has("avx2")
# Stores of some lanes only, at no cost.
MASKS = X86 and _has("avx512vl")


def vector(kind: ir.Type, count: int) -> ir.VectorType:
    """Return the type of so many numbers side by side."""
    return ir.VectorType(kind, count)


class Lanes:
    """Numbers side by side in one register, while LLVM's instructions are written."""

    def __init__(self, builder: ir.IRBuilder, value: ir.Value) -> None:
        self.builder, self.value = builder, value

    def _of(self, other: Lanes | float) -> ir.Value:
        if isinstance(other, Lanes):
            return other.value
        return ir.Constant(self.value.type, [ir.Constant(F32, other)] * self.value.type.count)

    def __add__(self, other: Lanes | float) -> Lanes:
        return Lanes(self.builder, self.builder.fadd(self.value, self._of(other), flags=_FUSED))

    def __sub__(self, other: Lanes | float) -> Lanes:
        return Lanes(self.builder, self.builder.fsub(self.value, self._of(other), flags=_FUSED))

    def __mul__(self, other: Lanes | float) -> Lanes:
        return Lanes(self.builder, self.builder.fmul(self.value, self._of(other), flags=_FUSED))

    def smaller(self, other: Lanes | float) -> Lanes:
        """Return the smaller of both; `other` where this is not a number."""
        b, than = self.builder, self._of(other)
        return Lanes(b, b.select(b.fcmp_ordered("<", self.value, than), self.value, than))

    def larger(self, other: Lanes | float) -> Lanes:
        """Return the larger of both; `other` where this is not a number."""
        b, than = self.builder, self._of(other)
        return Lanes(b, b.select(b.fcmp_ordered(">", self.value, than), self.value, than))

    def is_(self, order: str, other: Lanes | float) -> ir.Value:
        """Compare lane by lane; false where this or `other` is not a number."""
        return self.builder.fcmp_ordered(order, self.value, self._of(other))

    def pick(self, *lanes: int | None, other: Lanes | None = None) -> Lanes:
        """Return these lanes, counted on through `other`; without it, any number for None."""
        b, count = self.builder, self.value.type.count
        mask = [ir.Constant(I32, count if lane is None else lane) for lane in lanes]
        more = ir.Constant(self.value.type, ir.Undefined) if other is None else other.value
        mask = ir.Constant(vector(I32, len(lanes)), mask)
        return Lanes(b, b.shuffle_vector(self.value, more, mask))

    def truncated(self) -> ir.Value:
        """Return the whole parts as 32-bit integers."""
        return self.builder.fptosi(self.value, vector(I32, self.value.type.count))


def integer(number: int) -> ir.Constant:
    """Return an index, or a count."""
    return ir.Constant(I64, number)


def integers(number: int, count: int) -> ir.Constant:
    """Return a whole number `count` times."""
    return ir.Constant(vector(I32, count), [number] * count)


def lerp(a: Lanes, b: Lanes, weight: Lanes) -> Lanes:
    """Return `a` where `weight` is 0, `b` where it is 1."""
    return a + (b - a) * weight


def floats(b: ir.IRBuilder, integers: ir.Value) -> Lanes:
    """Return signed whole numbers as floats."""
    return Lanes(b, b.sitofp(integers, vector(F32, integers.type.count)))


def splat(b: ir.IRBuilder, number: ir.Value, count: int) -> Lanes:
    """Return a number `count` times."""
    one = ir.Constant(vector(number.type, count), ir.Undefined)
    return Lanes(b, b.insert_element(one, number, ir.Constant(I32, 0))).pick(*[0] * count)


def pointer_to(b: ir.IRBuilder, pointer: ir.Value, at: ir.Value, kind: ir.Type) -> ir.Value:
    """Return a pointer to what is `at` elements further, taken for another type."""
    return b.bitcast(b.gep(pointer, [at]), kind.as_pointer())


def load(b: ir.IRBuilder, pointer: ir.Value, at: ir.Value, kind: ir.Type, count: int) -> ir.Value:
    """Return `count` numbers from element `at` on, wherever these begin."""
    align = max(kind.width // 8, 1) if isinstance(kind, ir.IntType) else 4
    return b.load(pointer_to(b, pointer, at, vector(kind, count)), align=align)


def called(b: ir.IRBuilder, name: str, result: ir.Type, *arguments: ir.Value) -> ir.Value:
    """Return what one of LLVM's own functions returns."""
    signature = ir.FunctionType(result, [argument.type for argument in arguments])
    return b.call(b.module.declare_intrinsic(name, (), signature), arguments)


def written(
    write: Callable[..., Any], result: Any = types.void
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Compile calls of the decorated function to what `write` writes: builder, then arguments.

    Arrays are handed to `write` as pointers to their first elements. It returns a value of the
    type `result`.
    """

    def generate(context: Any, b: Any, signature: Any, values: Any) -> Any:
        plain = [
            context.make_array(kind)(context, b, value).data
            if isinstance(kind, types.Array)
            else value
            for kind, value in zip(signature.args, values, strict=True)
        ]
        value = write(b, *plain)
        return context.get_dummy_value() if value is None else value

    def typed(typing_context, *kinds):  # type: ignore[no-untyped-def]
        if any(isinstance(kind, types.Array) and kind.layout != "C" for kind in kinds):
            raise TypeError("only C-contiguous arrays are taken")
        return result(*kinds), generate

    def decorate(twin: Callable[..., Any]) -> Callable[..., Any]:
        if numba.config.DISABLE_JIT:  # type: ignore[attr-defined]
            return twin
        # Numba asks for the names of the arguments.
        names = inspect.signature(twin)
        context = inspect.Parameter("context", inspect.Parameter.POSITIONAL_OR_KEYWORD)
        named = names.replace(parameters=[context, *names.parameters.values()])
        typed.__signature__ = named  # type: ignore[attr-defined]
        compiled: Callable[..., Any] = intrinsic(typed)
        return compiled

    return decorate
