"""What a student hands in: one ZIP file with a typed ``submission.json``, the files of the work folder, and a receipt.

submission.json     who, which scenario, the ticket, answers, hints, the timeline, what lies in the file
configuration/      orthanc.json, handover.yaml and what lies beside them
deid/               the de-identified study
report.md           the written answers
"""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
import zipfile
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import AwareDatetime, BaseModel, Field

from pacslab.cohort import GENERATOR_VERSION
from pacslab.errors import SubmissionError
from pacslab.grading.course.course import now
from pacslab.grading.handin.progress import Progress, read_progress
from pacslab.grading.handin.ticket import LONGEST as LONGEST_TICKET
from pacslab.grading.handin.timeline import MOST_EVENTS, Event, hints_of, read_timeline
from pacslab.models import Model
from pacslab.paths import workspace
from pacslab.scenario import STUDENT_ID, Id
from pacslab.version import __version__

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pacslab.pacs import WorkFolder
    from pacslab.scenario import Scenario

NOTE = "submission.json"
CONFIGURATION_FOLDER = "configuration"
DEID_FOLDER = "deid"
REPORT_FILE = "report.md"
MOST_FILES = 2_500
MOST_BYTES = 512 << 20
LARGEST_FILE = 128 << 20
LARGEST_CONFIGURATION_FILE = 1 << 20
_HIDDEN = (".", "before-reset.", "__pycache__")
_DEEPEST = 6
_LONGEST_ANSWER = 4000


class ObjectiveState(Model):
    """One objective as the student's own lab saw it. Only ``answer`` is graded: it is compared again."""

    earned: bool = False
    attempts: int = Field(default=0, ge=0, le=1_000_000)
    hints: int = Field(default=0, ge=0, le=100)
    answer: Annotated[str, Field(max_length=_LONGEST_ANSWER)] | None = None


class FileNote(Model):
    """A file of the submission."""

    name: Annotated[str, Field(max_length=400)]
    size: int = Field(ge=0, le=MOST_BYTES)
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class SubmissionNote(Model):
    """What ``submission.json`` says; all of it is the student's word but the ticket, which is signed."""

    schema_version: Literal[1] = 1
    pacslab: Annotated[str, Field(max_length=40)]
    generator: Annotated[str, Field(max_length=40)] = ""
    scenario: Id
    student: Annotated[str, Field(pattern=f"^{STUDENT_ID.pattern}$")]
    ticket: Annotated[str, Field(max_length=LONGEST_TICKET)] | None = None
    sent: AwareDatetime
    objectives: dict[Id, ObjectiveState] = Field(max_length=500)
    timeline: tuple[Event, ...] = Field(default=(), max_length=MOST_EVENTS)
    files: tuple[FileNote, ...] = Field(default=(), max_length=MOST_FILES)


class Receipt(BaseModel):
    """What the student keeps: which file, its hash, what is in it, and what was left out and why."""

    path: str
    sha256: str
    size: int
    sent: AwareDatetime
    student: str
    scenario: str
    course: str
    files: tuple[FileNote, ...]
    left_out: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()

    def text(self) -> str:
        """Return the receipt as the lines of a text file."""
        lines = [
            f"PACS Lab: receipt for {self.scenario}, {self.student} ({self.course})",
            f"sent    {self.sent.isoformat()}",
            f"file    {self.path} ({self.size:,} bytes)",
            f"sha256  {self.sha256}",
            "",
            *(f"{file.sha256[:16]}  {file.size:>10,}  {file.name}" for file in self.files),
            *(f"left out: {entry}" for entry in self.left_out),
            *(f"not there: {name}" for name in self.missing),
        ]
        return "\n".join(lines) + "\n"


def write_submission(  # noqa: PLR0917
    scenario: Scenario, student: str, work: WorkFolder, ticket: str | None, course: str, target: Path | None = None
) -> Receipt:
    """Write the submission of a work folder, replacing one that was made before, and return the receipt.

    Parameters
    ----------
    scenario, student, work
        Whose work it is.
    ticket, course
        The ticket's text, and what the course is called; without a ticket the submission is self-paced and says so.
    target
        The ZIP file to write; ``submissions/`` in the workspace unless given.

    Raises
    ------
    SubmissionError
        If the work is too large, or the file cannot be written.

    """
    target = target or workspace() / "submissions" / f"{scenario.id}-{student}.zip"
    if target.is_dir():
        target /= f"{scenario.id}-{student}.zip"
    left_out: list[str] = []
    chosen = list(_chosen(work, left_out))
    notes = tuple(_note(name, path) for name, path in chosen)
    if len(notes) > MOST_FILES or sum(note.size for note in notes) > MOST_BYTES:
        raise SubmissionError(
            f"the work folder holds more than {MOST_FILES:,} files or {MOST_BYTES >> 20} MB",
            f"Keep in {work.deid} only the files of the study that you de-identified.",
        )
    events = read_timeline(work.path)
    submission = SubmissionNote(
        pacslab=__version__,
        generator=GENERATOR_VERSION,
        scenario=scenario.id,
        student=student,
        ticket=ticket,
        sent=now(),
        objectives=_objective_states(scenario, read_progress(work.path), events),
        timeline=events,
        files=notes,
    )
    try:
        pack(target, submission, chosen)
        content = target.read_bytes()
    except OSError as reason:
        raise SubmissionError(f"{target} cannot be written ({reason.strerror})", "Choose another place.") from None
    receipt = Receipt(
        path=str(target),
        sha256=hashlib.sha256(content).hexdigest(),
        size=len(content),
        sent=submission.sent,
        student=student,
        scenario=scenario.id,
        course=course,
        files=notes,
        left_out=tuple(left_out),
        missing=_missing_parts({name for name, _ in chosen}),
    )
    target.with_suffix(".receipt.txt").write_text(receipt.text(), encoding="utf-8")
    return receipt


def _objective_states(scenario: Scenario, progress: Progress, events: tuple[Event, ...]) -> dict[str, ObjectiveState]:
    """Return what the student's lab noted of each objective that was touched."""
    taken = hints_of(events)
    states = {}
    for objective in scenario.objectives:
        done = progress.objectives.get(objective.id)
        if done is not None:
            hints = max(done.hints, taken.get(objective.id, 0))
            answer = done.answer[:_LONGEST_ANSWER] if done.answer is not None else None
            states[objective.id] = ObjectiveState(
                earned=done.earned, attempts=done.attempts, hints=hints, answer=answer
            )
    return states


def _missing_parts(names: set[str]) -> tuple[str, ...]:
    """Return the parts of a submission that its work folder does not hold."""
    expected = {f"{CONFIGURATION_FOLDER}/orthanc.json", f"{CONFIGURATION_FOLDER}/handover.yaml"}
    missing = sorted(expected - names)
    if not any(name.startswith(f"{DEID_FOLDER}/") for name in names):
        missing.append(f"{DEID_FOLDER}/ (no de-identified file)")
    return tuple(missing)


def _chosen(work: WorkFolder, left_out: list[str]) -> Iterator[tuple[str, Path]]:
    """Yield (name in the ZIP, file) of what is handed in; links and special files are left out and named."""
    for path in _regular(work.path, left_out):
        inside = PurePosixPath(path.relative_to(work.path).as_posix())
        if inside.parts[0] == work.deid.name:
            limit, name = LARGEST_FILE, f"{DEID_FOLDER}/{'/'.join(inside.parts[1:])}"
        elif inside == PurePosixPath(work.report.name):
            limit, name = LARGEST_CONFIGURATION_FILE, REPORT_FILE
        else:
            limit, name = LARGEST_CONFIGURATION_FILE, f"{CONFIGURATION_FOLDER}/{inside}"
        if path.stat().st_size > limit:
            left_out.append(f"{inside} (larger than {limit >> 20} MB)")
        else:
            yield name, path


def _regular(folder: Path, left_out: list[str], depth: int = 0) -> Iterator[Path]:
    for entry in sorted(os.scandir(folder), key=lambda entry: entry.name):
        if entry.name.startswith(_HIDDEN):
            continue
        mode = entry.stat(follow_symlinks=False).st_mode
        if stat.S_ISDIR(mode) and depth < _DEEPEST:
            yield from _regular(Path(entry.path), left_out, depth + 1)
        elif stat.S_ISREG(mode):
            yield Path(entry.path)
        else:
            left_out.append(f"{entry.name} (not an ordinary file)")


def _note(name: str, path: Path) -> FileNote:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return FileNote(name=name, size=path.stat().st_size, sha256=digest)


def pack(target: Path, submission: SubmissionNote, chosen: list[tuple[str, Path]]) -> None:
    """Write a submission's ZIP file whole: the note, then the files by (name in the ZIP, path)."""
    target.parent.mkdir(parents=True, exist_ok=True)
    fresh = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        with zipfile.ZipFile(fresh, "w", zipfile.ZIP_DEFLATED, strict_timestamps=False) as archive:
            archive.writestr(NOTE, submission.model_dump_json(indent=1))
            for name, path in chosen:
                archive.write(path, name)
        shutil.move(fresh, target)
    finally:
        fresh.unlink(missing_ok=True)
