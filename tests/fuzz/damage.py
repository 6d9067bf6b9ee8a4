"""How valid files become hostile ones, as hypothesis strategies."""

from __future__ import annotations

import json
import struct

from hypothesis import strategies as st

TELLING = tuple(
    sorted({0, 1, 2, 7, 8, 127, 128, 255, 256, 32767, 32768, 65535, 2**31 - 1, 2**31, 2**32 - 1})
)
"""Numbers at the ends of what fields hold."""

_LAYOUTS = ("B", "<H", ">H", "<I", ">I", "<Q", ">Q")
_TYPES = ("F64", "F32", "F16", "BF16", "F8_E4M3", "F8_E5M2", "I64", "I32", "I16", "I8")
_TYPES += ("U64", "U32", "U16", "U8", "BOOL", "C64", "F4", "", "nonsense")


def _overwritten(draw: st.DrawFn, content: bytearray) -> bytearray:
    """A field, most likely of the header, holds a telling number."""
    layout = draw(st.sampled_from(_LAYOUTS))
    size = struct.calcsize(layout)
    last = max(0, len(content) - size)
    at = min(last, draw(st.integers(0, 256) | st.integers(0, last)))
    value = draw(st.sampled_from(TELLING)) % 2 ** (8 * size)
    content[at : at + size] = struct.pack(layout, value)
    return content


def _cut(draw: st.DrawFn, content: bytearray) -> bytearray:
    return content[: draw(st.integers(0, len(content)))]


def _doubled(draw: st.DrawFn, content: bytearray) -> bytearray:
    start, end = sorted(draw(st.tuples(*[st.integers(0, len(content))] * 2)))
    return content[:end] + content[start:]


def _flipped(draw: st.DrawFn, content: bytearray) -> bytearray:
    if content:
        for at in draw(st.lists(st.integers(0, len(content) - 1), max_size=8)):
            content[at] ^= 1 << draw(st.integers(0, 7))
    return content


def _inserted(draw: st.DrawFn, content: bytearray) -> bytearray:
    at = draw(st.integers(0, len(content)))
    return content[:at] + draw(st.binary(max_size=32)) + content[at:]


@st.composite
def damaged(draw: st.DrawFn, seeds: list[bytes]) -> bytes:
    """A valid file with some harm done to its fields, length, order or bits."""
    content = bytearray(draw(st.sampled_from(seeds)))
    kinds = st.sampled_from((_overwritten, _overwritten, _flipped, _cut, _doubled, _inserted))
    for harm in draw(st.lists(kinds, min_size=1, max_size=4)):
        content = harm(draw, content)
    return bytes(content)


@st.composite
def safetensors(draw: st.DrawFn, seeds: list[bytes]) -> bytes:
    """A map whose header lies: of types, shapes, places, names and metadata."""
    content = draw(st.sampled_from(seeds))
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + length])
    sides = st.sampled_from((0, 1, 8, 16, 468, 2**31, 2**32, 2**63 - 1, 2**64, -1)) | st.integers()
    for name in draw(st.lists(st.sampled_from(sorted(header)), max_size=3)):
        entry = header.get(name)
        if entry is None:
            continue
        if name == "__metadata__":
            key = draw(st.sampled_from(sorted(entry) or ["format"]))
            entry[key] = draw(st.text(max_size=20) | st.just("-1e308 1e308") | st.just("[" * 5000))
        else:
            part = draw(st.sampled_from(("dtype", "shape", "data_offsets", "name")))
            if part == "dtype":
                entry[part] = draw(st.sampled_from(_TYPES))
            elif part == "name":
                header[draw(st.text(max_size=5))] = header.pop(name)
            else:
                entry[part] = draw(st.lists(sides, max_size=5))
    encoded = json.dumps(header).encode("utf-8", "surrogatepass")
    claimed = draw(st.just(len(encoded)) | st.sampled_from((0, 2**40, 2**64 - 1)))
    return claimed.to_bytes(8, "little") + encoded + content[8 + length :]


_KEYS = st.sampled_from(
    ("name", "mix", "intensity", "damping", "regions", "feel", "mouth", "happy", "sad", "__proto__")
) | st.text(max_size=8)
_NUMBERS = st.sampled_from(
    ("1", "-1", "2.0", "1e400", "-1e400", "nan", "-inf", "1" * 400, "0x" + "f" * 4000, "0b1", "1_0")
) | st.floats().map(str)
_SCALARS = st.one_of(
    _NUMBERS,
    st.sampled_from(("true", "2020-02-30", "07:00:00", "''", '"""\n[x\n"""', '"\\u0000"')),
    st.text(max_size=8).map(json.dumps),
    st.sampled_from(("\u202e", "\x1b[2J", "\ud7ff", "a" * 500)).map(json.dumps),
)
_VALUES = st.recursive(
    _SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda items: f"[{', '.join(items)}]")
        | st.tuples(_KEYS.map(json.dumps), inner).map(lambda pair: f"{{{pair[0]} = {pair[1]}}}")
    ),
    max_leaves=4,
)
_DEEP = st.tuples(st.sampled_from(("[", "{a=", "a.")), st.integers(50, 4000)).map(
    lambda pair: pair[0] * pair[1]
)


@st.composite
def toml(draw: st.DrawFn) -> bytes:
    """Text that is nearly, or quite, TOML: tables, doubled keys, deep nests, odd letters."""
    lines = []
    for _ in range(draw(st.integers(0, 6))):
        key = draw(_KEYS | _KEYS.map(json.dumps) | st.tuples(_KEYS, _KEYS).map(".".join))
        value = draw(_VALUES | _DEEP)
        lines.append(draw(st.sampled_from((f"{key} = {value}", f"[{key}]", f"[[{key}]]", value))))
    text = draw(st.sampled_from(("\n", "\r\n", "\u2028", "\r"))).join(lines)
    return text.encode("utf-8", "surrogatepass")


_OPTIONS = (
    *("--expression", "-e", "--preset", "-p", "--map", "--intensity", "-i", "--source", "--size"),
    *("--fps", "--on-demand", "--on-lost", "--mirror", "--loop", "--output", "-o", "--preview"),
    *("--no-preview", "--stats", "--max-frames", "--fast", "--compare", "--method", "--align"),
    *("--workers", "--scheduler", "--people", "--part", "--report", "--heads", "--json", "--help"),
    *("--version", "--", "-", "--expres", "--=x", "-x"),
)
_COMMANDS = ("run", "render", "cameras", "presets", "doctor", "fit", "fit-rendered", "evaluate")
_COMMANDS += ("bench", "teach", "config", "install-service", "rn", "")
_ARGUMENTS = (
    *("happy", "happy=0.5", "happy=nan", "hapy", "happy=", "=1", "off", "~nobody/x.toml", "x.toml"),
    *(
        "a" * 300,
        f"{'a' * 5000}.mp4",
        f"{'a' * 5000}.toml",
        f"{'a' * 5000}.safetensors",
        "9" * 5000,
    ),
    *(
        "\u00b2",
        "\u0663",
        "0",
        "-1",
        "1e400",
        "nan",
        "640x480",
        "0x0",
        "640x",
        "640X480",
        "99999x1",
    ),
    *("/dev/zero", "/dev/null", "/dev/stdin", "/", ".", "..", "~", "~nobody", "~nobody/out.mp4"),
    *("camera:", "camera:/dev/zero", "window,null", ",", "film.avi", "http://127.0.0.1:9/x.mp4"),
    *(
        "\udcff.mp4",
        "\x1b[2J",
        "a\nb",
        "${HOME}",
        "$(touch sprung)",
        "`touch sprung`",
        "; id",
        "%s",
    ),
    *("{0}", "[red]", "[/]", "ridge", "mesh", "blur", "demo", "concat:a|b", "pipe:0", "*"),
)


@st.composite
def command_line(draw: st.DrawFn) -> list[str]:
    """Random words and nearly right ones."""
    words = st.one_of(
        st.sampled_from(_OPTIONS),
        st.sampled_from(_ARGUMENTS),
        st.tuples(st.sampled_from(_OPTIONS), st.sampled_from(_ARGUMENTS)).map("=".join),
        st.text(st.characters(exclude_characters="\0", exclude_categories=()), max_size=6),
    )
    return [draw(st.sampled_from(_COMMANDS)), *draw(st.lists(words, max_size=6))]
