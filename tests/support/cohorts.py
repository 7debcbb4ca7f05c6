"""Cohorts as they come from the archive, with the answer key that knows their files."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from pacslab.cohort import build_cohort, load_recipe
from pacslab.scenario import make_variant

if TYPE_CHECKING:
    from pacslab.cohort import AnswerKey, StudyKey


@dataclass(frozen=True)
class Original:
    """The study to de-identify, its files by name as they came from the archive, and the answer key."""

    key: AnswerKey
    study: StudyKey
    files: dict[str, bytes]

    @property
    def images(self) -> list[bytes]:
        """The files of the study's images, in order."""
        return [self.files[instance.file_name] for instance in self.study.instances if not instance.document]


@cache
def original(student: str = "student") -> Original:
    """Return a student's study; also for tests that are generated from the answer key."""
    cohort = build_cohort(load_recipe("district-hospital"), make_variant("open-archive", student))
    key = cohort.answer_key()
    uid = key.facts["deid_study_uid"]
    plan = next(other_study for other_study in cohort.plan.studies if other_study.uid == uid)
    return Original(key, key.study(uid), dict(cohort.study_files(plan)))


@dataclass(frozen=True)
class Whole:
    """A whole cohort: its files by name as they came from the archive, and a key that knows every one of them."""

    key: AnswerKey
    files: dict[str, bytes]

    def patients_with_several_studies(self) -> list[int]:
        return [patient.index for patient in self.key.patients if len(patient.studies) > 1]


@cache
def whole(student: str = "student") -> Whole:
    cohort = build_cohort(load_recipe("district-hospital"), make_variant("open-archive", student))
    return Whole(cohort.answer_key(), dict(cohort.instances()))
