"""The exceptions a caller can meet.

::

    LivexprError                  anything livexpr says on purpose; one line, ends with what to do
     ├── CameraError              a source: missing, busy, unplugged, unreadable, empty
     ├── VirtualCameraError       a sink: no virtual camera, busy, unwritable film
     ├── ModelError               the landmark model: missing, altered, failing
     ├── PresetError              an unknown or broken preset, expression or option
     └── FormatError (ValueError) a pixel map or picture of the wrong kind, shape or content

A message says what was expected, what came, where, and what to do, in one line.
A lost face is not an error: see :class:`livexpr.types.NoFace`.
"""


class LivexprError(Exception):
    """Base of all errors that livexpr raises on purpose."""


class CameraError(LivexprError):
    """A source of frames cannot be opened, or stopped delivering."""


class VirtualCameraError(LivexprError):
    """A sink cannot be opened or written to."""


class ModelError(LivexprError):
    """The face landmark model is missing, altered or failing."""


class PresetError(LivexprError):
    """A preset or expression is unknown, unreadable or out of range."""


class FormatError(LivexprError, ValueError):
    """A file or array does not have the form that was expected."""


def one_line(error: BaseException) -> str:
    """Return what went wrong in one line: a bug's with its kind and place, to be reported.

    >>> one_line(CameraError("no picture"))
    'no picture'
    """
    text = " ".join(str(error).split())
    if isinstance(error, (LivexprError, ImportError, OSError)):
        return text
    place, trace = "", error.__traceback__
    while trace is not None:
        code = trace.tb_frame.f_code
        place = f" ({code.co_filename.replace(chr(92), '/').rpartition('/')[2]}:{trace.tb_lineno})"
        trace = trace.tb_next
    return f"{type(error).__name__}: {text}{place}; please report it"
