"""Addresses: an endpoint of a connection, and the networks that the lab's own clients may touch."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

from pacslab.errors import UnsafeAddressError

LOOPBACK = ipaddress.ip_network("127.0.0.0/8")
LAB_NETWORKS = ipaddress.ip_network("10.231.0.0/16")


@dataclass(frozen=True)
class Endpoint:
    """A TCP address that this machine can connect to."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


def require_lab_address(host: str) -> str:
    """Return an address of the lab's networks as it is; refuse any other.

    Names are refused as well: a name may lead anywhere.

    Raises
    ------
    UnsafeAddressError
        If it is not in 127.0.0.0/8 (loopback, RFC 1122) or 10.231.0.0/16 (private, RFC 1918).

    Examples
    --------
    >>> require_lab_address("127.63.0.1")
    '127.63.0.1'
    >>> require_lab_address("pacs.example.org")
    Traceback (most recent call last):
    ...
    pacslab.errors.UnsafeAddressError: 'pacs.example.org' is not an address of a lab network on this machine, ...

    """
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        address = None
    if not isinstance(address, ipaddress.IPv4Address) or not (address in LOOPBACK or address in LAB_NETWORKS):
        raise UnsafeAddressError(
            f"{host!r} is not an address of a lab network on this machine, and nothing was sent to it",
            "The lab's tools only touch 127.0.0.0/8 and 10.231.0.0/16; testing other people's servers is a crime "
            "in most countries.",
        )
    return host
