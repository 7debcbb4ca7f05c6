"""Results that display themselves: as HTML in a notebook, as text elsewhere."""

from __future__ import annotations

from typing import Any, Generic, TypeVar

from IPython import get_ipython
from IPython.display import display

T = TypeVar("T")


def notebook_cell() -> int | None:
    """Return the number of the notebook's cell that runs now; None outside a notebook."""
    shell = get_ipython()
    return int(shell.execution_count) if shell is not None and hasattr(shell, "kernel") else None


class Shown(Generic[T]):
    """A result with its HTML and its text. It has every attribute of the result, too.

    Parameters
    ----------
    content
        The result itself.
    html
        The result as HTML, for a notebook.
    text
        The result as text, for a terminal and for a notebook read without HTML.

    """

    def __init__(self, content: T, html: str, text: str) -> None:
        self.content = content
        self._html = html
        self._text = text.rstrip()
        self._shown_by: int | None = None

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self.content, name)

    def __repr__(self) -> str:
        return self._text

    def _repr_html_(self) -> str:
        return self._html

    def bundle(self) -> dict[str, str]:
        """Return HTML and text by their media types."""
        return {"text/html": self._html, "text/plain": self._text}

    def show(self) -> Shown[T]:
        """Show it in the running cell of a notebook, wherever in the cell the call stands; elsewhere do nothing."""
        cell = notebook_cell()
        if cell is not None:
            display(self.bundle(), raw=True)  # type: ignore[no-untyped-call]
            self._shown_by = cell
        return self

    def shown_here(self) -> Shown[T]:
        """Note that the running cell has shown it already."""
        self._shown_by = notebook_cell()
        return self

    def _ipython_display_(self) -> None:
        """Show it where it is a cell's last value, unless that cell has shown it already."""
        cell = notebook_cell()
        if cell is None:
            print(self._text)
        elif cell != self._shown_by:
            display(self.bundle(), raw=True)  # type: ignore[no-untyped-call]
