"""Check that files still belong together: UIDs map one to one, references resolve, dates are moved alike."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING

from pacslab.cohort import Identifier, Location
from pacslab.deid.audit.report.model import CheckId
from pacslab.deid.audit.verdicts import Fault, Kept
from pacslab.deid.dicom.attribute_names import attribute
from pacslab.deid.dicom.dates import date_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pacslab.cohort import PlantedIdentifier
    from pacslab.deid.audit.match import OutputFile
    from pacslab.deid.audit.study_evidence import StudyEvidence
    from pacslab.deid.audit.verdicts import Finding

STUDY_DATE = "(0008,0020)"
BIRTH_DATE = "(0010,0030)"
REFERENCED_SOP_INSTANCE = "(0008,1155)"
FRAME_OF_REFERENCE = "(0020,0052)"
REQUIRED_UIDS = {"StudyInstanceUID": "(0020,000D)", "SeriesInstanceUID": "(0020,000E)", "SOPInstanceUID": "(0008,0018)"}
_UID = re.compile(r"(0|[1-9][0-9]*)(\.(0|[1-9][0-9]*))+")


def check_uids(evidence: StudyEvidence) -> Iterator[Finding]:
    """Every UID replaced by one and the same new UID wherever it stood, and references that still lead somewhere."""
    new_of: dict[str, set[str]] = defaultdict(set)
    old_of: dict[str, set[str]] = defaultdict(set)
    for file, instance in evidence.made:
        original = {
            "StudyInstanceUID": evidence.study.study_instance_uid,
            "SeriesInstanceUID": instance.series_instance_uid,
            "SOPInstanceUID": instance.sop_instance_uid,
        }
        for keyword, old in original.items():
            new = file.contents.at(REQUIRED_UIDS[keyword])
            if not new:
                yield Fault(CheckId.UIDS, f"{keyword} is gone: give the image a new one", file.name)
                continue
            if len(new) > 64 or not _UID.fullmatch(new):
                yield Fault(
                    CheckId.UIDS,
                    f"{keyword} is no valid UID ({new[:70]!r}): digits and full stops, at most 64 characters",
                    file.name,
                )
            new_of[old].add(new)
            old_of[new].add(old)
        in_header = file.contents.text_of("MediaStorageSOPInstanceUID")
        if in_header != file.contents.at(REQUIRED_UIDS["SOPInstanceUID"]):
            yield Fault(
                CheckId.UIDS,
                "MediaStorageSOPInstanceUID (0002,0003) is not the SOPInstanceUID (0008,0018): set both alike",
                file.name,
            )
    yield from _one_to_one(new_of, old_of)
    images = {instance.sop_instance_uid for instance in evidence.study.instances}
    uids = _by_image(uid for uid in evidence.planted if uid.location is Location.UID)
    for file, instance in evidence.made:
        for uid in uids[instance.sop_instance_uid]:
            if uid.path not in REQUIRED_UIDS.values():
                yield from _check_reference(file, uid, new_of, images)


def _one_to_one(new_of: dict[str, set[str]], old_of: dict[str, set[str]]) -> Iterator[Finding]:
    for news in new_of.values():
        if len(news) > 1:
            yield Fault(
                CheckId.UIDS,
                f"what had one UID now has {len(news)} different ones ({min(news)[:40]}, ...): the same old UID must "
                "become the same new UID in every file",
            )
    for new, olds in old_of.items():
        if len(olds) > 1:
            yield Fault(CheckId.UIDS, f"{len(olds)} different UIDs all became {new[:40]}: give each its own")


def _check_reference(
    file: OutputFile, uid: PlantedIdentifier, new_of: dict[str, set[str]], images: set[str]
) -> Iterator[Finding]:
    """Check a UID that stands elsewhere than in its own attribute."""
    is_reference = uid.path.endswith(REFERENCED_SOP_INSTANCE) and uid.token in images
    new = file.contents.at(uid.path)
    right = new_of.get(uid.token, set())
    if not right and new and uid.token != new:
        right = {new}
        new_of[uid.token].add(new)
    resolves = new in right
    if is_reference:
        yield Kept("references", resolves)
    if not new and is_reference:
        yield Fault(
            CheckId.UIDS,
            f"{attribute(uid.path)}, which says to which image this one belongs, is gone: put the new UID there",
            file.name,
        )
    elif not new and uid.path == FRAME_OF_REFERENCE:
        yield Fault(
            CheckId.UIDS,
            f"{attribute(uid.path)}, which says which images lie in one space, is gone: give it a new UID",
            file.name,
        )
    elif new and new != uid.token and not resolves:
        yield Fault(
            CheckId.UIDS,
            f"{attribute(uid.path)} leads nowhere: replace it by the new UID of what it referred to",
            file.name,
        )


def check_dates(evidence: StudyEvidence) -> Iterator[Finding]:
    """Dates may be removed, but StudyDate is to be moved, and all that remain are moved by the same number of days."""
    shifts: dict[int, list[str]] = defaultdict(list)
    dates = _by_image(
        text
        for text in evidence.planted
        if text.kind is Identifier.DATE
        and text.location in (Location.HEADER, Location.NESTED)
        and text.path != BIRTH_DATE
    )
    for file, instance in evidence.made:
        moved = {STUDY_DATE: evidence.study.date} | {text.path: text.token for text in dates[instance.sop_instance_uid]}
        kept = True
        for path, old in moved.items():
            new = file.contents.at(path)
            before, after = date_of(old), date_of(new)
            if not new and path == STUDY_DATE:
                kept = False
                yield Fault(
                    CheckId.DATES,
                    "StudyDate (0008,0020) is gone: move all dates by one secret number of days, so that the time "
                    "between examinations survives",
                    file.name,
                )
            elif new and after is None:
                yield Fault(CheckId.DATES, f"{attribute(path)} is no date ({new[:20]!r})", file.name)
            elif before is not None and after is not None:
                shifts[(after - before).days].append(f"{attribute(path)} of {file.name}")
        if not instance.document:
            yield Kept("dates", kept)
    if len(shifts) > 1:
        rare, *_, usual = sorted(shifts, key=lambda days: (len(shifts[days]), days))
        yield Fault(
            CheckId.DATES,
            f"{shifts[rare][0]} was moved by {rare} days, {shifts[usual][0]} by {usual}: one patient's dates must all "
            "be moved by the same number of days",
        )


def _by_image(planted: Iterable[PlantedIdentifier]) -> dict[str, list[PlantedIdentifier]]:
    found: dict[str, list[PlantedIdentifier]] = defaultdict(list)
    for text in planted:
        found[text.sop_instance_uid].append(text)
    return found
