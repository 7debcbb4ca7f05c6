"""PACS Lab: a teaching lab about exposed medical-imaging servers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pacslab.version import __version__

if TYPE_CHECKING:
    from pacslab.notebook import Lab


__all__ = ["Lab", "__version__"]


def __getattr__(name: str) -> Any:
    """Import ``Lab`` only when it is asked for, so that the command line starts at once."""
    if name == "Lab":
        from pacslab.notebook import Lab  # noqa: PLC0415

        return Lab
    raise AttributeError(f"module 'pacslab' has no attribute {name!r}")
