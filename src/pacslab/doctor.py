"""Examine the machine: the runtimes that it can run, the programs that it lacks, and how to get them."""

from __future__ import annotations

import os
import platform
import shutil
import sys
from typing import TYPE_CHECKING

from pacslab.errors import PacslabError
from pacslab.models import Model
from pacslab.pacs import ProcessRuntime, connect_to_engine, find_compiler, find_nginx, find_orthanc, shim_library
from pacslab.paths import cache_root, state_root, workspace

if TYPE_CHECKING:
    from pathlib import Path

_MIN_FREE_BYTES = 500_000_000


class Check(Model):
    """The result of a check. ``needed`` is False where another program can stand in."""

    name: str
    good: bool
    needed: bool
    found: str
    remedy: str = ""


class Report(Model):
    """The results of all checks, and whether a lab can run here."""

    ready: bool
    verdict: str
    checks: tuple[Check, ...]


def _engine() -> Check:
    try:
        version = str(connect_to_engine().version()["Version"])
    except PacslabError as problem:
        return Check(name="Docker engine", good=False, needed=False, found=problem.problem, remedy="Start Docker.")
    return Check(name="Docker engine", good=True, needed=False, found=version)


def _program() -> Check:
    install = "Debian, Ubuntu: apt-get install orthanc orthanc-dicomweb orthanc-gdcm"
    program = find_orthanc()
    if program is None:
        return Check(name="Orthanc program", good=False, needed=False, found="not found", remedy=install)
    try:
        version = ProcessRuntime().version()
    except PacslabError as problem:
        return Check(name="Orthanc program", good=False, needed=False, found=problem.problem, remedy=problem.remedy)
    return Check(name="Orthanc program", good=True, needed=False, found=f"{program}, version {version}")


def _nginx() -> Check:
    name = "nginx program"
    program = find_nginx()
    if program is None:
        remedy = "Needed for scenarios with a reverse proxy. Debian, Ubuntu: apt-get install nginx-light"
        return Check(name=name, good=False, needed=False, found="not found", remedy=remedy)
    return Check(name=name, good=True, needed=False, found=program)


def _shim() -> Check:
    name = "Address shim"
    if not sys.platform.startswith("linux"):
        remedy = "The process runtime needs Linux; use Docker here."
        return Check(name=name, good=False, needed=False, found=platform.system(), remedy=remedy)
    try:
        library = shim_library()
    except PacslabError as problem:
        return Check(name=name, good=False, needed=False, found=problem.problem, remedy=problem.remedy)
    return Check(
        name=name, good=True, needed=False, found=f"{library.name} (compiler: {find_compiler() or 'none needed'})"
    )


def _folder(name: str, path: Path) -> Check:
    existing = next(folder for folder in (path, *path.parents) if folder.exists())
    free = shutil.disk_usage(existing).free
    if not os.access(existing, os.W_OK):
        return Check(name=name, good=False, needed=True, found=f"{path} is not writable", remedy="Make it writable.")
    found = f"{path}, {free / 1e9:.1f} GB free"
    return Check(
        name=name, good=free > _MIN_FREE_BYTES, needed=True, found=found, remedy="Free some space on that disk."
    )


def examine() -> Report:
    """Return what this machine has and lacks; nothing is started, and the bind shim is compiled once."""
    engine, program, shim = _engine(), _program(), _shim()
    folders = [
        _folder("Workspace", workspace()),
        _folder("State", state_root()),
        _folder("Cache", cache_root()),
    ]
    python = Check(name="Python", good=True, needed=True, found=platform.python_version())
    processes = program.good and shim.good
    ready = (engine.good or processes) and all(check.good for check in folders)
    names = [name for name, usable in (("docker", engine.good), ("process", processes)) if usable]
    if ready:
        verdict = f"A lab can run here, in the runtime {' or '.join(names)}."
    else:
        verdict = "A lab cannot run here yet: see the lines marked ✗ or -."
    return Report(ready=ready, verdict=verdict, checks=(python, engine, program, _nginx(), shim, *folders))
