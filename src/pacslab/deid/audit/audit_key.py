"""The answer key as an audit of some studies needs it: their images, patients and search terms, each indexed once."""

from __future__ import annotations

from collections import defaultdict
from functools import cached_property
from typing import TYPE_CHECKING

from pacslab.cohort import Location
from pacslab.deid.audit.pixels.image_index import ImageIndex
from pacslab.deid.search.index import IdentifierIndex
from pacslab.deid.search.search_terms import common_words, search_terms_of

if TYPE_CHECKING:
    from pacslab.cohort import AnswerKey, InstanceKey, PatientKey, PlantedIdentifier, StudyKey


class AuditKey:
    """The answer key of an archive, and its studies that were to be de-identified; nothing of it changes.

    Parameters
    ----------
    key
        The answer key of the whole archive.
    studies
        The studies to audit, which may be of many patients.

    """

    def __init__(self, key: AnswerKey, studies: tuple[StudyKey, ...]) -> None:
        self.key = key
        self.studies = studies
        self.instances = tuple(instance for study in studies for instance in study.instances)
        self._patients = {
            instance.sop_instance_uid: patient.index
            for patient in key.patients
            for study in patient.studies
            for instance in study.instances
        }
        self._studies = {instance.sop_instance_uid: study for study in studies for instance in study.instances}
        self._people = {study.study_instance_uid: patient for patient in key.patients for study in patient.studies}
        self._planted = key.planted_in({instance.sop_instance_uid for instance in self.instances})
        self.patients = frozenset(self._patients[instance.sop_instance_uid] for instance in self.instances)
        self.terms = IdentifierIndex(search_terms_of(key, studies, self._planted), common_words(key))
        self.images = ImageIndex(self.instances, self._planted)
        self.other_images = _images_but(key, self.instances)
        self._faces = {
            planted.sop_instance_uid: planted for planted in self._planted if planted.location is Location.FACE
        }

    def study_of(self, instance: InstanceKey) -> StudyKey:
        """Return the study of an image."""
        return self._studies[instance.sop_instance_uid]

    def patient_of(self, instance: InstanceKey) -> int:
        """Return the number of the patient of an image."""
        return self._patients[instance.sop_instance_uid]

    def person(self, study: StudyKey) -> PatientKey:
        """Return the patient of a study."""
        return self._people[study.study_instance_uid]

    def images_beside(self, instance: InstanceKey | None) -> tuple[InstanceKey, ...]:
        """Return the images of the study of an image; all images where it is none."""
        if instance is None:
            return self.instances
        return self._studies[instance.sop_instance_uid].instances

    def patients_of(self, instance: InstanceKey | None) -> frozenset[int]:
        """Return the patient of an image; of a file that is none, the only patient there is, or none."""
        if instance is not None:
            return frozenset({self.patient_of(instance)})
        return self.patients if len(self.patients) == 1 else frozenset()

    def face_of(self, instance: InstanceKey | None) -> PlantedIdentifier | None:
        """Return the part of a face that an image shows."""
        return self._faces.get(instance.sop_instance_uid) if instance is not None else None

    def drawn_in(self, instance: InstanceKey | None) -> list[PlantedIdentifier]:
        """Return the text drawn in overlays and icons of an image; of every image where it is not known which."""
        if instance is not None:
            return self._drawn.get(instance.sop_instance_uid, [])
        return [planted for drawn in self._drawn.values() for planted in drawn]

    def location_at(self, instance: InstanceKey | None, path: str) -> Location | None:
        """Return the kind of place that a path of an image is, where something was planted there."""
        return self._locations.get((instance.sop_instance_uid, path)) if instance is not None else None

    @cached_property
    def _drawn(self) -> dict[str, list[PlantedIdentifier]]:
        drawn: dict[str, list[PlantedIdentifier]] = defaultdict(list)
        for planted in self._planted:
            if planted.location in (Location.OVERLAY, Location.ICON) and planted.box is not None:
                drawn[planted.sop_instance_uid].append(planted)
        return dict(drawn)

    @cached_property
    def _locations(self) -> dict[tuple[str, str], Location]:
        locations: dict[tuple[str, str], Location] = {}
        for planted in self._planted:
            locations.setdefault((planted.sop_instance_uid, planted.path), planted.location)
        return locations


def _images_but(key: AnswerKey, instances: tuple[InstanceKey, ...]) -> ImageIndex:
    """Return the archive's images of other studies, but heads, of which only the brain is known."""
    studied = {instance.sop_instance_uid for instance in instances}
    others = tuple(
        instance for instance in key.instances() if instance.sop_instance_uid not in studied and not instance.face
    )
    return ImageIndex(others, key.planted_in({instance.sop_instance_uid for instance in others}))
