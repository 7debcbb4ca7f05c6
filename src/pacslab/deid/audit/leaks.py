"""What was seen in a file, as leaks: what it is, where, whom it gives away, and which check tells of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pacslab.cohort import Identifier, Location
from pacslab.deid.audit.report.model import CheckId, Leak, check_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pacslab.cohort import PlantedIdentifier
    from pacslab.deid.audit.evidence import Occurrence, OutputFile
    from pacslab.deid.audit.graphics import Graphic
    from pacslab.deid.search.identifier import SearchTerm
    from pacslab.deid.search.index import IdentifierIndex

_HEADER_LIKE = {Location.HEADER, Location.NESTED, Location.FILE_META}


def leak_of(file: str, sighting: Occurrence, patients: frozenset[int], stood: Location | None = None) -> Leak:
    """Return an identifier as a leak.

    Parameters
    ----------
    file
        The file's name.
    sighting
        What was seen in it.
    patients
        Whose file it is, or whose part of it; empty where nobody knows.
    stood
        What kind of place the answer key calls its place, where it knows it.

    """
    needle, location = sighting.found.needle, sighting.location
    if needle.kind is Identifier.UID and location in _HEADER_LIKE:
        location = Location.UID
    return Leak(
        file=file,
        check=check_of(location, needle.kind),
        location=stood or location,
        kind=needle.kind,
        place=sighting.place,
        line=sighting.line,
        token=needle.token,
        words=needle.words,
        patient=min(patients & needle.owners or needle.owners, default=None),
        of_patient=needle.of_patient,
    )


def leaks_in_pixels(file: OutputFile, patients: frozenset[int], needles: IdentifierIndex) -> Iterator[Leak]:
    """Yield what can be read in a file's picture and beside it, and the face that it shows; ``patients`` are whose."""
    if file.face is not None:
        yield _drawn(file.name, file.face, "the patient's face", CheckId.PIXELS, Location.FACE, file.face.path)
    for graphic, one in file.drawn:
        yield leak_in_graphic(file.name, graphic, one, needles)
    document = file.instance is not None and file.instance.document
    for one in file.burned:
        needle = needles.by_token(one.token)
        check = CheckId.DOCUMENTS if document else CheckId.PIXELS
        leak = _drawn(file.name, one, needle, check, Location.PIXELS, "pixels")
        yield leak.model_copy(update={"patient": min(patients & needle.owners, default=one.patient)})


def leak_in_graphic(file: str, graphic: Graphic, one: PlantedIdentifier, needles: IdentifierIndex) -> Leak:
    """Return text that is left in an overlay or an icon."""
    needle = needles.by_token(one.token)
    return _drawn(file, one, needle, check_of(graphic.location, one.kind), graphic.location, graphic.path)


def _drawn(  # noqa: PLR0917
    file: str, one: PlantedIdentifier, needle: SearchTerm | str, check: CheckId, location: Location, place: str
) -> Leak:
    return Leak(
        file=file,
        check=check,
        location=location,
        kind=one.kind,
        place=place,
        token=one.token,
        words=needle if isinstance(needle, str) else needle.words,
        patient=one.patient,
        of_patient=isinstance(needle, str) or needle.of_patient,
    )
