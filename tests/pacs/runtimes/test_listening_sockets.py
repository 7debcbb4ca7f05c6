"""What a process listens on is read right, whichever way the kernel tells it."""

import os
import socket
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

from pacslab.pacs.runtimes.process import listening_sockets
from pacslab.pacs.runtimes.process.listening_sockets import Listener, listeners

OPENED = [
    ("127.77.0.9", socket.AF_INET),
    ("0.0.0.0", socket.AF_INET),
    ("::1", socket.AF_INET6),
    ("::", socket.AF_INET6),
]


@pytest.fixture
def opened():
    """Open listening and bound sockets of both families, and some that nobody can reach; return the first ones."""
    with ExitStack() as stack:
        found = set()
        for kind, protocol in ((socket.SOCK_STREAM, "tcp"), (socket.SOCK_DGRAM, "udp")):
            for address, family in OPENED:
                person = stack.enter_context(socket.socket(family, kind))
                person.bind((address, 0))
                if kind == socket.SOCK_STREAM:
                    person.listen()
                name = protocol + ("6" if family == socket.AF_INET6 else "")
                found.add(Listener(address, person.getsockname()[1], name))
        idle = stack.enter_context(socket.socket())
        idle.bind(("127.77.0.9", 0))
        own = next(
            socket_address for socket_address in found if socket_address.protocol == "tcp" and socket_address.loopback
        )
        stack.enter_context(socket.create_connection((own.address, own.port)))
        yield found


@pytest.mark.parametrize("way", ["asked", "written"])
def test_sockets_that_listen_are_found_and_no_others(opened, way, monkeypatch):
    if way == "written":
        monkeypatch.setattr(listening_sockets, "kernel_listeners", lambda _protocol: None)
    else:
        assert listening_sockets.kernel_listeners("tcp") is not None, (
            "this kernel does not answer; the other way is the only one here"
        )
    found = listeners(os.getpid())
    assert set(found) >= opened
    # The interpreter that runs the tests may hold others of its own; none of them is the idle one or the connection.
    assert {socket_address for socket_address in found if socket_address.address == "127.77.0.9"} == {
        socket for socket in opened if socket.address == "127.77.0.9"
    }


def test_sockets_are_the_same_by_netlink_and_proc(monkeypatch):
    code = "import socket; s = socket.create_server(('127.77.0.10', 0)); print(s.getsockname()[1], flush=True); input()"
    with subprocess.Popen([sys.executable, "-c", code], stdin=-1, stdout=-1, text=True) as process:
        port = int(process.stdout.readline())
        expected = [Listener("127.77.0.10", port, "tcp")]
        assert listeners(process.pid) == expected
        monkeypatch.setattr(listening_sockets, "kernel_listeners", lambda _protocol: None)
        assert listeners(process.pid) == expected
        process.communicate("\n")
    with pytest.raises(FileNotFoundError):
        listeners(process.pid)


def test_sockets_in_another_network_namespace_are_read():
    """What the kernel answers is about this namespace; a process that went to another one listens all the same."""
    code = (
        "import os, socket; os.unshare(os.CLONE_NEWNET | os.CLONE_NEWUSER) if hasattr(os, 'unshare') else "
        "__import__('ctypes').CDLL(None).unshare(0x50000000); "
        "s = socket.socket(); s.bind(('0.0.0.0', 4242)); s.listen(); print('ready', flush=True); input()"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdin=-1, stdout=-1, text=True) as process:
        process.stdout.readline()
        if Path(f"/proc/{process.pid}/ns/net").readlink() == Path("/proc/self/ns/net").readlink():
            process.communicate("\n")
            pytest.skip("this account may make no network namespace")
        assert listeners(process.pid) == [Listener("0.0.0.0", 4242, "tcp")]
        process.communicate("\n")
