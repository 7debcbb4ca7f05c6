"""Show errors in a notebook as a box with problem and remedy, without a traceback.

The cell still counts as failed, so "run all" stops there and a test sees it.
"""

from __future__ import annotations

import re
from typing import Any

import httpx
from IPython import get_ipython
from IPython.display import display

from pacslab.errors import PacslabError
from pacslab.notebook import html_views
from pacslab.notebook.displayed_result import notebook_cell

_STATUS = re.compile(r"HTTP code: (\d+)")
_ASSOCIATION = re.compile(r'(?:connecting|C-[A-Z]+) to AET \\?"[^"]*": ([^"\n]+)')
_REFUSALS = {401: "it wants a user name and a password", 403: "this is not allowed"}


def explain(error: BaseException) -> PacslabError:
    """Return an error for people; an error of a web request becomes a sentence about the server."""
    if isinstance(error, PacslabError):
        return error
    if isinstance(error, httpx.ConnectError):
        return PacslabError(
            "nothing answers at that address", "See what runs with `lab.status()`, and start it with `lab.start()`."
        )
    if isinstance(error, httpx.TimeoutException):
        return PacslabError("the server did not answer in time", "Try again; if it stays so, run `lab.restart()`.")
    return _answered(str(error))


def _answered(text: str) -> PacslabError:
    """Return an error for people from pyorthanc's text of a server's answer."""
    found = _STATUS.search(text)
    status = int(found.group(1)) if found else 0
    if status in _REFUSALS:
        return PacslabError(
            f"the server refused: {_REFUSALS[status]} (HTTP status {status})",
            "If you have hardened it, that is a success. The staff come in with "
            "`lab.archive(username, password)`, as handover.yaml says.",
        )
    refused = _ASSOCIATION.search(text)
    if refused:
        return PacslabError(
            f"the archive did not do this over DICOM ({refused.group(1)})",
            "If you have hardened it, that is a success; `lab.reset()` brings back the archive of the first day.",
        )
    if status:
        return PacslabError(
            f"the server answered with HTTP status {status}",
            "Read the path and the identifier that you asked for once more.",
            tuple(text.splitlines()[:5]),
        )
    return PacslabError(f"the request failed ({text})", "Try again; `lab.status()` shows what runs.")


def _box(_shell: Any, _kind: type[BaseException], error: BaseException, _trace: Any, **_options: Any) -> list[str]:
    problem = explain(error)
    bundle = {"text/html": html_views.trouble(problem), "text/plain": "\n".join([f"✗ {problem}", *problem.details])}
    display(bundle, raw=True)  # type: ignore[no-untyped-call]
    return []


def show_boxes() -> None:
    """Let this notebook show errors for people as boxes; does nothing outside a notebook."""
    shell = get_ipython()
    if notebook_cell() is not None and shell is not None:
        shell.set_custom_exc((PacslabError, httpx.HTTPError), _box)
