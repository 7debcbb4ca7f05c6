"""Plan of a cohort: every study, series and instance with its UIDs, before any pixel is generated."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from pacslab.cohort.encoding.transfer_syntaxes import Syntax
    from pacslab.cohort.plan.instance_kinds import Content
    from pacslab.cohort.plan.patients import Person
    from pacslab.cohort.recipe.sections import Kind, ReportedFinding, Staff, StudyMix
    from pacslab.cohort.recipe.traps import Trap


@dataclass(frozen=True)
class InstancePlan:
    """One instance of a series; ``number`` counts from 1."""

    uid: str
    number: int
    file_name: str
    time: datetime

    @property
    def name(self) -> str:
        """Return the file's name without its folder."""
        return self.file_name.rsplit("/", 1)[-1]


@dataclass(frozen=True)
class SeriesPlan:
    """One series."""

    uid: str
    number: int
    content: Content
    description: str
    time: datetime
    instances: tuple[InstancePlan, ...]


@dataclass(frozen=True)
class StudyPlan:
    """One study: patient, order, staff, device and series.

    ``patient_id`` is the PatientID that the patient was registered under that day; ``traps`` are the places where the
    study hides identifiers; ``day_uid`` is a UID that spells out the day.
    """

    index: int
    person: Person
    patient_id: str
    traps: frozenset[Trap]
    syntax: Syntax
    day_uid: str
    ward: str
    mix: StudyMix
    uid: str
    frame_of_reference: str
    time: datetime
    accession: str
    study_id: str
    order: str
    step: str
    referring: Staff
    reading: Staff
    operator: Staff
    serial_number: str
    findings: tuple[ReportedFinding, ...]
    series: tuple[SeriesPlan, ...]

    @property
    def kind(self) -> Kind:
        """Return the kind of study."""
        return self.mix.kind

    @property
    def finding(self) -> ReportedFinding:
        """Return the finding of the first image."""
        return self.findings[0]

    def has(self, content: Content) -> bool:
        """Return whether the study has a series of this content."""
        return any(series.content is content for series in self.series)

    @property
    def images(self) -> tuple[tuple[SeriesPlan, InstancePlan], ...]:
        """Return every image that shows the patient, with its series."""
        return tuple(
            (series, instance) for series in self.series if series.content.image for instance in series.instances
        )


@dataclass(frozen=True)
class CohortPlan:
    """Patients and studies of a cohort, and the indices of the patients and the study that questions ask about."""

    people: tuple[Person, ...]
    studies: tuple[StudyPlan, ...]
    follow_up: StudyPlan
    asked_number: int
    asked_cover_page: int
    asked_report: int
    clinic_study: int

    def studies_of(self, person: Person) -> tuple[StudyPlan, ...]:
        """Return a patient's studies in order of time."""
        studies = (study for study in self.studies if study.person is person)
        return tuple(sorted(studies, key=lambda study: study.time))

    def canaries(self) -> set[str]:
        """Return the identifiers that no other student's cohort holds.

        Dates and other quasi-identifiers are left out (see :mod:`pacslab.cohort.recipe.fictional`).
        """
        found = {identifier for person in self.people for identifier in person.identifiers}
        for study in (*self.studies, self.follow_up):
            found |= {study.uid, study.frame_of_reference, study.day_uid, study.accession, study.study_id}
            found |= {study.order, study.step, study.serial_number}
            for series in study.series:
                found |= {series.uid, *(instance.uid for instance in series.instances)}
        return found
