"""What libraries write to the terminal by themselves: discarded for a while, and no longer."""

from __future__ import annotations

import contextlib
import os
import sys

from livexpr.quiet_stderr import quiet_native_stderr


def test_only_native_code_is_silenced_and_only_meanwhile(capfd):
    with quiet_native_stderr():
        os.write(2, b"a library\n")
        sys.stderr.write("Python\n")
    os.write(2, b"afterwards\n")
    assert "a library" not in (said := capfd.readouterr().err)
    assert "Python" in said
    assert "afterwards" in said


def test_of_two_that_overlap_the_last_one_ends_it(capfd):
    with contextlib.ExitStack() as first, contextlib.ExitStack() as second:
        first.enter_context(quiet_native_stderr())
        second.enter_context(quiet_native_stderr())
        first.close()
        os.write(2, b"still quiet\n")
    os.write(2, b"heard\n")
    assert capfd.readouterr().err == "heard\n"
