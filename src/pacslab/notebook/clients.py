"""Programs that a notebook runs beside Python: DCMTK's clients, nmap, and readers of captures.

A program gets its address from the lab, and only options that name no other: whatever a student writes, it cannot
leave the lab.
"""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass

from pacslab.errors import PacslabError, UnsafeAddressError
from pacslab.pacs import require_lab_address

_TIMEOUT = 60  # seconds
_LONGEST = 20_000  # characters that are shown


@dataclass(frozen=True)
class ClientTool:
    """The options that a program may be run with.

    ``flags`` stand alone, ``valued`` take the next word as their value; ``peer`` is the form of its address (empty
    where it needs none), ``package`` is the Debian package of the program.
    """

    package: str
    flags: frozenset[str]
    valued: frozenset[str]
    peer: tuple[str, ...] = ()
    needed: frozenset[str] = frozenset()


_PEER = ("{host}", "{port}")
_SPOKEN = frozenset({"-v", "-d", "-q"})
_TITLES = frozenset({"-aet", "-aec", "-to", "-ta", "-td"})
_CAPTURE = frozenset({"-r"})
_SEARCH = frozenset({"-S", "-P", "-W"})

PROGRAMS = {
    "echoscu": ClientTool("dcmtk", _SPOKEN, _TITLES, _PEER),
    "findscu": ClientTool("dcmtk", _SPOKEN | _SEARCH, _TITLES | {"-k"}, _PEER),
    "getscu": ClientTool("dcmtk", _SPOKEN | _SEARCH, _TITLES | {"-k", "-od"}, _PEER),
    "movescu": ClientTool("dcmtk", _SPOKEN | _SEARCH, _TITLES | {"-k", "-aem"}, _PEER),
    "nmap": ClientTool(
        "nmap",
        frozenset({"-sT", "-sV", "-Pn", "-n", "-v", "--script=dicom-ping", "--script=+dicom-ping"}),
        frozenset(),
        ("-p", "{port}", "{host}"),
    ),
    "tcpdump": ClientTool(
        "tcpdump", frozenset({"-A", "-X", "-n", "-q", "-v"}), frozenset({"-c", "-r"}), needed=_CAPTURE
    ),
    "tshark": ClientTool("tshark", frozenset({"-n", "-V"}), frozenset({"-c", "-r", "-Y", "-T", "-e"}), needed=_CAPTURE),
}


def command_line(program: str, options: tuple[str, ...], host: str, port: int) -> list[str]:
    """Return the words of a command, with the address in its place.

    Parameters
    ----------
    program
        One of :data:`PROGRAMS`.
    options
        Its options, each word by itself.
    host, port
        The server's address.

    Raises
    ------
    PacslabError
        If this is no program that notebooks run, or it does not take such an option here.
    UnsafeAddressError
        If the host is not in a lab network.

    Examples
    --------
    >>> command_line("echoscu", ("-aet", "ROGUE"), "127.0.0.1", 4242)
    ['echoscu', '-aet', 'ROGUE', '127.0.0.1', '4242']

    """
    known = PROGRAMS.get(program)
    if known is None:
        raise PacslabError(f"a notebook does not run {program!r}", f"It runs {', '.join(PROGRAMS)}.")
    words = list(map(str, options))
    waiting = False
    for word in words:
        if waiting:
            waiting = False
        elif word in known.valued:
            waiting = True
        elif word not in known.flags:
            if not word.startswith("-"):
                raise UnsafeAddressError(
                    f"{word!r} stands where {program} expects an address, and nothing was sent to it",
                    "The lab itself adds the address of the archive; another one is only possible as host=..., and "
                    "only in the lab.",
                )
            raise PacslabError(
                f"{program} does not take {word!r} here", f"It takes {', '.join(sorted(known.flags | known.valued))}."
            )
    missing = known.needed.difference(words)
    if missing or waiting:
        raise PacslabError(
            f"{program} is given an incomplete command",
            f"Give a value to {words[-1] if waiting else next(iter(missing))}.",
        )
    if known.peer:
        require_lab_address(host)
    return [program, *words, *(word.format(host=host, port=port) for word in known.peer)]


def run_client(program: str, options: tuple[str, ...], host: str, port: int) -> str:
    """Run a program against a server of the lab and return the command and its output.

    Where it is not installed, return a line that says so.

    Raises
    ------
    PacslabError
        If it may not be run so, or does not end within a minute.
    UnsafeAddressError
        If the host is not in a lab network.

    """
    words = command_line(program, options, host, port)
    if shutil.which(program) is None:
        package = PROGRAMS[program].package
        return (
            f"{program} is not installed on this computer; read on, the text says what it shows. "
            f"(On Debian and Ubuntu it comes with the package {package}.)"
        )
    try:
        done = subprocess.run(  # noqa: S603 - a program of the list, options of the list, an address of the lab
            words, capture_output=True, timeout=_TIMEOUT, check=False
        )
    except subprocess.TimeoutExpired:
        raise PacslabError(f"{program} did not end within {_TIMEOUT} seconds", "See `lab.status()`.") from None
    output = (done.stdout + done.stderr).decode("utf-8", "replace").strip()
    shown = " ".join(f'"{word}"' if " " in word or "*" in word else word for word in words)
    return f"$ {shown}\n{output[:_LONGEST]}"
