"""What an audit saw: the files of an output, the identifiers found in each, and which image each was made from."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pacslab.cohort import InstanceKey, Location, PlantedIdentifier, StudyKey
    from pacslab.deid.audit.graphics import Graphic
    from pacslab.deid.audit.report.model import Leak
    from pacslab.deid.dicom.attribute_texts import Contents
    from pacslab.deid.dicom.dicomdir import DirectoryRecord
    from pacslab.deid.search.index import Match


@dataclass(frozen=True)
class Occurrence:
    """An identifier found at a place of a file, in a line of a PDF's page, before it is known whose file it is."""

    place: str
    location: Location
    found: Match
    line: int = 0


@dataclass
class OutputFile:
    """One DICOM file of the output, its pixels already looked at and let go.

    ``instance`` is the image it was made from (None for a file that belongs to no image of the study); ``intact`` says
    whether the pixels outside the burned-in text are those of that image. ``foreign`` says that it is an image of
    another study as the archive holds it, with its own text painted over: none of this study's can stand in it.
    ``undecodable`` says why pixels could not be looked at (empty if they could), ``has_pixels`` whether there are any.
    ``face`` is the part of a face that is left, ``graphics`` are overlays and icons, ``drawn`` is the text that is left
    in them.
    """

    name: str
    contents: Contents
    has_pixels: bool
    shape: tuple[int, ...] = ()
    undecodable: str = ""
    intact: bool = False
    foreign: bool = False
    instance: InstanceKey | None = None
    burned: tuple[PlantedIdentifier, ...] = ()
    standing: tuple[PlantedIdentifier, ...] = ()
    face: PlantedIdentifier | None = None
    graphics: tuple[Graphic, ...] = ()
    drawn: tuple[tuple[Graphic, PlantedIdentifier], ...] = ()
    picture: bytes = b""


@dataclass
class FileScan:
    """What was seen in one file: ``file`` is None where it is no DICOM file that can be read; ``note`` says why.

    It is None for a DICOMDIR as well, of which ``records`` says what stands in it, and ``graphics`` are its icons.
    """

    name: str
    file: OutputFile | None = None
    sightings: list[Occurrence] = field(default_factory=list)
    note: str = ""
    records: tuple[DirectoryRecord, ...] = ()
    graphics: tuple[Graphic, ...] = ()


@dataclass
class OutputEvidence:
    """All files of the output, and every identifier found in them.

    ``unseen`` are (file, path) of icons of a DICOMDIR that nobody can look at.
    """

    files: list[OutputFile] = field(default_factory=list)
    leaks: list[Leak] = field(default_factory=list)
    unseen: list[tuple[str, str]] = field(default_factory=list)

    def of(self, instance: InstanceKey) -> OutputFile | None:
        """Return the file that was made from an image, or None if there is none."""
        for file in self.files:
            if file.instance is not None and file.instance.sop_instance_uid == instance.sop_instance_uid:
                return file
        return None

    def of_study(self, study: StudyKey) -> OutputEvidence:
        """Return the files that were made from images of one study, and what leaks in them."""
        uids = {one.sop_instance_uid for one in study.instances}
        mine = [file for file in self.files if file.instance is not None and file.instance.sop_instance_uid in uids]
        names = {file.name for file in mine}
        return OutputEvidence(mine, [leak for leak in self.leaks if leak.file in names])
