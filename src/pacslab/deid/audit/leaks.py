"""Convert the occurrences in a file, and what its pixels show, to leaks, once it is known which image it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pacslab.cohort import Identifier, Keeping, Location
from pacslab.deid.audit.pixels.graphics import text_left
from pacslab.deid.audit.report.model import CheckId, Leak, check_of
from pacslab.deid.dicom.dicomdir import patients_of_records, record_at, referenced
from pacslab.deid.search.text_forms import words_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pacslab.cohort import InstanceKey, PlantedIdentifier
    from pacslab.deid.audit.audit_key import AuditKey
    from pacslab.deid.audit.changed_pictures import SearchAccount
    from pacslab.deid.audit.match import OutputFile
    from pacslab.deid.audit.occurrences import Occurrence
    from pacslab.deid.audit.pixels.graphics import Graphic
    from pacslab.deid.audit.scan import FileScan
    from pacslab.deid.search.identifier import SearchTerm

_HEADER_LIKE = {Location.HEADER, Location.NESTED, Location.FILE_META}


def leaks_in_file(scan: FileScan, file: OutputFile | None, archive: AuditKey) -> Iterator[Leak]:
    """Yield the leaks of a file, each once at each place; ``file`` is None for one that is not DICOM."""
    instance = file.instance if file is not None else None
    patients = archive.patients_of(instance)
    shown = [instance] if instance is not None else []
    occurrences = [
        (occurrence, patients) for occurrence in scan.occurrences if not _is_finding(occurrence.match.term, shown)
    ]
    yield from _leaks(scan.name, occurrences, instance, archive)
    if file is not None:
        yield from _leaks_in_pixels(file, patients, archive)


def leaks_in_directory(
    scan: FileScan, files: Iterable[OutputFile], archive: AuditKey, account: SearchAccount
) -> tuple[list[Leak], list[str]]:
    """Return the leaks of a DICOMDIR, and the paths of icons that cannot be searched.

    Each DICOMDIR record is searched for the identifiers of the patient it belongs to. An icon of no known image is
    searched for every text, which counts as a search.
    """
    by_name = {file.name.upper(): file.instance for file in files if file.instance is not None}
    by_uid = {instance.sop_instance_uid: instance for instance in archive.instances}
    by_uid |= {file.contents.text_of("SOPInstanceUID"): file.instance for file in files if file.instance is not None}
    shown = referenced(scan.records, scan.name, by_name, by_uid)
    own = [{archive.patient_of(instance) for instance in instances} for instances in shown]
    owners = [patients or archive.patients_of(None) for patients in patients_of_records(scan.records, own)]
    occurrences = []
    for occurrence in scan.occurrences:
        number = record_at(occurrence.place)
        patients = archive.patients_of(None) if number is None else owners[number]
        theirs = (instance for instance in archive.instances if archive.patient_of(instance) in patients)
        if not _is_finding(occurrence.match.term, theirs):
            occurrences.append((occurrence, patients))
    leaks = [*_leaks(scan.name, occurrences, None, archive)]
    unsearched = []
    for graphic in scan.graphics:
        number = record_at(graphic.path)
        instances = shown[number] if number is not None else []
        if not instances:
            account.spend(1)
        if graphic.plane is None or account.left < 0:
            unsearched.append(graphic.path)
            continue
        left = text_left([graphic], archive.drawn_in(instances[0] if instances else None))
        leaks += [_leak_in_graphic(scan.name, graphic, text, archive) for _, text in left]
    return leaks, unsearched


def _leaks(
    name: str,
    occurrences: list[tuple[Occurrence, frozenset[int]]],
    instance: InstanceKey | None,
    archive: AuditKey,
) -> Iterable[Leak]:
    """Convert occurrences in a file to leaks; those of no patient in the study are dropped.

    Parameters
    ----------
    name, instance
        The file's name, and the image that it was made from.
    occurrences
        Each with the patients to whom the part of the file belongs; none where it is not known.
    archive
        The answer key.

    """
    leaks: dict[tuple[str, str], Leak] = {}
    in_pdf: set[str] = set()
    for occurrence, patients in occurrences:
        term = occurrence.match.term
        if not occurrence.match.alone and not patients & term.owners:
            continue
        if occurrence.place == "pdf stream" and term.token in in_pdf:
            continue
        if occurrence.location is Location.PDF:
            in_pdf.add(term.token)
        listed = archive.location_at(instance, occurrence.place)
        leaks.setdefault((occurrence.place, term.token), _leak_of(name, occurrence, patients, listed))
    return leaks.values()


def _leak_of(file: str, occurrence: Occurrence, patients: frozenset[int], listed: Location | None) -> Leak:
    """Return an occurrence as a leak; ``listed`` is what the answer key calls its place, where it knows it."""
    term, location = occurrence.match.term, occurrence.location
    if term.kind is Identifier.UID and location in _HEADER_LIKE:
        location = Location.UID
    return Leak(
        file=file,
        check=check_of(location, term.kind),
        location=listed or location,
        kind=term.kind,
        place=occurrence.place,
        line=occurrence.line,
        token=term.token,
        words=term.words,
        patient=min(patients & term.owners or term.owners, default=None),
        of_patient=term.of_patient,
    )


def _is_finding(term: SearchTerm, shown: Iterable[InstanceKey]) -> bool:
    """Whether a diagnosis that identifies the patient elsewhere is what images show, and so must be kept."""
    if term.kind is not Identifier.OTHER:
        return False
    words = " ".join(term.parts)
    return any(
        kept.keeping is Keeping.MEANING and f" {words} " in f" {' '.join(words_of(kept.text))} "
        for instance in shown
        for kept in instance.kept
    )


def _leaks_in_pixels(file: OutputFile, patients: frozenset[int], archive: AuditKey) -> Iterator[Leak]:
    """Yield the face, the text in overlays and icons, and the burned-in text that are left in a file."""
    face = file.pixels.face
    if face is not None:
        leak = _leak_in_picture(file.name, face, CheckId.PIXELS, Location.FACE, face.path)
        yield leak.model_copy(update={"words": "the patient's face", "of_patient": True})
    if file.graphics:
        for graphic, text in text_left(file.graphics, archive.drawn_in(file.instance)):
            yield _leak_in_graphic(file.name, graphic, text, archive)
    document = file.instance is not None and file.instance.document
    for text in (*file.pixels.standing, *file.pixels.moved):
        term = archive.terms.by_token(text.token)
        check = CheckId.DOCUMENTS if document else CheckId.PIXELS
        leak = _leak_in_picture(file.name, text, check, Location.PIXELS, "pixels")
        patient = min(patients & term.owners, default=text.patient)
        yield leak.model_copy(update={"words": term.words, "of_patient": term.of_patient, "patient": patient})


def _leak_in_graphic(file: str, graphic: Graphic, text: PlantedIdentifier, archive: AuditKey) -> Leak:
    """Return text that is left in an overlay or an icon."""
    term = archive.terms.by_token(text.token)
    leak = _leak_in_picture(file, text, check_of(graphic.location, text.kind), graphic.location, graphic.path)
    return leak.model_copy(update={"words": term.words, "of_patient": term.of_patient})


def _leak_in_picture(file: str, planted: PlantedIdentifier, check: CheckId, location: Location, place: str) -> Leak:
    return Leak(
        file=file,
        check=check,
        location=location,
        kind=planted.kind,
        place=place,
        token=planted.token,
        words="",
        patient=planted.patient,
    )
