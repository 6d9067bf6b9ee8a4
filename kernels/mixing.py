"""Weigh and repaint pairs of pixels in registers: what is written for each of them in LLVM."""

from __future__ import annotations

from functools import reduce

from llvmlite import ir  # type: ignore[import-untyped]

from kernels.lanes import (
    AVX2,
    I8,
    I16,
    I32,
    I64,
    Lanes,
    called,
    integer,
    integers,
    load,
    pointer_to,
    vector,
)
from kernels.tables import BIASES, COLUMN, COLUMNS, ORDERS, ROW, ROWS, RUN_BYTES
from kernels.tints import UNIT


def _joined(b: ir.IRBuilder, parts: list[ir.Value]) -> Lanes:
    """Return one register after the other, as one."""
    if len(parts) == 1:
        return Lanes(b, parts[0])
    return Lanes(b, parts[0]).pick(*range(2 * parts[0].type.count), other=Lanes(b, parts[1]))


def _rows_mixed(b: ir.IRBuilder, rows: list[Lanes], weights: list[Lanes], half: int) -> Lanes:
    """Weigh four rows of sixteen bytes for each pair; return the first or last eight sums."""
    n = rows[0].value.type.count
    places = [16 * pair + 8 * half + k for pair in range(n // 16) for k in range(8)]
    sums = []
    for i in (0, 2):
        kind = vector(I16, n // 2)
        if AVX2:
            # One instruction multiplies two rows' bytes, side by side, and adds them up.
            two = rows[i].pick(*(row * n + k for k in places for row in (0, 1)), other=rows[i + 1])
            name = "llvm.x86.avx2.pmadd.ub.sw" if n == 32 else "llvm.x86.ssse3.pmadd.ub.sw.128"
            sums.append(called(b, name, kind, two.value, weights[i // 2].value))
        else:
            for row in (0, 1):
                bytes_ = rows[i + row].pick(*places).value
                signed = weights[i // 2].pick(*range(row, n, 2)).value
                sums.append(b.mul(b.zext(bytes_, kind), b.sext(signed, kind)))
    return Lanes(b, reduce(b.add, sums))


def _product(b: ir.IRBuilder, one: ir.Value, other: ir.Value) -> ir.Value:
    """Multiply numbers of 16 bits, and round away the product's last 15."""
    n = one.type.count
    if AVX2:
        name = "llvm.x86.avx2.pmul.hr.sw" if n == 16 else "llvm.x86.ssse3.pmul.hr.sw.128"
        return called(b, name, one.type, one, other)
    wide = vector(I32, n)
    product = b.add(b.mul(b.sext(one, wide), b.sext(other, wide)), integers(2**14, n))
    return b.trunc(b.ashr(product, integers(15, n)), one.type)


def _phases(b: ir.IRBuilder, taps: ir.Value, at: ir.Value) -> list[ir.Value]:
    """Return where the weights of a pair's rows are, and the phases across of both its pixels."""
    packed, parts = pointer_to(b, taps, at, I8), ((2, I16), (0, I8), (1, I8))
    places = (pointer_to(b, packed, integer(byte), kind) for byte, kind in parts)
    return [b.zext(b.load(place, align=1), I64) for place in places]


def fetched_orders(b: ir.IRBuilder, tables: ir.Value, pairs: int) -> list[ir.Value | None]:
    """Fetch ORDERS for registers of so many pairs, where an instruction takes them from one."""
    if not AVX2:
        return [None] * len(ORDERS)
    # From memory: the address of each constant takes an instruction of its own.
    places = (integer(i * RUN_BYTES // 4) for i in range(len(ORDERS)))
    each = (load(b, tables, place, I32, 4 * pairs) for place in places)
    return [b.bitcast(order, vector(I8, 16 * pairs)) for order in each]


def reordered(
    b: ir.IRBuilder, register: ir.Value, orders: list[ir.Value | None], which: int
) -> ir.Value:
    """Put the bytes of each half of a register, or of half a register, into one of ORDERS."""
    bytes_, order = register.type.count * register.type.element.width // 8, orders[which]
    value = b.bitcast(register, vector(I8, bytes_))
    if order is None:
        lanes = (start + lane for start in range(0, bytes_, 16) for lane in ORDERS[which])
        value = Lanes(b, value).pick(*lanes).value
    else:
        name = "llvm.x86.avx2.pshuf.b" if bytes_ == 32 else "llvm.x86.ssse3.pshuf.b.128"
        value = called(b, name, value.type, value, order)
    return b.bitcast(value, register.type)


def painted(
    b: ir.IRBuilder, src: ir.Value, stride: ir.Value, taps: ir.Value, pairs: list[ir.Value],
    plane: ir.Value, tables: ir.Value, orders: list[ir.Value | None], tints: ir.Value,
    tint: ir.Value, below: ir.Value,
) -> ir.Value:  # fmt: skip
    """Weigh four rows of four pixels for each pixel of one or two pairs, and repaint it.

    Returns eight numbers of 16 bits for each pair, UNIT times the three colours of either pixel,
    and two to ignore.
    """
    starts = [b.zext(b.load(b.gep(taps, [at])), I64) for at in pairs]
    phases = [_phases(b, taps, b.add(at, plane)) for at in pairs]
    n = 8 * len(pairs)
    rows = []
    for i in range(4):
        down = b.mul(stride, integer(i))
        rows.append(_joined(b, [load(b, src, b.add(start, down), I8, 16) for start in starts]))
    words = _joined(b, [load(b, tables, b.add(row, integer(ROWS)), I32, ROW) for row, *_ in phases])
    words = Lanes(b, b.bitcast(words.value, vector(I8, 2 * n)))
    row_weights = [
        words.pick(*(start + k % 8 for start in range(half, 2 * n, 16) for k in range(16)))
        for half in (0, 8)
    ]
    low, high = (_rows_mixed(b, rows, row_weights, half) for half in (0, 1))
    columns = ir.Constant(vector(I64, n // 4), ir.Undefined)
    for i, phase in enumerate(phase for _, *across in phases for phase in across):
        at = b.add(b.mul(phase, integer(COLUMN)), integer(COLUMNS))
        four = b.load(pointer_to(b, tables, at, I64), align=4)
        columns = b.insert_element(columns, four, ir.Constant(I32, i))
    weights = b.bitcast(columns, vector(I16, n))
    total = ir.Constant(weights.type, [0] * n)
    for k in range(4):
        # Of either pixel, the three colours of column k; then two numbers that nobody looks at.
        places = [(start, j) for start in range(0, n, 8) for j in range(3 * k, 3 * k + 8)]
        if k < 3:
            seen = low.pick(*(n * (j // 8) + start + j % 8 for start, j in places), other=high)
        else:
            seen = high.pick(*(None if j == 16 else start + j - 8 for start, j in places))
        total = b.add(total, _product(b, seen.value, reordered(b, weights, orders, k)))
    gains = b.add(*(load(b, tints, first, I16, n) for first in (tint, below)))
    biases = reordered(b, gains, orders, BIASES)
    return called(b, f"llvm.sadd.sat.v{n}i16", gains.type, _product(b, total, gains), biases)


def as_bytes(b: ir.IRBuilder, two: list[ir.Value]) -> Lanes:
    """Return two registers of painted colours one after the other, as bytes."""
    n = two[0].type.count
    shifted = [b.ashr(one, ir.Constant(one.type, [UNIT.bit_length() - 1] * n)) for one in two]
    if AVX2:
        name = "llvm.x86.avx2.packuswb" if n == 16 else "llvm.x86.sse2.packuswb.128"
        packed = Lanes(b, called(b, name, vector(I8, 2 * n), *shifted))
        # It packs each half by itself.
        starts = (start for half in (0, 8) for start in range(half, 2 * n, 16))
        return packed.pick(*(start + k for start in starts for k in range(8)))
    both = _joined(b, shifted).value
    zero, most = (ir.Constant(both.type, [k] * 2 * n) for k in (0, 255))
    both = b.select(b.icmp_signed(">", both, zero), both, zero)
    both = b.select(b.icmp_signed("<", both, most), both, most)
    return Lanes(b, b.trunc(both, vector(I8, 2 * n)))
