"""How large a picture claims to be, from its first bytes: to be known before it is decoded.

A few bytes can claim a picture of gigabytes, which decoders allocate at once. Only kinds whose
claims are understood here are decoded at all.

References
----------
PNG: ISO/IEC 15948, 11.2.2. JPEG: ITU-T T.81, B.2.2. TIFF: revision 6.0, and BigTIFF.
WebP: RFC 9649, 2.5 to 2.7. JPEG 2000: ITU-T T.800, A.5.1. Netpbm: the man pages of pbm, pgm, ppm.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Iterator

Size = tuple[int, int]
"""(width, height) in px."""

_PNG = b"\x89PNG\r\n\x1a\n"
_PNG_CHUNK_FRAME_BYTES = 12
_PNG_MOST_CHUNKS = 2**20
_JPEG_2000 = (b"\x00\x00\x00\x0cjP  \r\n\x87\n", b"\xff\x4f\xff\x51")
_JPEG_2000_SIZE = b"\xff\x4f\xff\x51"
_JPEG_2000_MOST_CHANNELS = 4
# Start-of-frame markers: C0 to CF but for tables (C4), a reserved one (C8), conditioning (CC).
_JPEG_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
# Markers without a length: TEM, restarts, start of image.
_JPEG_BARE = frozenset({0x01, *range(0xD0, 0xD9)})
_JPEG_SCAN, _JPEG_END = 0xDA, 0xD9
# Numbers of a netpbm header have white space and comments between them.
_NETPBM = re.compile(rb"P[1-6](?:\s|#[^\n]*\n)+(\d{1,9})(?:\s|#[^\n]*\n)+(\d{1,9})\s")
_NETPBM_HEADER_BYTES = 4096
_TIFF_WIDTHS, _TIFF_HEIGHTS = (256, 322), (257, 323)
_TIFF_TYPES = {3: "H", 4: "I", 16: "Q"}
_TIFF_MOST_ENTRIES = 4096


def claimed_size(content: bytes) -> Size | None:
    """Return how large a picture claims to be.

    Parameters
    ----------
    content : bytes
        PNG, JPEG, TIFF, WebP, BMP, JPEG 2000 or netpbm.

    Returns
    -------
    tuple of int, or None
        (width, height) in px, of pictures or of the tiles that they come in, whichever is
        larger; None when it is of another kind or cut short before its size.

    Examples
    --------
    >>> claimed_size(b"P5 640 480 255 ")
    (640, 480)
    """
    try:
        for signatures, size in _KINDS:
            if content.startswith(signatures):
                return size(content)
    except (struct.error, IndexError, OverflowError, ValueError):
        return None
    return None


def _png(content: bytes) -> Size | None:
    """Return the size; None, too, where a part claims to be longer than the file."""
    width, height = struct.unpack_from(">II", content, 16)
    if content[12:16] != b"IHDR":
        return None
    at = len(_PNG)
    for _ in range(_PNG_MOST_CHUNKS):
        if at == len(content) or content[at + 4 : at + 8] == b"IEND":
            return width, height
        at += _PNG_CHUNK_FRAME_BYTES + int(struct.unpack_from(">I", content, at)[0])
        if at > len(content):
            return None
    return None


def _jpeg(content: bytes) -> Size | None:
    at = 2
    while True:
        at = content.index(b"\xff", at) + 1
        marker = content[at]
        if marker in (0x00, 0xFF):  # neither a stuffed byte nor filling is a marker
            continue
        at += 1
        if marker in _JPEG_FRAMES:
            height, width = struct.unpack_from(">HH", content, at + 3)
            return width, height
        if marker in (_JPEG_SCAN, _JPEG_END):
            return None
        if marker not in _JPEG_BARE:
            at += int(struct.unpack_from(">H", content, at)[0])


def _bmp(content: bytes) -> Size | None:
    (header_bytes,) = struct.unpack_from("<I", content, 14)
    if header_bytes == 12:
        width, height = struct.unpack_from("<HH", content, 18)
    else:
        width, height = struct.unpack_from("<ii", content, 18)
    return abs(width), abs(height)


def _webp(content: bytes) -> Size | None:
    chunk = content[12:16]
    if content[8:12] != b"WEBP":
        return None
    if chunk == b"VP8X":
        wide, high = (int.from_bytes(content[at : at + 3], "little") for at in (24, 27))
        return wide + 1, high + 1
    if chunk == b"VP8L":
        bits = struct.unpack_from("<I", content, 21)[0]
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if chunk == b"VP8 ":
        width, height = struct.unpack_from("<HH", content, 26)
        return width & 0x3FFF, height & 0x3FFF
    return None


def _tiff(content: bytes) -> Size | None:
    order = "<" if content[:2] == b"II" else ">"
    big = struct.unpack_from(order + "H", content, 2)[0] == 43
    at = struct.unpack_from(order + ("Q" if big else "I"), content, 8 if big else 4)[0]
    n_entries = struct.unpack_from(order + ("Q" if big else "H"), content, at)[0]
    if n_entries > _TIFF_MOST_ENTRIES:
        return None
    first, step, value_at = (at + 8, 20, 12) if big else (at + 2, 12, 8)
    widths, heights = [0], [0]
    for entry in range(first, first + n_entries * step, step):
        tag, kind = struct.unpack_from(order + "HH", content, entry)
        for tags, sides in ((_TIFF_WIDTHS, widths), (_TIFF_HEIGHTS, heights)):
            if tag in tags:
                layout = _TIFF_TYPES.get(kind)
                if layout is None:
                    return None
                sides.append(struct.unpack_from(order + layout, content, entry + value_at)[0])
    return (max(widths), max(heights)) if min(len(widths), len(heights)) > 1 else None


def _jpeg_2000(content: bytes) -> Size | None:
    """Return the largest size that any codestream in the file claims."""
    claims: list[Size] = []
    for at in _places(content, _JPEG_2000_SIZE):
        fields = struct.unpack_from(">HHIIIIIIIIH", content, at + 4)
        right, bottom, left, top = fields[2:6]
        if not 1 <= fields[10] <= _JPEG_2000_MOST_CHANNELS:
            return None
        claims.append((max(0, right - left), max(0, bottom - top)))
    return max(claims, key=lambda size: size[0] * size[1], default=None)


def _places(content: bytes, wanted: bytes) -> Iterator[int]:
    at = content.find(wanted)
    while at >= 0:
        yield at
        at = content.find(wanted, at + 1)


def _netpbm(content: bytes) -> Size | None:
    found = _NETPBM.match(content[:_NETPBM_HEADER_BYTES])
    return None if found is None else (int(found[1]), int(found[2]))


_KINDS: tuple[tuple[tuple[bytes, ...], Callable[[bytes], Size | None]], ...] = (
    ((_PNG,), _png),
    ((b"\xff\xd8\xff",), _jpeg),
    ((b"BM",), _bmp),
    ((b"RIFF",), _webp),
    ((b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+"), _tiff),
    (_JPEG_2000, _jpeg_2000),
    (tuple(b"P%d" % kind for kind in range(1, 7)), _netpbm),
)
