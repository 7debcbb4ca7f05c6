"""Validate the student's files together; the last configuration that ran is kept to go back to."""

from __future__ import annotations

import stat
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pacslab.errors import ConfigurationError
from pacslab.pacs.config.handover import read_handover
from pacslab.pacs.config.lua_rules import check_rules
from pacslab.pacs.config.nginx_conf import check_proxy
from pacslab.pacs.config.orthanc_json import FILE_OPTIONS, read_configuration
from pacslab.pacs.config.ports import NetworkRules, read_network
from pacslab.pacs.config.workfolder import CERTIFICATES_FOLDER, NETWORK_FILE, exercise_files
from pacslab.scenario import read_utf8

if TYPE_CHECKING:
    from pathlib import Path

    from pacslab.pacs.config.workfolder import WorkFolder
    from pacslab.scenario import Scenario

MAX_FILES = 64
MAX_FILE_BYTES = 256_000
_CARRIED = (".pem", ".crt", ".key", ".lua", ".htpasswd")


@dataclass(frozen=True)
class Exercise:
    """The configuration that a work folder asks for.

    ``files`` are the certificates, keys, password files and Lua rules, by their path in the work folder; ``proxy`` is
    the text of ``nginx.conf``, or None where there is no reverse proxy.
    """

    configuration: dict[str, Any]
    files: dict[str, str] = field(default_factory=dict)
    proxy: str | None = None
    network: NetworkRules = field(default_factory=NetworkRules)


def read_exercise(work: WorkFolder, scenario: Scenario) -> Exercise:
    """Return a work folder's configuration, after every check that can be made without starting anything.

    Raises
    ------
    ConfigurationError
        If a file is malformed, asks for what the lab does not run, or names a file that is not there.

    """
    configuration = read_configuration(work.configuration)
    handover = read_handover(work.handover)
    files = _carried(work.path)
    for option in FILE_OPTIONS:
        if configuration.get(option):
            _require(files, configuration[option], f"orthanc.json names in {option!r}")
    for script in configuration.get("LuaScripts", []):
        _require(files, script, "orthanc.json names in 'LuaScripts'")
        check_rules(files[script], script)
    for name in handover.files:
        _require(files, name, "handover.yaml names")
    if work.network.exists() and NETWORK_FILE not in exercise_files(scenario):
        raise ConfigurationError(
            "network.yaml sets a firewall, and in this scenario the stranger is inside the building already",
            "Remove network.yaml, and let the archive itself decide whom it serves.",
        )
    proxy = None
    if work.proxy.exists():
        proxy = _text(work.proxy)
        check_proxy(proxy, files)
    return Exercise(configuration, files, proxy, read_network(work.network))


def _text(path: Path) -> str:
    try:
        return read_utf8(path, ConfigurationError)
    except FileNotFoundError as reason:  # removed just now
        raise ConfigurationError(f"{path} cannot be read ({reason})", "Save it as UTF-8 text.") from None


def _carried(folder: Path) -> dict[str, str]:
    """Return the small text files that go with the configuration. A link is not followed: it may lead anywhere."""
    found: dict[str, str] = {}
    paths = [*folder.glob("*"), *(folder / CERTIFICATES_FOLDER).glob("*")]
    for path in sorted(paths):
        if (
            path.suffix not in _CARRIED
            or path.name.startswith("before-reset.")
            or not stat.S_ISREG(path.lstat().st_mode)
        ):
            continue
        if (folder / CERTIFICATES_FOLDER).is_symlink() and path.parent != folder:
            continue
        if path.stat().st_size > MAX_FILE_BYTES or len(found) >= MAX_FILES:
            raise ConfigurationError(
                f"the work folder holds more than {MAX_FILES} certificates and rules, or {path.name} is very large",
                "Remove what is not needed.",
            )
        found[path.relative_to(folder).as_posix()] = _text(path)
    return found


def _require(files: dict[str, str], name: Any, who: str) -> None:
    if not isinstance(name, str) or name not in files:
        hint = "Run 'pacslab certificates' (or lab.make_certificates())" if str(name).endswith((".pem", ".key")) else ""
        raise ConfigurationError(
            f"{who} the file {name!r}, which is not in the work folder",
            f"{hint or 'Create it'}, and name it from the work folder, for example certs/archive.pem.",
        )
