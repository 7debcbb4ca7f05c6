"""The practice question of the first lab: checked like every other, but worth no points."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pacslab.grading import same_answer
from pacslab.session_models import CheckResult

if TYPE_CHECKING:
    from pacslab.session import Session

_TITLE = "Practice: how many machines run"
_EXPLANATION = (
    "Four real servers, each with an address of its own: the archive, the scanner CT01, the workstation WS01 and "
    "ROGUE, a machine that the hospital has never heard of. Whatever you do in these labs happens between them."
)


def practised(answer: Any, session: Session) -> CheckResult:
    """Return the result of the practice question; nothing is recorded."""
    machines = sum(server.running for server in session.status().servers)
    passed: bool | None = None
    message = "No answer was given yet: put a number in place of the three dots, and run the cell again."
    if answer is not None and answer is not Ellipsis:
        passed = same_answer(answer, str(machines), "number")
        message = "Right." if passed else f"{str(answer)[:40]!r} is not what the table shows. Count its rows."
    return CheckResult(
        objective="practice",
        title=_TITLE,
        passed=passed,
        points=0,
        out_of=0,
        message=message,
        explanation=_EXPLANATION if passed else "",
    )
