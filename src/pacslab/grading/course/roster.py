"""The class list, as Canvas, Moodle and plain tables export it."""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from typing import TYPE_CHECKING

from pacslab.errors import CourseError
from pacslab.grading.course.csv_cells import decoded, delimiter_of
from pacslab.models import VersionTolerantModel
from pacslab.scenario import STUDENT_ID

if TYPE_CHECKING:
    from pathlib import Path

_LARGEST = 8 << 20
_MOST = 20_000
# Canvas writes the line of possible points, and a student of its own, between the students.
_NOT_STUDENTS = re.compile(r"^\s*(points possible|student, test|test student|.*\(read only\).*)\s*$", re.IGNORECASE)

_COLUMNS: dict[str, tuple[str, ...]] = {
    "id": (
        *("student id", "student_id", "student", "username", "sis login id", "login id", "login"),
        *("matriculation number", "id number", "sis user id", "user id", "userid"),
        *("benutzername", "anmeldename", "matrikelnummer"),
    ),
    "name": ("name", "full name", "student name", "display name", "fullname", "vollständiger name"),
    "given": ("first name", "given name", "firstname", "vorname"),
    "family": ("last name", "surname", "family name", "lastname", "nachname"),
    "email": ("email address", "email", "e-mail", "e-mail address", "e-mail-adresse"),
    "lms": ("id", "canvas id", "identifier", "participant number"),
    "sis": ("sis user id", "id number"),
    "login": ("sis login id", "username", "login id"),
    "section": ("section", "group", "groups"),
}


class Student(VersionTolerantModel):
    """One student of the roster.

    ``id`` names them everywhere in the lab; ``lms``, ``sis``, ``login`` and ``section`` are what the learning platform
    calls them, and are written back as they came.
    """

    id: str
    name: str
    email: str = ""
    lms: str = ""
    sis: str = ""
    login: str = ""
    section: str = ""


def read_roster(path: Path) -> tuple[Student, ...]:
    r"""Return the students of a CSV file, in its order.

    Commas, semicolons or tabs; with or without a byte order mark; UTF-8, or the older Windows encoding that
    spreadsheets still write.

    Returns
    -------
    tuple of Student
        Without Canvas's line of possible points and its test student.

    Raises
    ------
    CourseError
        If the file cannot be read, has no column that names students, or names a student twice; with the line.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "roster.csv"
    ...     _ = path.write_text("Vorname;Nachname;Matrikelnummer\nAnna;Müller;s01\n", encoding="utf-8")
    ...     [(student.id, student.name) for student in read_roster(path)]
    [('s01', 'Anna Müller')]

    """
    text = _text(path)
    rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter_of(text)))
    if not rows:
        raise CourseError(f"{path} is empty", "Export the class list again.")
    columns = _columns(path, rows[0])
    students: dict[str, Student] = {}
    lines: dict[str, int] = {}
    for number, row in enumerate(rows[1:], start=2):
        cells = {kind: row[index].strip() for kind, index in columns.items() if index < len(row)}
        if not any(cells.values()) or _NOT_STUDENTS.match(row[0] if row else ""):
            continue
        student = _student(path, number, cells)
        same = student.id.casefold()
        if same in students:
            raise CourseError(
                f"{path}, line {number}: the student {student.id!r} is there twice (line {lines[same]})",
                "Remove one of the two lines.",
            )
        students[same], lines[same] = student, number
        if len(students) > _MOST:
            raise CourseError(f"{path} holds more than {_MOST:,} students", "Give the list of one course.")
    if not students:
        raise CourseError(f"{path} holds no students", "Export the class list again.")
    return tuple(students.values())


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > _LARGEST:
            raise CourseError(f"{path} is larger than {_LARGEST >> 20} MB", "Give the class list itself.")
        content = path.read_bytes()
    except OSError as reason:
        raise CourseError(f"{path} cannot be read ({reason.strerror})", "Give the class list as a CSV file.") from None
    return decoded(content)


def _columns(path: Path, header: list[str]) -> dict[str, int]:
    names = [unicodedata.normalize("NFC", name).strip().strip('"').casefold() for name in header]
    # Canvas calls the column of the name "Student" and that of the login "SIS Login ID".
    canvas = "student" in names and ("sis login id" in names or "sis user id" in names)
    found: dict[str, int] = {}
    for kind, known in _COLUMNS.items():
        wanted = [name for name in known if not (canvas and kind == "id" and name in {"student", "id"})]
        present = [name for name in wanted if name in names]
        if present:
            found[kind] = names.index(present[0])
    if canvas:
        found["name"] = names.index("student")
        if "sis login id" in names:
            found["id"] = names.index("sis login id")
    if "id" not in found and "email" in found:
        found["id"] = found["email"]
    if "id" not in found and "lms" in found:
        found["id"] = found["lms"]
    if "id" not in found:
        raise CourseError(
            f"{path} has no column that names the students; its columns are: {', '.join(header)[:200]}",
            "Add a column 'student' with an id for each: letters, digits, '.', '_', '@' or '-'.",
        )
    return found


def _student(path: Path, number: int, cells: dict[str, str]) -> Student:
    given, family = cells.get("given", ""), cells.get("family", "")
    name = cells.get("name", "") or f"{given} {family}".strip()
    identity = cells.get("id", "") or cells.get("sis", "") or cells.get("email", "")
    if not STUDENT_ID.fullmatch(identity):
        raise CourseError(
            f"{path}, line {number}: the student id {identity[:60]!r} cannot be used",
            "Use 1 to 64 letters, digits, '.', '_', '@' or '-', beginning with a letter or a digit.",
        )
    kept = {kind: cells.get(kind, "") for kind in ("email", "lms", "sis", "login", "section")}
    return Student(id=identity, name=name or identity, **kept)
