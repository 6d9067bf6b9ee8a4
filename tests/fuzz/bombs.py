"""Files that would fill the memory, wait for ever, or reach for other files, if they were let."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import cv2
import numpy as np

from tests.fuzz import seeds

HUGE = 30_000


def chunk(name: bytes, content: bytes) -> bytes:
    """One chunk of a PNG."""
    checked = name + content
    return struct.pack(">I", len(content)) + checked + struct.pack(">I", zlib.crc32(checked))


def png(width: int, height: int, *more: bytes) -> bytes:
    """A PNG that claims a size, with pixels for a row."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    row = zlib.compress(bytes(3 * width + 1))
    parts = (chunk(b"IHDR", header), *more, chunk(b"IDAT", row), chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def tiff(width: int, height: int, tile: int = 0) -> bytes:
    """A TIFF of one black byte that claims a size, and perhaps tiles of one."""
    tags = {256: width, 257: height, 258: 8, 259: 1, 262: 1, 273: 8, 277: 1, 278: height, 279: 1}
    if tile:
        del tags[273], tags[278], tags[279]
        tags |= {322: tile, 323: tile, 324: 8, 325: 1}
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, tags[tag]) for tag in sorted(tags))
    directory = struct.pack("<H", len(tags)) + entries + bytes(4)
    return b"II*\0" + struct.pack("<I", 12) + bytes(4) + directory


def pictures() -> dict[str, bytes]:
    """Pictures of few bytes that claim many pixels, by their names."""
    _, jpg = cv2.imencode(".jpg", seeds.drawing())
    frame = jpg.tobytes().index(b"\xff\xc0")
    large_jpg = bytearray(jpg.tobytes())
    large_jpg[frame + 5 : frame + 9] = struct.pack(">HH", HUGE, HUGE)
    # The same size said before, in a comment where a frame header only seems to be.
    decoy = b"\xff\xfe\x00\x0b\xff\xc0\x00\x08\x08\x00\x10\x00\x10"
    bmp = struct.pack("<2sIHHIIiiHHIIiiII", b"BM", 100, 0, 0, 54, 40, HUGE, -HUGE, 1, 24, *[0] * 6)
    _, jp2 = cv2.imencode(".jp2", seeds.drawing(128, 128))
    size_at = jp2.tobytes().index(b"\xff\x4f\xff\x51") + 8
    large_jp2 = bytearray(jp2.tobytes())
    large_jp2[size_at : size_at + 8] = struct.pack(">II", HUGE, HUGE)
    canvas = (HUGE - 1).to_bytes(3, "little") * 2
    webp = b"RIFF\x30\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0" + canvas + bytes(20)
    lossless = b"RIFF\x30\0\0\0WEBPVP8L\x20\0\0\0\x2f\xff\xff\xff\xff" + bytes(40)
    return {
        "claims.png": png(HUGE, HUGE),
        "claims.jpg": bytes(large_jpg),
        "decoy.jpg": bytes(large_jpg[:2]) + decoy + bytes(large_jpg[2:]),
        "claims.bmp": bmp,
        "claims.tif": tiff(HUGE, HUGE),
        "tiles.tif": tiff(64, 64, HUGE // 16 * 16),
        "claims.webp": webp,
        "lossless.webp": lossless,
        "claims.jp2": bytes(large_jp2),
        "claims.ppm": f"P6 {HUGE} {HUGE} 255\n".encode() + bytes(100),
        "comments.pgm": f"P5 # {HUGE}\n{HUGE} #\n\n{HUGE} 255\n".encode() + bytes(100),
        "exif.jpg": bytes(large_jpg[:2])
        + b"\xff\xe1\xff\xff"
        + bytes(65533)
        + bytes(large_jpg[2:]),
    }


def metadata_bombs() -> dict[str, bytes]:
    """Pictures of a modest size whose other parts swell up; they may be read or refused."""
    swollen = zlib.compress(bytes(2**28), 9)
    profile = chunk(b"iCCP", b"profile\0\0" + swollen)
    text = chunk(b"zTXt", b"Comment\0\0" + swollen)
    longest = struct.pack(">I", 2**32 - 1) + b"IDAT"
    frames = chunk(b"acTL", struct.pack(">II", 2**31 - 1, 0))
    return {
        "profile.png": png(64, 64, profile),
        "text.png": png(64, 64, *[text] * 20),
        "frames.png": png(64, 64, frames),
        "far.tif": b"II+\0\x08\0\0\0" + b"\xff" * 40,
        "chunk.png": png(64, 64, longest),
        "unknown.png": png(64, 64, longest.replace(b"IDAT", b"abCd")),
    }


def films() -> dict[str, bytes]:
    """Films that claim a hundred thousand pixels a side, and lists of other places."""
    found = {}
    names = [f"claims{suffix}" for suffix in seeds.FILM_KINDS]
    for name, content in zip(names, seeds.film_files(), strict=False):
        found[name] = with_size(content)
    playlist = "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n{}\n#EXT-X-ENDLIST\n"
    session = "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=x\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
    return found | {
        "network.m3u8": playlist.format("http://127.0.0.1:9/a.ts").encode(),
        "other.m3u8": playlist.format("file:other.ts").encode(),
        "session.sdp": f"{session}m=video 5004 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n".encode(),
        "list.mp4": b"ffconcat version 1.0\nfile other.mp4\n",
        "noise.mpg": np.random.default_rng(1).bytes(4096),
    }


def with_size(content: bytes) -> bytes:
    """Replace the size of a 64x48 film wherever it seems to be written, in any order of bytes."""
    for layout in (">HH", "<HH", ">II", "<II"):
        most = min(100_000, 2 ** (8 * struct.calcsize(layout[:2])) - 1)
        content = content.replace(struct.pack(layout, 64, 48), struct.pack(layout, most, most))
    # A picture of JPEG within, height first.
    content = content.replace(b"\x08\x00\x30\x00\x40", b"\x08\xff\xff\xff\xff")
    # Width and height of Matroska, one byte each.
    content = content.replace(b"\xb0\x81\x40", b"\xb0\x81\xff").replace(
        b"\xba\x81\x30", b"\xba\x81\xff"
    )
    # The sequence header of MPEG-1 and 2: twelve bits each.
    return content.replace(b"\0\0\1\xb3\x04\x00\x30", b"\0\0\1\xb3\xff\xff\xff")


def write_all(folder: Path) -> list[Path]:
    """Write every bomb into a folder."""
    contents = {**pictures(), **metadata_bombs(), **films()}
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    return [folder / name for name in contents]
