"""Collect the submissions of a class from a folder, as a learning platform exports it, and assign them to students."""

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
    """A ZIP file of the folder, and the student whose work it is.

    ``student`` is who uploaded it, if the platform's name of the file says so, else the owner of its ticket.
    ``signals`` are contradictions that an instructor should see. ``problem`` says why the submission is not replayed;
    ``file`` is None where it cannot be read at all.
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
    return [_collected(path, folder, course, roster, received) for path in paths]


def _zips(folder: Path, depth: int) -> Iterator[Path]:
    for entry in os.scandir(folder):
        if entry.is_dir(follow_symlinks=False) and depth < _DEEPEST:
            yield from _zips(Path(entry.path), depth + 1)
        elif entry.name.lower().endswith(".zip") and not entry.is_dir(follow_symlinks=False):
            yield Path(entry.path)


def _received(path: Path) -> dict[str, datetime]:
    """Return the moments at which files were received, by the instructor's table (file, received), if any."""
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


def _collected(
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
    known = {student.id for student in roster}
    found.student = uploader or owner or (note.student if note.student in known else "")
    if found.student not in known:
        found.problem = f"{note.student!r} is not on the class list"
    elif note.student != found.student:
        found.signals.append(f"says that it is the work of {note.student!r}")
    if note.scenario not in {scenario.id for scenario in course.scenarios}:
        found.problem = f"the scenario {note.scenario!r} is not part of this course"
    stated = found.sent
    found.sent = received.get(inside.as_posix()) or received.get(path.name) or stated
    due = next((scenario.due for scenario in course.scenarios if scenario.id == note.scenario), None)
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
    """Return the uploader by Canvas's or Moodle's name of a file (empty: unknown), and whether it is marked late."""
    canvas = _CANVAS.match(inside.name)
    if canvas:
        ids = [student.id for student in roster if student.lms and student.lms == canvas["lms"]]
        if len(ids) == 1:
            return ids[0], bool(canvas["late"])
    for part in inside.parts[:-1]:
        name = part.partition("_")[0]
        ids = [student.id for student in roster if part == student.id or ("_" in part and _same(name, student.name))]
        if len(ids) == 1:
            return ids[0], False
    return "", False


def _same(left: str, right: str) -> bool:
    def words(text: str) -> list[str]:
        return sorted(unicodedata.normalize("NFKC", text).casefold().replace(",", " ").split())

    return words(left) == words(right)


def _named(stem: str, roster: tuple[Student, ...]) -> str:
    """Return the student whose id a file's name ends with, for files that cannot be read."""
    ids = [student.id for student in roster if stem == student.id or stem.endswith(f"-{student.id}")]
    return max(ids, key=len) if ids else ""
