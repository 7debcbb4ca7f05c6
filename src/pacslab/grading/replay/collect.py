"""Find the submissions of a class in a folder, as a learning platform hands them out, and say whose each one is."""

from __future__ import annotations

import os
import re
import unicodedata
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from pacslab.errors import CourseError, SubmissionError, TicketError
from pacslab.grading.course.csv_cells import read_table
from pacslab.grading.handin.ticket import read_ticket
from pacslab.grading.replay.unpack import SubmissionFile, read_submission

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pacslab.grading.course.course import Course
    from pacslab.grading.course.roster import Student
    from pacslab.grading.handin.submission import SubmissionNote

RECEIVED = "received.csv"
_MOST = 20_000
_DEEPEST = 4
_CANVAS = re.compile(r"^[^_]+(?P<late>_LATE)?_(?P<lms>\d+)_\d+_")


@dataclass
class CollectedSubmission:
    """A submission as it lies there.

    ``student`` is whose work is graded: who uploaded it, if the platform's name of the file tells, else the ticket's
    owner. ``signals`` is what does not fit. ``problem`` says why it cannot be read.
    """

    path: Path
    student: str = ""
    scenario: str = ""
    sent: datetime | None = None
    issued: datetime | None = None
    file: SubmissionFile | None = None
    problem: str = ""
    signals: list[str] = field(default_factory=list)


def gather(folder: Path, course: Course, roster: tuple[Student, ...]) -> list[CollectedSubmission]:
    """Return every ZIP file of a folder and its subfolders, links not followed, in the order of their names.

    Raises
    ------
    CourseError
        If the folder is missing, or holds no ZIP file.

    """
    if not folder.is_dir():
        raise CourseError(f"{folder} is not a folder", "Give the folder that holds the submissions.")
    received = _received(folder / RECEIVED)
    paths = sorted(_zips(folder, 0))[:_MOST]
    if not paths:
        raise CourseError(f"{folder} holds no submission", "Unpack what the learning platform gave you there.")
    return [_found(path, folder, course, roster, received) for path in paths]


def _zips(folder: Path, depth: int) -> Iterator[Path]:
    for entry in os.scandir(folder):
        if entry.is_dir(follow_symlinks=False) and depth < _DEEPEST:
            yield from _zips(Path(entry.path), depth + 1)
        elif entry.name.lower().endswith(".zip") and not entry.is_dir(follow_symlinks=False):
            yield Path(entry.path)


def _received(path: Path) -> dict[str, datetime]:
    """Return when files were received, where the instructor keeps a table of it (file, received)."""
    moments = {}
    for number, row in enumerate(read_table(path, "file", "received"), start=2):
        try:
            moment = datetime.fromisoformat(row["received"].strip())
        except ValueError:
            raise CourseError(
                f"{path}, line {number}: {row['received']!r} is not a date and time",
                "Write it as 2026-11-30T23:59:00+01:00.",
            ) from None
        moments[row["file"].strip()] = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return moments


def _found(
    path: Path, folder: Path, course: Course, roster: tuple[Student, ...], received: dict[str, datetime]
) -> CollectedSubmission:
    inside = path.relative_to(folder)
    uploader, late = _uploader(inside, roster)
    found = CollectedSubmission(path, student=uploader)
    try:
        found.file = read_submission(path)
    except SubmissionError as reason:
        found.problem = str(reason)
        found.student = found.student or _named(path.stem, roster)
        return found
    note = found.file.note
    found.scenario, found.sent = note.scenario, note.sent
    owner = _owner(note, course, found)
    if uploader and owner and uploader != owner:
        found.signals.append(f"uploaded by {uploader!r} with the ticket of {owner!r}")
    known = {one.id for one in roster}
    found.student = uploader or owner or (note.student if note.student in known else "")
    if found.student not in known:
        found.problem = f"{note.student!r} is not on the class list"
    elif note.student != found.student:
        found.signals.append(f"says that it is the work of {note.student!r}")
    if note.scenario not in {one.id for one in course.scenarios}:
        found.problem = f"the scenario {note.scenario!r} is not part of this course"
    stated = found.sent
    found.sent = received.get(inside.as_posix()) or received.get(path.name) or stated
    due = next((one.due for one in course.scenarios if one.id == note.scenario), None)
    if late and due and stated and stated <= due:
        found.signals.append("marked late by the learning platform, and says that it was sent in time")
    return found


def _owner(note: SubmissionNote, course: Course, found: CollectedSubmission) -> str:
    """Return the owner of the submission's ticket, if it is one of this course."""
    if note.ticket is None:
        found.signals.append("made without a ticket of the course")
        return ""
    try:
        ticket = read_ticket(note.ticket, course.public_key)
    except TicketError:
        found.signals.append("the ticket in it was not signed by this course")
        return ""
    if ticket.course != course.id:
        found.signals.append(f"the ticket in it is one of the course {ticket.course!r}")
    found.issued = ticket.issued
    return ticket.student


def _uploader(inside: Path, roster: tuple[Student, ...]) -> tuple[str, bool]:
    """Return who uploaded a file by Canvas's or Moodle's name of it (empty: unknown), and whether it is marked late."""
    canvas = _CANVAS.match(inside.name)
    if canvas:
        whose = [one.id for one in roster if one.lms and one.lms == canvas["lms"]]
        if len(whose) == 1:
            return whose[0], bool(canvas["late"])
    for part in inside.parts[:-1]:
        name = part.partition("_")[0]
        whose = [one.id for one in roster if part == one.id or ("_" in part and _same(name, one.name))]
        if len(whose) == 1:
            return whose[0], False
    return "", False


def _same(left: str, right: str) -> bool:
    def words(text: str) -> list[str]:
        return sorted(unicodedata.normalize("NFKC", text).casefold().replace(",", " ").split())

    return words(left) == words(right)


def _named(stem: str, roster: tuple[Student, ...]) -> str:
    """Return the student whose id a file's name ends with, for files that cannot be read."""
    whose = [one.id for one in roster if stem == one.id or stem.endswith(f"-{one.id}")]
    return max(whose, key=len) if whose else ""
