"""Another machine on this machine's network, in a network namespace of its own."""

import os
import secrets
import shutil
import subprocess
import sys
from contextlib import contextmanager

import pytest

HERE, THERE = "198.18.7.1", "198.18.7.2"
"""This machine's address on the cable between the two, and the neighbour's (RFC 2544: nobody's)."""


class Neighbour:
    """A machine that shares a cable with this one."""

    def __init__(self, space):
        self.space = space

    def command(self, *words):
        """Return a command that runs there."""
        return ["ip", "netns", "exec", self.space, *words]

    def reaches(self, address, port, path):
        """Return whether it gets an HTTP answer from an address when it sends what is for it through this machine."""
        route = ["ip", "-n", self.space, "route", "replace", f"{address}/32", "via", HERE]
        subprocess.run(route, check=True)
        code = (
            "import http.client, sys\n"
            f"ask = http.client.HTTPConnection({address!r}, {port}, timeout=4)\n"
            f"ask.request('GET', {path!r})\n"
            "print(ask.getresponse().status)"
        )
        return (
            subprocess.run(self.command(sys.executable, "-c", code), capture_output=True, check=False).returncode == 0
        )


@contextmanager
def neighbour():
    """Lay a cable to a new neighbour, who is gone afterwards."""
    if os.geteuid() != 0 or shutil.which("ip") is None:
        pytest.fail("this test makes a network namespace: run it as root, with iproute2 installed")
    space = f"pacslab-outside-{secrets.token_hex(3)}"
    out, inside = f"pl-o-{space[-6:]}", f"pl-i-{space[-6:]}"
    try:
        for command in (
            f"ip netns add {space}",
            f"ip link add {out} type veth peer name {inside} netns {space}",
            f"ip address add {HERE}/30 dev {out}",
            f"ip link set {out} up",
            f"ip -n {space} address add {THERE}/30 dev {inside}",
            f"ip -n {space} link set {inside} up",
            f"ip -n {space} link set lo up",
        ):
            subprocess.run(command.split(), check=True)
        yield Neighbour(space)
    finally:
        subprocess.run(["ip", "netns", "delete", space], check=False)
        subprocess.run(["ip", "link", "delete", out], check=False, stderr=subprocess.DEVNULL)
