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
    """Draw a step if it differs visibly from the previous; ``draw`` takes a text and a part from 0 to 1."""

    def __init__(self, draw: ProgressCall) -> None:
        self._draw = draw
        self._last = ("", -1.0)

    def __call__(self, text: str, part: float) -> None:
        """Draw a step, unless text and part are nearly those of the previous step."""
        before, reached = self._last
        if text != before or part - reached >= _STEP:
            self._last = (text, part)
            self._draw(text, part)


def watched(first: str, call: Callable[[ProgressCall], T], look: Callable[[T], Shown[T]]) -> Shown[T]:
    """Call something slow, show its progress, then its result.

    Parameters
    ----------
    first
        The text of the first step.
    call
        Takes a progress callback, and returns the result.
    look
        Makes the displayed result.

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
