"""The executables that the process runtime runs: the paths of Orthanc and nginx, Orthanc's version and plugins."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pacslab.errors import RuntimeUnavailableError
from pacslab.paths import cache_root

if TYPE_CHECKING:
    from collections.abc import Mapping

PLUGIN_FOLDERS = (Path("/usr/share/orthanc/plugins"), Path("/usr/local/share/orthanc/plugins"))
_ORTHANCS = ("/usr/sbin/Orthanc", "/usr/local/sbin/Orthanc", "/opt/orthanc/Orthanc")
_NGINXES = ("/usr/sbin/nginx",)
_PLUGINS = {
    "DicomWeb": "libOrthancDicomWeb.so",
    "Gdcm": "libOrthancGdcm.so",
    "Worklists": "libModalityWorklists.so",
}


def find_orthanc() -> str | None:
    """Return the ``Orthanc`` program (``PACSLAB_ORTHANC``, the path, or where packages put it), or None."""
    return _found("PACSLAB_ORTHANC", "Orthanc", _ORTHANCS)


def find_nginx() -> str | None:
    """Return the ``nginx`` program (``PACSLAB_NGINX``, the path, or where packages put it), or None."""
    return _found("PACSLAB_NGINX", "nginx", _NGINXES)


def _found(variable: str, name: str, places: tuple[str, ...]) -> str | None:
    named = os.environ.get(variable)
    if named:
        return named if os.access(named, os.X_OK) else None
    return shutil.which(name) or next((place for place in places if os.access(place, os.X_OK)), None)


def require_orthanc() -> str:
    """Return the ``Orthanc`` program.

    Raises
    ------
    RuntimeUnavailableError
        If there is none.

    """
    program = find_orthanc()
    if program is None:
        raise RuntimeUnavailableError(
            "there is no Orthanc program on this machine",
            "Install it (Debian, Ubuntu: apt-get install orthanc orthanc-dicomweb orthanc-gdcm), or start Docker.",
        )
    return program


def require_nginx() -> str:
    """Return the ``nginx`` program.

    Raises
    ------
    RuntimeUnavailableError
        If there is none.

    """
    program = find_nginx()
    if program is None:
        raise RuntimeUnavailableError(
            "nginx.conf asks for a reverse proxy, and there is no nginx on this machine",
            "Install it (Debian, Ubuntu: apt-get install nginx-light), use Docker, or remove nginx.conf.",
        )
    return program


def orthanc_version(program: str) -> str:
    """Return the version of an ``Orthanc`` program; asked once a program, and kept in the cache.

    Raises
    ------
    RuntimeUnavailableError
        If it does not tell.

    """
    facts = Path(program).stat()
    mark = hashlib.sha256(f"{program} {facts.st_size} {facts.st_mtime_ns}".encode()).hexdigest()[:24]
    note = cache_root() / "programs" / mark
    with suppress(FileNotFoundError):
        return note.read_text(encoding="ascii")
    result = subprocess.run([program, "--version"], capture_output=True, text=True, check=False, timeout=30)  # noqa: S603
    found = re.search(r"\b(\d+\.\d+\.\d+)", result.stdout + result.stderr)
    if found is None:
        raise RuntimeUnavailableError(
            f"{program} does not tell its version", "Install Orthanc from your system's packages."
        )
    note.parent.mkdir(parents=True, exist_ok=True)
    note.write_text(found.group(1), encoding="ascii")
    return found.group(1)


def plugin_files(configuration: Mapping[str, Any]) -> list[str]:
    """Return the plugin files that a configuration's sections ask for, as far as they are installed."""
    found = []
    for section, file in _PLUGINS.items():
        if section in configuration:
            found += [str(folder / file) for folder in PLUGIN_FOLDERS if (folder / file).exists()][:1]
    return found
