"""The channels themselves: whose name is whose."""

from __future__ import annotations

import sys

import pytest

from livexpr import pipe_channel, unix_channel


@pytest.mark.skipif(sys.platform == "win32", reason="Unix sockets")
def test_a_filter_that_ends_leaves_the_socket_that_another_has_made_since():
    """As after logging out, when the folder is emptied and a filter in tmux lives on."""
    old = unix_channel.listen(1)
    assert old is not None
    (path,) = unix_channel.folder().iterdir()
    path.unlink()
    new = unix_channel.listen(1)
    assert new is not None
    old.close()
    connected = unix_channel.connect(1, 2.0)
    assert connected is not None
    connected.close()
    new.close()
    assert not path.exists()


def test_each_user_has_pipes_of_their_own(monkeypatch):
    names = ["Ольга", "Ирина", "max m", "max-m", "max", ".."]
    addresses = set()
    for name in names:
        monkeypatch.setenv("USERNAME", name)
        addresses.add(pipe_channel._address(1))
    assert len(addresses) == len(names)
    for address in addresses:
        pipe = address.removeprefix("\\\\.\\pipe\\")
        assert pipe.isascii()
        assert "\\" not in pipe
