"""A cohort as media: files with names of eight characters and a DICOMDIR (PS3.10 8, PS3.3 F, PS3.11)."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from pacslab.cohort.answer_key import Identifier, Location, PlantedIdentifier
from pacslab.cohort.plan.instance_kinds import Content
from pacslab.cohort.recipe.fictional import uid
from pacslab.cohort.recipe.traps import Trap

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydicom.dataset import Dataset
    from pydicom.fileset import RecordNode

    from pacslab.cohort.answer_key import AnswerKey, InstanceKey
    from pacslab.cohort.build import Cohort
    from pacslab.cohort.plan.plan import StudyPlan

_DOCUMENT_RECORDS = {"SR": "SR DOCUMENT", "KO": "KEY OBJECT DOC"}
"""The directory record of a structured report and of a key object selection, by Modality (PS3.3 F.5.27, F.5.33)."""


def as_media(cohort: Cohort, files: Path, media: Path, key: AnswerKey) -> AnswerKey:
    """Copy a cohort's files to media with a DICOMDIR.

    Parameters
    ----------
    cohort
        The cohort of these files.
    files, media
        The folder that holds them under their own names, and a folder that does not exist yet.
    key
        The cohort's whole key.

    Returns
    -------
    AnswerKey
        The key with the files' names on the media, and with the identifiers that the DICOMDIR holds.

    """
    from pydicom import dcmread  # noqa: PLC0415 - only where a DICOMDIR is asked for
    from pydicom.fileset import FileSet  # noqa: PLC0415
    from pydicom.uid import UID  # noqa: PLC0415

    fileset = FileSet()
    fileset.UID = UID(uid(cohort.variant.stream("DICOMDIR")))
    fileset.ID = "PACSLAB"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for path in sorted(files.rglob("*.dcm")):
            dataset = dcmread(path)
            if dataset.Modality in _DOCUMENT_RECORDS:
                fileset.add_custom(dataset, _document_node(dataset))
            else:
                fileset.add(dataset)
        fileset.write(media)
    names = {str(file.SOPInstanceUID): Path(file.path).relative_to(media).as_posix() for file in fileset}
    planted = [identifier for identifier in key.planted if identifier.location is not Location.FILE_NAME]
    planted += [identifier for study in cohort.plan.studies for identifier in _directory_identifiers(study)]
    return _renamed(key, names).model_copy(update={"planted": tuple(planted)})


def _renamed(key: AnswerKey, names: dict[str, str]) -> AnswerKey:
    """Return a key with other file names, given by SOP Instance UID."""

    def renamed(instance: InstanceKey) -> InstanceKey:
        return instance.model_copy(update={"file_name": names[instance.sop_instance_uid]})

    patients = []
    for patient in key.patients:
        studies = tuple(
            study.model_copy(update={"instances": tuple(renamed(instance) for instance in study.instances)})
            for study in patient.studies
        )
        patients.append(patient.model_copy(update={"studies": studies}))
    return key.model_copy(update={"patients": tuple(patients)})


def _document_node(dataset: Dataset) -> RecordNode:
    """Return the directory records of a document, from PATIENT down to its own.

    pydicom's record of a document copies the whole ContentSequence, findings included. PS3.3 F.5.27 and F.5.33 ask
    only for the modifiers of the title, and for the time of the last verification.
    """
    from pydicom.fileset import DIRECTORY_RECORDERS, RecordNode  # noqa: PLC0415 - only where a DICOMDIR is asked for

    def record(record_type: str) -> Dataset:
        entry = DIRECTORY_RECORDERS[record_type](dataset)
        entry.DirectoryRecordType = record_type
        if "SpecificCharacterSet" in dataset:
            entry.SpecificCharacterSet = dataset.SpecificCharacterSet
        return entry

    branch = RecordNode(record("PATIENT"))
    for record_type in ("STUDY", "SERIES"):
        parent, branch = branch, RecordNode(record(record_type))
        branch.parent = parent
    leaf = RecordNode(_without_findings(record(_DOCUMENT_RECORDS[dataset.Modality]), dataset))
    leaf.parent = branch
    return leaf


def _without_findings(record: Dataset, dataset: Dataset) -> Dataset:
    record.ReferencedSOPInstanceUIDInFile = dataset.SOPInstanceUID
    modifiers = [item for item in dataset.get("ContentSequence", ()) if item.RelationshipType == "HAS CONCEPT MOD"]
    if modifiers:
        record.ContentSequence = modifiers
    elif "ContentSequence" in record:
        del record.ContentSequence
    if dataset.get("VerificationFlag") == "VERIFIED":
        record.VerificationDateTime = dataset.VerifyingObserverSequence[-1].VerificationDateTime
    return record


def _directory_identifiers(study: StudyPlan) -> Iterator[PlantedIdentifier]:
    """Yield the identifiers of a study that the DICOMDIR holds."""
    person = study.person
    tokens = [
        (Identifier.NAME, person.name),
        (Identifier.NAME, person.native),
        (person.kind_of(study.patient_id), study.patient_id),
        (Identifier.DATE, f"{study.time:%Y%m%d}"),
        (Identifier.RECORD_NUMBER, study.accession),
        (Identifier.RECORD_NUMBER, study.study_id),
        (Identifier.UID, study.uid),
        *((Identifier.UID, series.uid) for series in study.series),
        *((Identifier.UID, instance.uid) for series in study.series for instance in series.instances),
    ]
    if study.has(Content.REPORT) and Trap.PDF_TITLE in study.traps:
        tokens.append((Identifier.NAME, person.spoken))
    for kind, token in tokens:
        if token:
            yield PlantedIdentifier(
                sop_instance_uid="",
                patient=person.index,
                location=Location.DICOMDIR,
                kind=kind,
                path="DICOMDIR",
                token=token,
                action="X",
            )
