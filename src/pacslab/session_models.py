"""A session's results as plain data: status of the servers, objectives, hints and checks."""

from __future__ import annotations

from pacslab.models import Model


class ServerStatus(Model):
    """One server: name, role, addresses, and whether it runs."""

    name: str
    role: str
    url: str
    dicom: str
    running: bool


class Status(Model):
    """A deployment at a glance. ``seconds_left`` is until it ends by itself."""

    scenario: str
    title: str
    student: str
    running: bool
    runtime: str = ""
    orthanc: str = ""
    servers: tuple[ServerStatus, ...] = ()
    seconds_left: int = 0
    work: str
    points: int
    out_of: int


class ObjectiveStatus(Model):
    """One objective as the student sees it."""

    id: str
    stage: str
    title: str
    text: str
    points: int
    earned: bool
    hints_taken: int
    hints_left: int
    needs_answer: bool


class Hint(Model):
    """One hint: its number, of how many, and the text; ``text`` is empty if the objective has no hints.

    Examples
    --------
    >>> hint = Hint(objective="patient-count", number=1, out_of=3, text="Ask /patients.")
    >>> hint.model_dump_json()
    '{"objective":"patient-count","number":1,"out_of":3,"text":"Ask /patients."}'

    """

    objective: str
    number: int
    out_of: int
    text: str


class CheckResult(Model):
    """The result of a check. ``passed`` is None if no answer was given or the lab itself failed."""

    objective: str
    title: str
    passed: bool | None
    points: int
    out_of: int
    message: str
    reasons: tuple[str, ...] = ()
    explanation: str = ""
