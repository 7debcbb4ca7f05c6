"""A hospital's files without a fault on media, with a DICOMDIR in which one thing at a time is spoilt."""

from __future__ import annotations

import io
import re
import warnings
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pydicom
from pydicom.fileset import FileSet

from pacslab.deid.audit.changed_pictures import SearchBudget
from pacslab.deid.audit.checks.identifiers import leak_faults
from pacslab.deid.audit.checks.pictures import check_icons_readable
from pacslab.deid.audit.evidence import collect_evidence
from pacslab.deid.audit.report.model import CheckId
from pacslab.deid.audit.verdicts import AuditVerdicts
from pacslab.deid.dicom.output_folder import quiet_pydicom
from tests.support.single_faults import Case, Hospital, attribute_back, hospital, written

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydicom.dataset import Dataset, FileDataset

    from pacslab.deid.audit.report.model import Leak

LEVELS = ("PATIENT", "STUDY", "SERIES", "IMAGE")
_PATIENT = "0010,0010 0010,0020 0010,0030 0010,1001 0010,1002 0010,1010 0010,1040"
_STUDY = "0008,0020 0008,0050 0008,0090 0008,1030 0008,1032 0020,000D 0020,0010"
_SERIES = "0008,0021 0008,0080 0008,0081 0008,103E 0008,1050 0020,000E 0040,0275"
OF_LEVEL = {"PATIENT": _PATIENT.split(), "STUDY": _STUDY.split(), "SERIES": _SERIES.split()}
"""What PS3.3 F.5 and PS3.3 C.7 say of a patient, a study and a series; everything else is an image's."""
SOP_INSTANCE, REFERENCED_SOP_INSTANCE = "(0008,0018)", "(0004,1511)"


class Media:
    """A hospital's files without a fault on media, in which the DICOMDIR alone is spoilt; each file is read once."""

    def __init__(self, place: Hospital) -> None:
        self.place = place
        fileset = FileSet()
        uids = {}
        for uid, content in place.clean.items():
            dataset = pydicom.dcmread(io.BytesIO(content))
            dataset.StudyID = "1"  # a directory wants one
            if "EncapsulatedDocument" in dataset:
                dataset.MIMETypeOfEncapsulatedDocument = "application/pdf"
            uids[str(dataset.SOPInstanceUID)] = uid
            fileset.add(dataset)
        with TemporaryDirectory() as folder, quiet_pydicom():
            fileset.write(folder)
            root = Path(folder)
            paths = (path for path in root.rglob("*") if path.is_file())
            self.files = {path.relative_to(root).as_posix(): path.read_bytes() for path in paths}
            self.seen = {name: place.scanner.scan(name, content) for name, content in self.files.items()}
        self.records = self.directory().DirectoryRecordSequence
        self.of_image = {uids[record.ReferencedSOPInstanceUIDInFile]: at for at, record in self._images()}
        self.name_of = {uid: "/".join(self.records[at].ReferencedFileID) for uid, at in self.of_image.items()}

    def _images(self) -> Iterator[tuple[int, Dataset]]:
        return ((at, record) for at, record in enumerate(self.records) if "ReferencedSOPInstanceUIDInFile" in record)

    def directory(self) -> FileDataset:
        return pydicom.dcmread(io.BytesIO(self.files["DICOMDIR"]))

    def record(self, uid: str, level: str = "IMAGE") -> int:
        """Return the number of an image's record, or of its series', study's or patient's."""
        at = self.of_image[uid]
        while level != "IMAGE" and self.records[at].DirectoryRecordType != level:
            at -= 1
        return at

    def leaks(self, directory: FileDataset, without: str = "") -> tuple[set[str], list[Leak]]:
        """Return the checks that leaks fail, and the leaks, with another DICOMDIR; ``without`` is a file left out."""
        with quiet_pydicom():
            changed = self.place.scanner.scan("DICOMDIR", written(directory))
            files = [scan for name, scan in self.seen.items() if scan.image is not None and name != without]
            evidence = collect_evidence(
                [changed, *files], self.place.archive, self.files.__getitem__, SearchBudget(1000)
            )
        verdicts = AuditVerdicts([*leak_faults(evidence.leaks), *check_icons_readable(evidence.unsearched)])
        return {str(check) for check in CheckId if verdicts.failed(check)}, list(evidence.leaks)


@cache
def media(name: str) -> Media:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return Media(hospital(name))


def level_of(path: str) -> str:
    return next((level for level, tags in OF_LEVEL.items() if path[1:10] in tags), "IMAGE")


def cases_of(on: Media) -> list[Case]:
    """Return the attributes of datasets that a record may repeat: each once for each type of record."""
    found: dict[tuple[str, ...], Case] = {}
    for case in on.place.cases:
        identifier = case.planted
        if identifier.path.startswith("(") and not identifier.path.startswith("(0002,") and identifier.box is None:
            number = on.record(identifier.sop_instance_uid, level_of(identifier.path))
            record, path = on.records[number].DirectoryRecordType, re.sub(r"\[\d+\]", "", identifier.path)
            found.setdefault((record, identifier.kind, path), case)
    return list(found.values())


def spoilt(on: Media, case: Case) -> tuple[FileDataset, str]:
    """Return the DICOMDIR with a case's identifier in the record that it belongs to, and where it then stands."""
    identifier = case.planted
    number = on.record(identifier.sop_instance_uid, level_of(identifier.path))
    path = REFERENCED_SOP_INSTANCE if identifier.path == SOP_INSTANCE else identifier.path
    directory = on.directory()
    record = directory.DirectoryRecordSequence[number]
    if identifier.path == SOP_INSTANCE:
        record.ReferencedSOPInstanceUIDInFile = identifier.token
    else:
        attribute_back(
            on.place.original(identifier.sop_instance_uid), record, identifier, identifier.written or identifier.token
        )
    return directory, f"(0004,1220)[{number}].{path}"
