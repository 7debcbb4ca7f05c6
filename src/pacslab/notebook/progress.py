"""Progress of a long call: a bar in the cell's output, which the result replaces; on a terminal, a bar of text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from IPython.display import display

from pacslab.console import progress_shown
from pacslab.notebook import html_views
from pacslab.notebook.displayed_result import notebook_cell

if TYPE_CHECKING:
    from collections.abc import Callable

    from pacslab.notebook.displayed_result import Shown

    ProgressCall = Callable[[str, float], None]

T = TypeVar("T")
_STEP = 0.02


class Bar:
    """Decides which steps are worth showing; ``draw`` is called with a text and a part from 0 to 1."""

    def __init__(self, draw: ProgressCall) -> None:
        self._draw = draw
        self._last = ("", -1.0)

    def __call__(self, text: str, part: float) -> None:
        """Draw a step, unless it looks like the one before."""
        before, reached = self._last
        if text != before or part - reached >= _STEP:
            self._last = (text, part)
            self._draw(text, part)


def watched(first: str, call: Callable[[ProgressCall], T], look: Callable[[T], Shown[T]]) -> Shown[T]:
    """Call something that takes a while and show how far it is, then what came of it.

    Parameters
    ----------
    first
        What is done first, in words.
    call
        Takes a function to be told of progress, and returns the result.
    look
        Turns the result into what is shown.

    """
    if notebook_cell() is None:
        with progress_shown(quiet=False) as progress:
            return look(call(progress))
    place: Any = display(_page(first, 0.0), raw=True, display_id=True)  # type: ignore[no-untyped-call]
    try:
        result = look(call(Bar(lambda text, part: place.update(_page(text, part), raw=True))))
    except BaseException:
        place.update({"text/html": "", "text/plain": ""}, raw=True)
        raise
    place.update(result.bundle(), raw=True)
    return result.shown_here()


def _page(text: str, part: float) -> dict[str, str]:
    return {"text/html": html_views.progress(text, part), "text/plain": f"{text} ... {part:.0%}"}
