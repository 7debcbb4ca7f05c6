"""A ticket: what a student needs to make their own variant, signed by the course (Ed25519, RFC 8032).

A ticket carries the seed of that one student's variants. Whoever has it can make that student's data, and nobody
else's: seeds are HMAC values of the course's key, which no ticket holds.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
from datetime import datetime  # noqa: TC003  (pydantic reads it)
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from pydantic import Field, ValidationError

from pacslab.errors import TicketError
from pacslab.grading.course.course import now
from pacslab.grading.course.roster import read_roster
from pacslab.models import Model
from pacslab.paths import workspace
from pacslab.scenario import STUDENT_ID, Id, Variant, make_variant

if TYPE_CHECKING:
    from pacslab.grading.course.course import Course
    from pacslab.grading.course.roster import Student

TICKET_FILE = "ticket.pacslab"
LONGEST = 64 << 10
_PREFIX = "pacslab-ticket-1"
_REMEDY = "Ask your instructor for your ticket again, and save the file as it came."


class Ticket(Model):
    """What a ticket says. ``seeds`` holds the student's own variant of each scenario, as 64 hexadecimal digits."""

    schema_version: Literal[1] = 1
    course: Id
    course_title: Annotated[str, Field(max_length=200)]
    student: Annotated[str, Field(pattern=f"^{STUDENT_ID.pattern}$")]
    name: Annotated[str, Field(max_length=200)]
    issued: datetime
    seeds: dict[Id, Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]]
    public_key: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]

    def variant(self, scenario: str) -> Variant | None:
        """Return the student's variant of a scenario, or None where the course does not hold it."""
        seed = self.seeds.get(scenario)
        return None if seed is None else Variant(scenario, self.student, bytes.fromhex(seed))


def issue_ticket(course: Course, student: Student, issued: datetime | None = None) -> str:
    """Return a student's ticket as a line of text: a prefix, the content and its signature, in base64 (RFC 4648).

    Raises
    ------
    CourseError
        If the course's secret cannot be used.

    """
    key = course.course_key()
    ticket = Ticket(
        course=course.id,
        course_title=course.title,
        student=student.id,
        name=student.name[:200],
        issued=issued or now(),
        seeds={scenario.id: make_variant(scenario.id, student.id, key).seed.hex() for scenario in course.scenarios},
        public_key=course.public_key,
    )
    content = json.dumps(ticket.model_dump(mode="json"), sort_keys=True, separators=(",", ":")).encode()
    return f"{_PREFIX}.{_text(content)}.{_text(course.signing_key().sign(content))}"


def write_tickets(course: Course, roster: Path, target: Path) -> dict[str, Path]:
    """Write a ticket for each student of a roster into a folder, and return the files by student.

    Raises
    ------
    CourseError
        If the roster or the course's secret cannot be used.

    """
    students = read_roster(roster)
    target.mkdir(parents=True, exist_ok=True)
    written = {}
    for student in students:
        path = target / student.id / TICKET_FILE
        path.parent.mkdir(exist_ok=True)
        path.touch(mode=0o600)
        path.write_text(issue_ticket(course, student) + "\n", encoding="ascii")
        written[student.id] = path
    return written


def _text(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def _bytes(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)


def read_ticket(text: str, public_key: str | None = None) -> Ticket:
    """Return what a ticket says, after checking its signature (Ed25519, RFC 8032, section 5.1.7).

    Parameters
    ----------
    text
        The ticket as it was handed out.
    public_key
        The course's key, which the grader knows. Without it the one that the ticket names is used: that finds a damaged
        ticket, and not a forged one.

    Raises
    ------
    TicketError
        If it is damaged, or not signed with that key.

    """
    prefix, _, rest = text.strip()[: LONGEST + 1].partition(".")
    content, _, signature = rest.partition(".")
    try:
        raw = _bytes(content if prefix == _PREFIX and len(text) <= LONGEST else "?")
        ticket = Ticket.model_validate_json(raw)
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(public_key or ticket.public_key))
    except (ValueError, binascii.Error, ValidationError, UnicodeError):
        raise TicketError("this is not a ticket of PACS Lab, or it was damaged on its way", _REMEDY) from None
    try:
        key.verify(_bytes(signature), raw)
    except (InvalidSignature, ValueError, binascii.Error):
        whose = "by this course" if public_key else "as it says"
        raise TicketError(f"the ticket of {ticket.student!r} was not signed {whose}", _REMEDY) from None
    return ticket


def find_ticket() -> tuple[Ticket, str] | None:
    """Return the student's ticket and its text: ``PACSLAB_TICKET`` (a file or the ticket itself), else the workspace's.

    None means the self-paced mode.

    Raises
    ------
    TicketError
        If there is one and it cannot be used.

    """
    named = os.environ.get("PACSLAB_TICKET", "")
    if named.startswith(_PREFIX):
        return read_ticket(named), named.strip()
    path = Path(named).expanduser() if named else workspace() / TICKET_FILE
    if not named and not path.exists():
        return None
    try:
        with path.open("rb") as file:
            text = file.read(LONGEST + 1).decode("ascii", "replace").strip()
    except OSError as reason:
        raise TicketError(f"the ticket {path} cannot be read ({reason.strerror})", _REMEDY) from None
    return read_ticket(text), text


def variant_for(scenario: str, student: str) -> Variant:
    """Return the variant of a student: their ticket's, if it holds this scenario for them, else the self-paced one.

    Raises
    ------
    TicketError
        If there is a ticket that cannot be used.
    ScenarioError
        If the student's id cannot be used.

    """
    found = find_ticket()
    if found is not None and found[0].student == student:
        variant = found[0].variant(scenario)
        if variant is not None:
            return variant
    return make_variant(scenario, student)
