"""The evidence of one study: the files that were made from its images, each with the image, and what was planted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pacslab.cohort import AnswerKey, InstanceKey, PatientKey, PlantedIdentifier, StudyKey
    from pacslab.deid.audit.evidence import Evidence
    from pacslab.deid.audit.match import OutputFile
    from pacslab.deid.audit.report.model import Leak


@dataclass(frozen=True)
class StudyEvidence:
    """What the checks of a study look at.

    ``required`` are the images that a research set must hold: all but scanned pages and PDF reports. ``made`` are the
    files that were made from images of the study, in the output's order, each with its image; ``present`` those of
    required images, in the study's order; ``file_of`` gives the file of an image by its SOP Instance UID. ``files``
    are all files that are judged with the study, strays among them, ``leaks`` what is left in them, ``unsearched`` and
    ``thumbnails`` as in :class:`pacslab.deid.audit.evidence.Evidence`.
    """

    patient: PatientKey
    study: StudyKey
    planted: tuple[PlantedIdentifier, ...]
    required: tuple[InstanceKey, ...]
    files: tuple[OutputFile, ...]
    made: tuple[tuple[OutputFile, InstanceKey], ...]
    present: tuple[tuple[OutputFile, InstanceKey], ...]
    file_of: Mapping[str, OutputFile]
    leaks: tuple[Leak, ...]
    unsearched: tuple[tuple[str, str], ...]
    thumbnails: Mapping[OutputFile, bytes]


def evidence_of_study(key: AnswerKey, study: StudyKey, evidence: Evidence) -> StudyEvidence:
    """Return the evidence of a study.

    Parameters
    ----------
    key, study
        The answer key, and the study of it.
    evidence
        The files that are judged with the study, and the leaks in them.

    """
    instances = {instance.sop_instance_uid: instance for instance in study.instances}
    made = tuple(
        (file, file.instance)
        for file in evidence.files
        if file.instance is not None and file.instance.sop_instance_uid in instances
    )
    file_of = {instance.sop_instance_uid: file for file, instance in made}
    required = tuple(instance for instance in study.instances if not instance.document)
    return StudyEvidence(
        patient=next(patient for patient in key.patients if study in patient.studies),
        study=study,
        planted=key.planted_in(set(instances)),
        required=required,
        files=evidence.files,
        made=made,
        present=tuple(
            (file_of[instance.sop_instance_uid], instance)
            for instance in required
            if instance.sop_instance_uid in file_of
        ),
        file_of=file_of,
        leaks=evidence.leaks,
        unsearched=evidence.unsearched,
        thumbnails=evidence.thumbnails,
    )
