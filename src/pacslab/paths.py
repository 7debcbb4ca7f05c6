"""Folders: the student's workspace, the lab's state and cache, and the files shipped with the package.

Environment variables move them, so that several students can share an account, and tests stay out of a developer's
home. A program that runs many labs one after the other names their folders with
:func:`use_folders`.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import platformdirs

from pacslab.errors import ScenarioError

if TYPE_CHECKING:
    from collections.abc import Iterator

_PACKAGE = Path(__file__).resolve().parent


@dataclass(frozen=True)
class LabFolders:
    """The folders of one lab: the student's workspace, and the state of running deployments."""

    workspace: Path
    state: Path


_in_use: list[LabFolders] = []


@contextmanager
def use_folders(folders: LabFolders) -> Iterator[None]:
    """Keep work and state in these folders while entered, in all threads of this process; the environment stays.

    >>> from pathlib import Path
    >>> with use_folders(LabFolders(Path("/tmp/replay/home"), Path("/tmp/replay/state"))):
    ...     state_root().name
    'state'
    """
    _in_use.append(LabFolders(folders.workspace.resolve(), folders.state.resolve()))
    try:
        yield
    finally:
        _in_use.pop()


def _place(variable: str, default: str | Path) -> Path:
    return Path(os.environ.get(variable) or default).expanduser().resolve()


def workspace() -> Path:
    """Return the folder that a student sees: ``labs/`` and ``work/`` (``PACSLAB_HOME``, else ``~/pacslab``)."""
    return _in_use[-1].workspace if _in_use else _place("PACSLAB_HOME", Path.home() / "pacslab")


def state_root() -> Path:
    """Return the folder of running deployments (``PACSLAB_STATE``, else the platform's state folder)."""
    return _in_use[-1].state if _in_use else _place("PACSLAB_STATE", platformdirs.user_state_dir("pacslab"))


def cache_root() -> Path:
    """Return the folder of what can be made again (``PACSLAB_CACHE``, else the platform's cache folder)."""
    return _place("PACSLAB_CACHE", platformdirs.user_cache_dir("pacslab"))


def shipped(kind: str) -> Path:
    """Return a top-level folder such as ``scenarios``: inside the wheel, or in the checkout.

    Raises
    ------
    ScenarioError
        If the installation carries no such folder.

    """
    for root in (_PACKAGE / "_share", _PACKAGE.parents[1]):
        if (root / kind).is_dir():
            return root / kind
    raise ScenarioError(
        f"this installation of pacslab has no folder {kind!r}",
        "Install the wheel again, or work from a complete checkout.",
    )
