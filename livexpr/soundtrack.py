"""The sound of one film put to the pictures of another."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from livexpr.film_opening import open_container

if TYPE_CHECKING:
    import av
    from av.audio.codeccontext import AudioCodecContext
    from av.audio.stream import AudioStream
    from av.container import InputContainer, OutputContainer
    from av.stream import Stream

# What players read in such a file, and not merely what may be written into it.
_MP4_SOUND = frozenset({"aac", "mp3", "ac3", "eac3", "alac", "flac", "opus"})
_MOV_SOUND = _MP4_SOUND - {"flac", "opus"} | {"pcm_s16le", "pcm_s16be", "pcm_s24le"}
_M4V_SOUND = frozenset({"aac", "ac3", "alac"})
_KEPT = {".mp4": _MP4_SOUND, ".m4v": _M4V_SOUND, ".mov": _MOV_SOUND}

_AAC_RATES = (96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000)
_AAC_BIT_RATE = 192_000
_LAYOUTS = {1: "mono", 6: "5.1", 8: "7.1"}

_EARLIEST_S = Fraction(-1)
"""Sound begins at 0 in the new film, but for what an encoder puts before it."""

_Packets = Iterator[tuple[Fraction, "av.Packet[Stream]"]]


@dataclass(frozen=True, slots=True)
class _Way:
    """How one sound gets into the new film: the stream it becomes, and how a packet is changed."""

    source: AudioStream
    target: Stream
    convert: Callable[[av.Packet[AudioStream]], list[av.Packet[Stream]]]


def has_sound(path: Path) -> bool:
    """Tell whether a film has sound that can be read."""
    with open_container(path) as container:
        return bool(_sounds(container))


def add_sound(pictures: Path, sound: Path, target: Path, zeros_s: Sequence[float] = ()) -> None:
    """Write a film with the pictures of one film and every sound of another.

    Nothing is encoded anew but sound of a kind that players do not read in such a file.

    Parameters
    ----------
    pictures : Path
        A film whose time 0 is that of the first picture of `sound`.
    sound : Path
        A film with pictures and sound.
    target : Path
        File to write; its suffix says of what kind.
    zeros_s : sequence of float
        What the clock of `sound` shows at time 0 of `pictures`, once for each time that it was
        set, in order; empty where its pictures tell no times.

    Raises
    ------
    av.FFmpegError
        If a file cannot be read or written.
    CameraError
        If a film cannot be opened.
    """
    import av

    with (
        open_container(pictures) as seen,
        open_container(sound) as heard,
        # As a file even where its name looks like an address.
        av.open(f"file:{target}", "w") as out,
    ):
        kept = _KEPT.get(target.suffix.lower(), out.supported_codecs)
        picture = out.add_stream_from_template(seen.streams.video[0])
        ways = [_way(stream, out, kept) for stream in _sounds(heard)]
        zeros = [Fraction(zero_s) for zero_s in zeros_s] or [_start(heard.streams.video[0])]
        late_s = zeros[0] - min(zeros[0], *(_start(way.source) for way in ways))
        packets = heapq.merge(
            _copied(seen, cast("Stream", picture), late_s),
            _sound_packets(heard, ways, [zero - late_s for zero in zeros]),
            key=lambda timed: timed[0],
        )
        for _, packet in packets:
            out.mux(packet)


def _sounds(container: InputContainer) -> list[AudioStream]:
    # Without a decoder nothing is known of it, not even whether it may be copied; PyAV then has
    # no context, whatever its types say. One without a rate was announced and never came.
    contexts: list[tuple[AudioStream, AudioCodecContext | None]] = [
        (stream, stream.codec_context) for stream in container.streams.audio
    ]
    return [stream for stream, context in contexts if context is not None and context.sample_rate]


def _start(stream: Stream) -> Fraction:
    if stream.start_time is None or stream.time_base is None:
        return Fraction(0)
    return stream.start_time * stream.time_base


def _way(stream: AudioStream, out: OutputContainer, kept: frozenset[str] | set[str]) -> _Way:
    """Add a sound to the new film: as it is where possible, or else as AAC."""
    context = stream.codec_context
    # Formats are listed by their decoders, whose names may differ: that of DTS is "dca".
    if context.codec.canonical_name in kept or context.codec.name in kept:
        target = cast("Stream", out.add_stream_from_template(stream))
        return _Way(stream, target, lambda packet: [cast("av.Packet[Stream]", packet)])
    rate = max((each for each in _AAC_RATES if each <= context.sample_rate), default=_AAC_RATES[-1])
    encoder = out.add_stream("aac", rate=rate)
    # Named by number: uncompressed sound often does not say which channel is which.
    encoder.codec_context.layout = _LAYOUTS.get(context.layout.nb_channels, "stereo")
    encoder.codec_context.bit_rate = _AAC_BIT_RATE

    def encode(packet: av.Packet[AudioStream]) -> list[av.Packet[Stream]]:
        encoded = [each for frame in _decoded(packet) for each in encoder.encode(frame)]
        if packet.dts is None:  # the end
            encoded += encoder.encode(None)
        return cast("list[av.Packet[Stream]]", encoded)

    return _Way(stream, cast("Stream", encoder), encode)


def _decoded(packet: av.Packet[AudioStream]) -> list[av.AudioFrame]:
    import av

    try:
        return packet.decode()
    except av.InvalidDataError:  # a gap is better than no sound
        return []


def _copied(container: InputContainer, target: Stream, late_s: Fraction) -> _Packets:
    for packet in container.demux(container.streams.video[0]):
        if packet.dts is not None:
            _move(packet, late_s)
            yield _timed(cast("av.Packet[Stream]", packet), target)


def _sound_packets(
    container: InputContainer, ways: list[_Way], zeros_s: list[Fraction]
) -> _Packets:
    by_index = {way.source.index: way for way in ways}
    last_s = dict.fromkeys(by_index, _EARLIEST_S)
    for packet in container.demux([way.source for way in ways]):
        index = packet.stream.index
        if packet.dts is not None:  # else it is the end
            own_s = packet.dts * packet.time_base
            # Which clock it goes by is not told: by the right one it follows what came before.
            dues_s = (own_s - zero_s for zero_s in zeros_s)
            due_s = min((each for each in dues_s if each > last_s[index]), default=None)
            if due_s is None:  # a broken film: a gap is better than no sound
                continue
            last_s[index] = due_s
            _move(packet, due_s - own_s)
        for made in by_index[index].convert(cast("av.Packet[AudioStream]", packet)):
            if made.dts is not None:
                yield _timed(made, by_index[index].target)


def _move(packet: av.Packet[Any], by_s: Fraction) -> None:
    ticks = round(by_s / packet.time_base)
    assert packet.dts is not None
    packet.dts += ticks
    if packet.pts is not None:
        packet.pts += ticks


def _timed(packet: av.Packet[Stream], target: Stream) -> tuple[Fraction, av.Packet[Stream]]:
    """Give a packet to its new stream; return its time, s, and itself."""
    assert packet.dts is not None
    packet.stream = target
    return packet.dts * packet.time_base, packet
