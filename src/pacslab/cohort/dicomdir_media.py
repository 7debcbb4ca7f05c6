"""A cohort as media: files with names of eight characters and a DICOMDIR (PS3.10 8, PS3.3 F, PS3.11)."""

from __future__ import annotations

import warnings
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pacslab.cohort.answer_key import Identifier, Location, PlantedIdentifier
from pacslab.cohort.plan.instance_kinds import Content
from pacslab.cohort.recipe.fictional import uid
from pacslab.cohort.recipe.traps import Trap

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pydicom.dataset import Dataset

    from pacslab.cohort.answer_key import AnswerKey, InstanceKey
    from pacslab.cohort.build import Cohort
    from pacslab.cohort.plan.plan import StudyPlan

    Recorder = Callable[[Dataset], Dataset]


def as_media(cohort: Cohort, files: Path, media: Path, key: AnswerKey) -> AnswerKey:
    """Copy files to media with a DICOMDIR; return the key with their names there, and with what the DICOMDIR says.

    Parameters
    ----------
    cohort
        Whose files they are.
    files, media
        The folder that holds them under their own names, and a folder that does not exist yet.
    key
        The cohort's whole key.

    """
    from pydicom.fileset import FileSet  # noqa: PLC0415 - only where a DICOMDIR is asked for
    from pydicom.uid import UID  # noqa: PLC0415

    fileset = FileSet()
    fileset.UID = UID(uid(cohort.variant.stream("DICOMDIR")))
    fileset.ID = "PACSLAB"
    with warnings.catch_warnings(), _records_of_documents():
        warnings.simplefilter("ignore")
        for path in sorted(files.rglob("*.dcm")):
            fileset.add(path)
        fileset.write(media)
    names = {str(one.SOPInstanceUID): Path(one.path).relative_to(media).as_posix() for one in fileset}

    def renamed(instance: InstanceKey) -> InstanceKey:
        return instance.model_copy(update={"file_name": names[instance.sop_instance_uid]})

    patients = []
    for patient in key.patients:
        studies = tuple(
            study.model_copy(update={"instances": tuple(renamed(one) for one in study.instances)})
            for study in patient.studies
        )
        patients.append(patient.model_copy(update={"studies": studies}))
    planted = [one for one in key.planted if one.location is not Location.FILE_NAME]
    planted += [one for study in cohort.plan.studies for one in _told(study)]
    return key.model_copy(update={"patients": tuple(patients), "planted": tuple(planted)})


@contextmanager
def _records_of_documents() -> Iterator[None]:
    """Let a document's record say of its content what PS3.3 F.5.27 asks for: not the findings, but when verified."""
    from pydicom.fileset import DIRECTORY_RECORDERS  # noqa: PLC0415 - only where a DICOMDIR is asked for

    def shortened(recorder: Recorder) -> Recorder:
        def record(dataset: Dataset) -> Dataset:
            entry = recorder(dataset)
            kept = [one for one in dataset.get("ContentSequence", ()) if one.RelationshipType == "HAS CONCEPT MOD"]
            if kept:
                entry.ContentSequence = kept
            elif "ContentSequence" in entry:
                del entry.ContentSequence
            if dataset.get("VerificationFlag") == "VERIFIED":
                entry.VerificationDateTime = dataset.VerifyingObserverSequence[-1].VerificationDateTime
            return entry

        return record

    types = ("SR DOCUMENT", "KEY OBJECT DOC")
    recorders: dict[str, Any] = DIRECTORY_RECORDERS
    before = {name: recorders[name] for name in types}
    recorders.update({name: shortened(recorder) for name, recorder in before.items()})
    try:
        yield
    finally:
        recorders.update(before)


def _told(study: StudyPlan) -> Iterator[PlantedIdentifier]:
    """Yield what the DICOMDIR says of a study and whose it is."""
    person = study.person
    told = [
        (Identifier.NAME, person.name),
        (Identifier.NAME, person.native),
        (person.kind_of(study.patient_id), study.patient_id),
        (Identifier.DATE, f"{study.time:%Y%m%d}"),
        (Identifier.RECORD_NUMBER, study.accession),
        (Identifier.RECORD_NUMBER, study.study_id),
        (Identifier.UID, study.uid),
        *((Identifier.UID, series.uid) for series in study.series),
        *((Identifier.UID, one.uid) for series in study.series for one in series.instances),
    ]
    if study.has(Content.REPORT) and Trap.PDF_TITLE in study.traps:
        told.append((Identifier.NAME, person.spoken))
    for kind, token in told:
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
