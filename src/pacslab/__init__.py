"""PACS Lab: a teaching lab about exposed medical-imaging servers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pacslab.notebook.lab import Lab

__version__ = "0.1.0"
__all__ = ["Lab", "__version__"]


def __getattr__(name: str) -> Any:
    """Import ``Lab`` only when it is asked for, so that the command line starts at once."""
    if name == "Lab":
        from pacslab.notebook.lab import Lab  # noqa: PLC0415

        return Lab
    raise AttributeError(f"module 'pacslab' has no attribute {name!r}")
