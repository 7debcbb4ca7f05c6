"""The report of an audit as plain data: which checks passed, what leaks where, and the worst of it in words."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Any

from rich.console import Group
from rich.table import Table
from rich.text import Text

from pacslab.cohort import Identifier, Location
from pacslab.deid.audit.report.html import fragment_of, page_of
from pacslab.models import Model

if TYPE_CHECKING:
    from rich.console import RenderableType


_MOST_PATIENTS = 12
_MOST_NOTES = 12


class CheckId(StrEnum):
    """Every check of the audit; a scenario's objectives name checks by these ids."""

    PRESENT = "present"
    HEADERS = "headers"
    NESTED = "nested"
    PRIVATE = "private"
    FREE_TEXT = "free_text"
    UIDS = "uids"
    DATES = "dates"
    DOCUMENTS = "documents"
    PIXELS = "pixels"
    ANATOMY = "anatomy"
    USEFUL = "useful"
    FLAGS = "flags"


TITLES: dict[CheckId, str] = {
    CheckId.PRESENT: "Every image of the study is there and can be read",
    CheckId.HEADERS: "No identifier is left in the attributes, the file header or the file name",
    CheckId.NESTED: "No identifier is left inside sequences",
    CheckId.PRIVATE: "No identifier is left in private attributes",
    CheckId.FREE_TEXT: "No identifier is left in free text",
    CheckId.UIDS: "Every UID is new, valid and still consistent",
    CheckId.DATES: "No original date is left, and intervals survive",
    CheckId.DOCUMENTS: "Scanned pages and PDF reports are left out or clean",
    CheckId.PIXELS: "No burned-in text and no face is left in the pixels",
    CheckId.ANATOMY: "The picture outside the burned-in text is untouched, and of a head the brain",
    CheckId.USEFUL: "Researchers can still use the study",
    CheckId.FLAGS: "The files say, truthfully, how they were de-identified",
}

LOCATION_NAMES: dict[Location, str] = {
    Location.HEADER: "header attributes",
    Location.NESTED: "sequences",
    Location.PRIVATE: "private attributes",
    Location.FREE_TEXT: "free text",
    Location.UNLISTED: "unlisted text",
    Location.UID: "UIDs",
    Location.PIXELS: "pixels",
    Location.FACE: "faces",
    Location.OVERLAY: "overlays",
    Location.ICON: "icons",
    Location.PRESENTATION: "presentation states",
    Location.SR_CONTENT: "report content",
    Location.SR_OBSERVER: "report observers",
    Location.PDF: "PDF reports",
    Location.FILE_META: "file header",
    Location.PREAMBLE: "preamble",
    Location.PADDING: "trailing padding",
    Location.FILE_NAME: "file names",
    Location.DICOMDIR: "DICOMDIR",
}


def check_of(location: Location, kind: Identifier) -> CheckId:
    """Return the one check that reports an identifier of this kind at this place.

    Private attributes, free text, pixels and documents are checks of their own whatever they hold; elsewhere a date
    belongs to ``dates`` and a UID to ``uids``.
    """
    by_location = {
        Location.PRIVATE: CheckId.PRIVATE,
        Location.FREE_TEXT: CheckId.FREE_TEXT,
        Location.PIXELS: CheckId.PIXELS,
        Location.FACE: CheckId.PIXELS,
        Location.ICON: CheckId.PIXELS,
        Location.OVERLAY: CheckId.PIXELS,
        Location.PDF: CheckId.DOCUMENTS,
    }
    by_kind = {Identifier.DATE: CheckId.DATES, Identifier.UID: CheckId.UIDS}
    fallback = CheckId.NESTED if location is Location.NESTED else CheckId.HEADERS
    return by_location.get(location) or by_kind.get(kind) or fallback


class Leak(Model):
    """One identifier found in one file.

    ``place`` is written as the answer key writes paths: ``(0040,0275)[0].(0032,1060)``, ``pixels``,
    ``pdf page 1``, ``file name`` or ``preamble``; ``line`` is that of the page, from 1, and 0 elsewhere. ``words``
    names the identifier ("the patient's name"), ``patient`` whom it gives away (the number in the answer key),
    ``of_patient`` whether it is that patient's own.
    """

    file: str
    check: CheckId
    location: Location
    kind: Identifier
    place: str
    line: int = 0
    token: str
    words: str
    patient: int | None = None
    of_patient: bool = False


class AuditCheck(Model):
    """One check: passed or not, how many faults, and the worst of them in words (empty when it passed)."""

    id: CheckId
    title: str
    passed: bool
    worst: tuple[str, ...]
    count: int


class Tally(Model):
    """So many of so many: identifiers removed at one kind of place, or things of one kind kept."""

    name: str
    good: int
    total: int

    @property
    def share(self) -> float:
        """Return the share from 0 to 1; nothing of nothing is all of it."""
        return self.good / self.total if self.total else 1.0


class Picture(Model):
    """An image in which something can still be read: a PNG, base64, with a frame around it."""

    file: str
    words: str
    png: str


class Patient(Model):
    """One patient of an audit: does anything still name this person, and what is the worst of it."""

    index: int
    named: bool
    leaks: int
    worst: tuple[str, ...] = ()


class _Report(Model):
    """What the audit of one study and that of a whole cohort have in common."""

    checks: tuple[AuditCheck, ...]
    files_expected: int
    files_found: int
    leaks: tuple[Leak, ...] = ()
    removed: tuple[Tally, ...] = ()
    kept: tuple[Tally, ...] = ()
    patients: tuple[Patient, ...] = ()
    pictures: tuple[Picture, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether every check passed."""
        return all(check.passed for check in self.checks)

    @property
    def leaking(self) -> tuple[Patient, ...]:
        """Return the patients whom at least one direct identifier still names."""
        return tuple(patient for patient in self.patients if patient.named)

    @property
    def removal_recall(self) -> float:
        """Return the share of identifiers removed, each kind of place counting alike (0 to 1)."""
        return _mean(self.removed)

    @property
    def utility(self) -> float:
        """Return the share of what research needs that was kept, each kind counting alike (0 to 1)."""
        return _mean(self.kept)

    def check(self, check_id: str) -> AuditCheck:
        """Return one check by its id.

        Raises
        ------
        KeyError
            If there is no check of that id.

        """
        for check in self.checks:
            if check.id == check_id:
                return check
        raise KeyError(check_id)

    def failed(self) -> tuple[CheckId, ...]:
        """Return the ids of the checks that failed, in the order of :class:`CheckId`."""
        return tuple(check.id for check in self.checks if not check.passed)

    @property
    def verdict(self) -> str:
        """Return the result in one sentence: the patients first, no percentage."""
        named, known = len(self.leaking), len(self.patients)
        if named:
            who = "the patient is" if known == 1 else f"{named} of {known} patients {'is' if named == 1 else 'are'}"
            return f"{who} still named by the files".capitalize() + "."
        if self.passed:
            return "Nobody is named, and research can use the files."
        count = len(self.failed())
        return f"No patient is named directly, but {count} check{'s' if count > 1 else ''} did not pass."

    def to_dict(self) -> dict[str, Any]:
        """Return the report as plain values that JSON can hold."""
        return self.model_dump(mode="json") | {
            "passed": self.passed,
            "verdict": self.verdict,
            "leaking_patients": len(self.leaking),
            "leak_recall": round(self.removal_recall, 4),
            "utility": round(self.utility, 4),
        }

    def summary(self) -> str:
        """Return the report as plain text: every check, its worst cases, then both sides of the score."""
        lines = [self.verdict, ""]
        for check in self.checks:
            lines.append(f"{'pass' if check.passed else 'FAIL'}  {check.id:<10}  {check.title}")
            lines += [f"        - {sentence}" for sentence in check.worst]
        lines += ["", "identifiers removed                  kept for research"]
        for left, right in _side_by_side(self.removed, self.kept):
            lines.append(f"{left:<37}{right}".rstrip())
        return "\n".join([*lines, *self.notes])

    def __rich__(self) -> RenderableType:
        """Return the report as rich tables, for a terminal."""
        parts: list[RenderableType] = [Text(f"{'✔' if self.passed else '✘'} {self.verdict}", style="bold")]
        if self.leaking and len(self.patients) > 1:
            worst = Table(title="Worst first", title_justify="left", show_header=False)
            for patient in self.leaking[:_MOST_PATIENTS]:
                worst.add_row(f"patient {patient.index}", Text("\n".join(patient.worst)))
            if len(self.leaking) > _MOST_PATIENTS:
                worst.add_row("", f"and {len(self.leaking) - _MOST_PATIENTS} more patients")
            parts.append(worst)
        checks = Table(title="De-identification audit", title_justify="left")
        for heading in ("", "check", "what it found"):
            checks.add_column(heading)
        for check in self.checks:
            mark = "[green]✔ pass[/]" if check.passed else "[red]✘ FAIL[/]"
            checks.add_row(mark, check.title, Text("\n".join(f"• {sentence}" for sentence in check.worst)))
        score = Table()
        score.add_column("identifiers removed")
        score.add_column("kept for research")
        for left, right in _side_by_side(self.removed, self.kept):
            score.add_row(left, right)
        return Group(*parts, checks, score, *(Text(note) for note in self.notes[:_MOST_NOTES]))

    def html(self) -> str:
        """Return the report as one HTML page that needs nothing else."""
        return page_of(self)

    def _repr_html_(self) -> str:
        return fragment_of(self)


class DeidReport(_Report):
    """The audit of one study's de-identified files.

    ``files_expected`` counts the images that a research set must hold (documents may be left out);
    ``files_found`` counts the DICOM files that could be read. ``notes`` tells what was skipped and why. ``removed``
    counts planted identifiers by where they stood, ``kept`` what research needs by kind; a missing image loses both.
    """

    study: str


class CohortReport(_Report):
    """The audit of a whole cohort's de-identified files; ``studies`` holds that of each study.

    ``extra`` names files that were made from no image of the cohort, or are second copies of one.
    """

    studies: tuple[DeidReport, ...]
    extra: tuple[str, ...] = ()


def _mean(tallies: tuple[Tally, ...]) -> float:
    return sum(tally.share for tally in tallies) / len(tallies) if tallies else 0.0


def _side_by_side(left: tuple[Tally, ...], right: tuple[Tally, ...]) -> list[tuple[str, str]]:
    def said(tallies: tuple[Tally, ...], row: int) -> str:
        return f"{tallies[row].name:<22}{tallies[row].good:>4} of {tallies[row].total}" if row < len(tallies) else ""

    return [(said(left, row), said(right, row)) for row in range(max(len(left), len(right)))]
