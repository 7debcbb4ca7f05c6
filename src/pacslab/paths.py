"""Where things lie: the student's workspace, the lab's state and cache, and the files shipped with the package.

Every place can be moved with an environment variable, which is how several students share one account and how the
tests stay out of a developer's home.
"""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs

from pacslab.errors import ScenarioError

_PACKAGE = Path(__file__).resolve().parent


def _place(variable: str, default: str | Path) -> Path:
    return Path(os.environ.get(variable) or default).expanduser().resolve()


def workspace() -> Path:
    """Return the folder that a student sees: ``labs/`` and ``work/`` (``PACSLAB_HOME``, else ``~/pacslab``)."""
    return _place("PACSLAB_HOME", Path.home() / "pacslab")


def state_root() -> Path:
    """Return the folder of running deployments (``PACSLAB_STATE``, else the platform's state folder)."""
    return _place("PACSLAB_STATE", platformdirs.user_state_dir("pacslab"))


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
