"""The student's ``orthanc.json``: read it as Orthanc does, refuse what the lab must not run, complete it for a start.

Orthanc's files are JSON with C and C++ comments (JsonCpp). Everything a student may change is passed on untouched;
the lab adds where the data lies, and refuses the options that would move a server off its address.
"""

from __future__ import annotations

import json
from importlib import resources
from typing import TYPE_CHECKING, Any

from pacslab.errors import ConfigurationError
from pacslab.scenario import did_you_mean, read_utf8

if TYPE_CHECKING:
    from pathlib import Path

HTTP_PORT = 8042
DICOM_PORT = 4242
PLUGIN_SECTIONS = (
    "DicomWeb",
    "Gdcm",
    "Worklists",
    "WebViewer",
    "ServeFolders",
    "Authorization",
    "OrthancExplorer2",
    "Housekeeper",
)
FILE_OPTIONS = ("DicomTlsCertificate", "DicomTlsPrivateKey", "DicomTlsTrustedCertificates")
"""Options of ``orthanc.json`` that name a file of the work folder."""

_LAB_OWNED = {
    "StorageDirectory": "the lab decides where the archive's data lies",
    "IndexDirectory": "the lab decides where the archive's data lies",
    "TemporaryDirectory": "the lab decides where temporary files lie",
    "Plugins": "the lab loads the plugins that the sections of the file need",
    "HttpBindAddresses": "the lab binds every server to its own address and to nothing else",
    "Pkcs11": "this lab has no hardware tokens",
}
_FIXED_PORTS = {"HttpPort": HTTP_PORT, "DicomPort": DICOM_PORT}


def known_options() -> list[str]:
    """Return every top-level option that Orthanc 1.10.1 to 1.13.0 knows, and the plugins' sections."""
    text = resources.files("pacslab.pacs.config").joinpath("orthanc_options.txt").read_text(encoding="utf-8")
    return [line for line in text.split() if line] + list(PLUGIN_SECTIONS)


def without_comments(text: str) -> str:
    """Return the text with C and C++ comments replaced by spaces, so that line and column stay the same.

    >>> without_comments('{"Name": "a // b"} // the name')
    '{"Name": "a // b"}            '
    """
    out: list[str] = []
    index, inside_string = 0, False
    while index < len(text):
        char = text[index]
        pair = text[index : index + 2]
        if inside_string:
            step = 2 if char == "\\" else 1
            out.append(text[index : index + step])
            inside_string = char != '"'
            index += step
        elif pair in {"//", "/*"}:
            end = text.find("\n" if pair == "//" else "*/", index)
            end = len(text) if end < 0 else end + (0 if pair == "//" else 2)
            out.append("".join(char if char == "\n" else " " for char in text[index:end]))
            index = end
        else:
            inside_string = char == '"'
            out.append(char)
            index += 1
    return "".join(out)


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for key, value in pairs:
        if key in result:
            raise KeyError(key)
        result[key] = value
    return result


def parse_configuration(text: str, name: str) -> dict[str, Any]:
    """Return the options of an Orthanc configuration file (Orthanc Book, "Configuration of Orthanc").

    Parameters
    ----------
    text
        The file's content: JSON, C and C++ comments allowed.
    name
        How to call the file in an error.

    Raises
    ------
    ConfigurationError
        If it is not JSON (with line and column), not an object, or gives a key twice.

    Examples
    --------
    >>> parse_configuration('{ "DicomAet": "ARCHIVE", /* a port */ "DicomPort": 4242 }', "orthanc.json")
    {'DicomAet': 'ARCHIVE', 'DicomPort': 4242}
    >>> parse_configuration('{ "DicomAet": "A", "DicomAet": "B" }', "orthanc.json")
    Traceback (most recent call last):
    ...
    pacslab.errors.ConfigurationError: orthanc.json gives the option 'DicomAet' twice. ...

    """
    try:
        content = json.loads(without_comments(text), object_pairs_hook=_without_duplicates)
    except json.JSONDecodeError as reason:
        lines = text.splitlines()
        shown = (
            (f"line {reason.lineno}: {lines[reason.lineno - 1].strip()[:120]}",) if reason.lineno <= len(lines) else ()
        )
        before = "A comma may be missing or too many just before that place." if "delimiter" in reason.msg else ""
        raise ConfigurationError(
            f"{name} is not JSON at line {reason.lineno}, column {reason.colno}: {reason.msg}",
            f"Correct that place and start again. {before}".strip(),
            shown,
        ) from None
    except KeyError as reason:
        raise ConfigurationError(
            f"{name} gives the option {reason.args[0]!r} twice", "Keep one of the two; Orthanc refuses both."
        ) from None
    except RecursionError:
        raise ConfigurationError(f"{name} is nested too deeply", "Write it as Orthanc's documentation shows.") from None
    if not isinstance(content, dict):
        raise ConfigurationError(f"{name} is not a JSON object", "Begin it with '{' and end it with '}'.")
    return content


def check_configuration(content: dict[str, Any], name: str) -> None:
    """Refuse a configuration that Orthanc does not know, or that the lab must not run.

    Raises
    ------
    ConfigurationError
        For an unknown option (with the nearest known one), an option that the lab owns, another port, or HTTPS
        inside Orthanc, which ends in a crash in Debian's builds.

    """
    known = known_options()
    for option in content:
        if option in _LAB_OWNED:
            raise ConfigurationError(
                f"{name} sets {option!r}, but {_LAB_OWNED[option]}", f"Remove {option!r} from the file."
            )
        if option not in known:
            hint = did_you_mean(option, known)
            raise ConfigurationError(
                f"{name} has the option {option!r}, which Orthanc does not know",
                hint or "Remove it, or look it up in the Orthanc Book.",
            )
    for option, port in _FIXED_PORTS.items():
        if content.get(option, port) != port:
            raise ConfigurationError(
                f"{name} sets {option!r} to {content[option]!r}, but the hospital's devices know port {port}",
                f"Set it back to {port}: a hidden port is found by any scanner, and protects nobody.",
            )
    if content.get("SslEnabled") is True:
        raise ConfigurationError(
            f"{name} switches on 'SslEnabled', and HTTPS inside Orthanc crashes in the builds that Debian ships",
            "Set it to false, and put nginx in front as hospitals do: write an nginx.conf beside orthanc.json.",
        )
    scripts = content.get("LuaScripts", [])
    if not isinstance(scripts, list) or not all(isinstance(path, str) and path.endswith(".lua") for path in scripts):
        raise ConfigurationError(
            f"{name} gives 'LuaScripts' as {json.dumps(scripts)[:80]}", 'Write it as a list: ["rules.lua"].'
        )


def read_configuration(path: Path) -> dict[str, Any]:
    """Return a checked configuration file.

    Raises
    ------
    ConfigurationError
        If the file is missing, unreadable, not JSON, or refused by :func:`check_configuration`.

    """
    try:
        text = read_utf8(path, ConfigurationError)
    except FileNotFoundError:
        raise ConfigurationError(f"{path} does not exist", "Run reset to bring back the shipped file.") from None
    content = parse_configuration(text, path.name)
    check_configuration(content, path.name)
    return content


def complete_configuration(content: dict[str, Any], storage: str, plugins: list[str]) -> dict[str, Any]:
    """Return a configuration ready to start: the student's options, and what the lab decides.

    Parameters
    ----------
    content
        The student's options.
    storage
        The folder of data and index, as the server sees it.
    plugins
        Plugin files or folders, as the server sees them.

    """
    defaults: dict[str, Any] = {"HttpPort": HTTP_PORT, "DicomPort": DICOM_PORT}
    return {**defaults, **content, "StorageDirectory": storage, "IndexDirectory": storage, "Plugins": plugins}
