"""Do the files still belong together? UIDs that map one to one, references that resolve, dates moved alike."""

from __future__ import annotations

import re
from collections import defaultdict
from datetime import date
from typing import TYPE_CHECKING

from pacslab.cohort import Identifier, Location
from pacslab.deid.audit.report.model import CheckId
from pacslab.deid.audit.verdicts import attribute

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pacslab.cohort import InstanceKey, PlantedIdentifier, StudyKey
    from pacslab.deid.audit.evidence import OutputEvidence, OutputFile
    from pacslab.deid.audit.verdicts import AuditVerdicts

STUDY_DATE = "(0008,0020)"
BIRTH_DATE = "(0010,0030)"
REFERENCED_SOP_INSTANCE = "(0008,1155)"
FRAME_OF_REFERENCE = "(0020,0052)"
REQUIRED_UIDS = {"StudyInstanceUID": "(0020,000D)", "SeriesInstanceUID": "(0020,000E)", "SOPInstanceUID": "(0008,0018)"}
_UID = re.compile(r"(0|[1-9][0-9]*)(\.(0|[1-9][0-9]*))+")


def check_uids(
    verdicts: AuditVerdicts, study: StudyKey, planted: tuple[PlantedIdentifier, ...], submission: OutputEvidence
) -> None:
    """Every UID replaced by one and the same new UID wherever it stood, and references that still lead somewhere."""
    new_of: dict[str, set[str]] = defaultdict(set)
    old_of: dict[str, set[str]] = defaultdict(set)
    for file, instance in _images(study, submission):
        original = {
            "StudyInstanceUID": study.study_instance_uid,
            "SeriesInstanceUID": instance.series_instance_uid,
            "SOPInstanceUID": instance.sop_instance_uid,
        }
        for keyword, old in original.items():
            new = file.contents.at(REQUIRED_UIDS[keyword])
            if not new:
                verdicts.wrong(CheckId.UIDS, f"{keyword} is gone: give the image a new one", file.name)
                continue
            if len(new) > 64 or not _UID.fullmatch(new):
                verdicts.wrong(
                    CheckId.UIDS,
                    f"{keyword} is no valid UID ({new[:70]!r}): digits and full stops, at most 64 characters",
                    file.name,
                )
            new_of[old].add(new)
            old_of[new].add(old)
        in_header = file.contents.text_of("MediaStorageSOPInstanceUID")
        if in_header != file.contents.at(REQUIRED_UIDS["SOPInstanceUID"]):
            verdicts.wrong(
                CheckId.UIDS,
                "MediaStorageSOPInstanceUID (0002,0003) is not the SOPInstanceUID (0008,0018): set both alike",
                file.name,
            )
    _one_to_one(verdicts, new_of, old_of)
    images = {one.sop_instance_uid for one in study.instances}
    uids = _by_image(one for one in planted if one.location is Location.UID)
    for file, instance in _images(study, submission):
        for one in uids[instance.sop_instance_uid]:
            if one.path not in REQUIRED_UIDS.values():
                _check_reference(verdicts, file, one, new_of, images)


def _one_to_one(verdicts: AuditVerdicts, new_of: dict[str, set[str]], old_of: dict[str, set[str]]) -> None:
    for news in new_of.values():
        if len(news) > 1:
            verdicts.wrong(
                CheckId.UIDS,
                f"what had one UID now has {len(news)} different ones ({min(news)[:40]}, ...): the same old UID must "
                "become the same new UID in every file",
            )
    for new, olds in old_of.items():
        if len(olds) > 1:
            verdicts.wrong(CheckId.UIDS, f"{len(olds)} different UIDs all became {new[:40]}: give each its own")


def _check_reference(
    verdicts: AuditVerdicts, file: OutputFile, one: PlantedIdentifier, new_of: dict[str, set[str]], images: set[str]
) -> None:
    """Check a UID that stands elsewhere than in its own attribute."""
    is_reference = one.path.endswith(REFERENCED_SOP_INSTANCE) and one.token in images
    new = file.contents.at(one.path)
    right = new_of.get(one.token, set())
    if not right and new and one.token != new:
        right = {new}
        new_of[one.token].add(new)
    resolves = new in right
    if is_reference:
        verdicts.keep("references", resolves)
    if not new and is_reference:
        verdicts.wrong(
            CheckId.UIDS,
            f"{attribute(one.path)}, which says to which image this one belongs, is gone: put the new UID there",
            file.name,
        )
    elif not new and one.path == FRAME_OF_REFERENCE:
        verdicts.wrong(
            CheckId.UIDS,
            f"{attribute(one.path)}, which says which images lie in one space, is gone: give it a new UID",
            file.name,
        )
    elif new and new != one.token and not resolves:
        verdicts.wrong(
            CheckId.UIDS,
            f"{attribute(one.path)} leads nowhere: replace it by the new UID of what it referred to",
            file.name,
        )


def check_dates(
    verdicts: AuditVerdicts, study: StudyKey, planted: tuple[PlantedIdentifier, ...], submission: OutputEvidence
) -> None:
    """Dates may be removed, but StudyDate is to be moved, and all that remain are moved by the same number of days."""
    shifts: dict[int, list[str]] = defaultdict(list)
    dates = _by_image(
        one
        for one in planted
        if one.kind is Identifier.DATE and one.location in (Location.HEADER, Location.NESTED) and one.path != BIRTH_DATE
    )
    for file, instance in _images(study, submission):
        moved = {STUDY_DATE: study.date} | {one.path: one.token for one in dates[instance.sop_instance_uid]}
        kept = True
        for path, old in moved.items():
            new = file.contents.at(path)
            before, after = _day(old), _day(new)
            if not new and path == STUDY_DATE:
                kept = False
                verdicts.wrong(
                    CheckId.DATES,
                    "StudyDate (0008,0020) is gone: move all dates by one secret number of days, so that the time "
                    "between examinations survives",
                    file.name,
                )
            elif new and after is None:
                verdicts.wrong(CheckId.DATES, f"{attribute(path)} is no date ({new[:20]!r})", file.name)
            elif before is not None and after is not None:
                shifts[(after - before).days].append(f"{attribute(path)} of {file.name}")
        if not instance.document:
            verdicts.keep("dates", kept)
    if len(shifts) > 1:
        rare, *_, usual = sorted(shifts, key=lambda days: (len(shifts[days]), days))
        verdicts.wrong(
            CheckId.DATES,
            f"{shifts[rare][0]} was moved by {rare} days, {shifts[usual][0]} by {usual}: one patient's dates must all "
            "be moved by the same number of days",
        )


def _by_image(planted: Iterable[PlantedIdentifier]) -> dict[str, list[PlantedIdentifier]]:
    found: dict[str, list[PlantedIdentifier]] = defaultdict(list)
    for one in planted:
        found[one.sop_instance_uid].append(one)
    return found


def _images(study: StudyKey, submission: OutputEvidence) -> list[tuple[OutputFile, InstanceKey]]:
    """Return the files that were made from images of the study, and which image each was made from."""
    mine = {one.sop_instance_uid for one in study.instances}
    return [
        (file, file.instance)
        for file in submission.files
        if file.instance is not None and file.instance.sop_instance_uid in mine
    ]


def _day(text: str) -> date | None:
    try:
        return date(int(text[:4]), int(text[4:6]), int(text[6:8]))
    except ValueError:
        return None
