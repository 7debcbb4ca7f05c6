"""Match each output file to the original image that it was made from, without trusting its name or its UIDs.

The pixels decide, as far as they are the original's. A file whose pixels were changed, and one without pixels, is
matched by its other attributes, and by the files that lie in the same study as it.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from pacslab.cohort import InstanceKey, StudyKey
    from pacslab.deid.audit.audit_key import AuditKey
    from pacslab.deid.audit.pixel_scan import PixelScan
    from pacslab.deid.audit.pixels.graphics import Graphic
    from pacslab.deid.audit.scan import FileScan, ImageScan
    from pacslab.deid.dicom.attribute_texts import Contents


@dataclass(frozen=True, eq=False)
class OutputFile:
    """One DICOM file of the output: ``instance`` is the image that it was made from, None where it is none.

    ``pixels`` is the scan of its pixels: a second one, where they were changed as a whole.
    """

    name: str
    image: ImageScan
    instance: InstanceKey | None
    pixels: PixelScan

    @property
    def contents(self) -> Contents:
        """Its values but the pixels."""
        return self.image.contents

    @property
    def has_pixels(self) -> bool:
        """Whether there are any pixels."""
        return self.image.has_pixels

    @property
    def graphics(self) -> tuple[Graphic, ...]:
        """Its overlays and icons."""
        return self.image.graphics

    @property
    def intact(self) -> bool:
        """Whether the pixels outside the burned-in text are those of an image of the studies."""
        return self.image.pixels.original is not None


def match(scans: Iterable[FileScan], archive: AuditKey) -> tuple[OutputFile, ...]:
    """Match files to the images they were made from: by their pixels; else by UID; else by kind and number.

    Parameters
    ----------
    scans
        All files of an output, in its order.
    archive
        The studies' images.

    Returns
    -------
    tuple[OutputFile, ...]
        One for each scan of a DICOM file, in the same order. A second copy of an image has no instance.

    """
    images = [(scan.name, scan.image) for scan in scans if scan.image is not None]
    assignment = _Assignment([image for _, image in images], archive)
    assignment.run()
    return tuple(
        OutputFile(name, image, assignment.instances.get(number), image.pixels)
        for number, (name, image) in enumerate(images)
    )


class _Assignment:
    """The assignment of files to instances while it is worked out: files are numbers, each instance is taken once."""

    def __init__(self, images: Sequence[ImageScan], archive: AuditKey) -> None:
        self.instances: dict[int, InstanceKey] = {}
        self._images = images
        self._archive = archive
        self._taken: set[str] = set()

    def run(self) -> None:
        """Assign what the pixels cannot tell first within the study of the files with the same Study Instance UID."""
        studies = self._archive.studies
        everything = range(len(self._images))
        self._by_pixels()
        self._assign(everything, self._archive.instances, (_same_uid,))
        for uid, study in self._originals_of_studies().items():
            rest = [number for number in everything if self._text(number, "StudyInstanceUID") == uid]
            self._assign(rest, study.instances, _ALIKE)
        if len(studies) == 1:
            self._assign(everything, studies[0].instances, _ALIKE)
        else:
            self._by_whole_studies()
            self._by_patient()

    def _text(self, number: int, keyword: str) -> str:
        return self._images[number].contents.text_of(keyword)

    def _by_pixels(self) -> None:
        for number, image in enumerate(self._images):
            original = image.pixels.original
            if original is not None and original.sop_instance_uid not in self._taken:
                self._take(number, original)

    def _take(self, number: int, instance: InstanceKey) -> None:
        self.instances[number] = instance
        self._taken.add(instance.sop_instance_uid)

    def _assign(
        self,
        numbers: Iterable[int],
        instances: Iterable[InstanceKey],
        ways: tuple[Callable[[Contents, InstanceKey], bool], ...],
    ) -> None:
        """Assign files without an instance, unless their pixels are an image's, to the first free one that is alike."""
        instances = list(instances)
        numbers = [number for number in numbers if self._unmatched(number)]
        for alike in ways:
            for number in numbers:
                if number not in self.instances:
                    contents = self._images[number].contents
                    free = (
                        instance
                        for instance in instances
                        if instance.sop_instance_uid not in self._taken and alike(contents, instance)
                    )
                    instance = next(free, None)
                    if instance is not None:
                        self._take(number, instance)

    def _unmatched(self, number: int) -> bool:
        return number not in self.instances and self._images[number].pixels.original is None

    def _originals_of_studies(self) -> dict[str, StudyKey]:
        """Return the study from which most files of each Study Instance UID were made, as far as files are matched.

        A UID that was not replaced is its study's.
        """
        studies = self._archive.studies
        home = {instance.sop_instance_uid: index for index, study in enumerate(studies) for instance in study.instances}
        votes: dict[str, Counter[int]] = defaultdict(Counter)
        for number in sorted(self.instances):
            votes[self._text(number, "StudyInstanceUID")][home[self.instances[number].sop_instance_uid]] += 1
        found = {uid: studies[counted.most_common(1)[0][0]] for uid, counted in votes.items()}
        return {study.study_instance_uid: study for study in studies} | found

    def _by_whole_studies(self) -> None:
        """Match unidentified output studies to missing original studies by the SOP classes they contain."""
        known = self._pseudonyms()
        groups: dict[str, list[int]] = defaultdict(list)
        for number in range(len(self._images)):
            if self._unmatched(number):
                groups[self._text(number, "StudyInstanceUID")].append(number)
        for rest in groups.values():
            kinds = Counter(self._text(number, "SOPClassUID") for number in rest)
            patient = known.get(self._text(rest[0], "PatientID"))
            fitting = [
                study
                for study in self._archive.studies
                if not any(instance.sop_instance_uid in self._taken for instance in study.instances)
                and patient in (None, self._archive.person(study).index)
                and Counter(instance.sop_class_uid for instance in study.instances) >= kinds
            ]
            if fitting:
                self._assign(rest, min(fitting, key=lambda study: self._unlike(rest[0], study)).instances, _ALIKE)

    def _by_patient(self) -> None:
        """Match files that lost their study to the missing images of the patient with their pseudonym."""
        known = self._pseudonyms()
        for number in range(len(self._images)):
            patient = known.get(self._text(number, "PatientID"))
            if number not in self.instances and patient is not None:
                mine = [study for study in self._archive.studies if self._archive.person(study).index == patient]
                self._assign([number], [instance for study in mine for instance in study.instances], _ALIKE)

    def _pseudonyms(self) -> dict[str, int]:
        """Return the patient of each new PatientID, as far as files are matched, and where it is one patient's."""
        found: dict[str, set[int]] = defaultdict(set)
        for number, instance in self.instances.items():
            found[self._text(number, "PatientID")].add(self._archive.patient_of(instance))
        return {pseudonym: min(owners) for pseudonym, owners in found.items() if len(owners) == 1}

    def _unlike(self, number: int, study: StudyKey) -> float:
        """Return how little of what stays fits: sex, description, and the age in years."""
        patient = self._archive.person(study)
        age = self._text(number, "PatientAge")[:3]
        years = int(study.date[:4]) - int(patient.birth_date[:4]) - (study.date[4:8] < patient.birth_date[4:8])
        return (
            20 * (self._text(number, "PatientSex") != patient.sex)
            + 10 * (self._text(number, "StudyDescription") != study.description)
            + (min(abs(int(age) - years), 15) if age.isdigit() else 15)
        )


def _same_uid(contents: Contents, instance: InstanceKey) -> bool:
    return contents.text_of("SOPInstanceUID") == instance.sop_instance_uid


def _same_kind(contents: Contents, instance: InstanceKey) -> bool:
    return contents.text_of("SOPClassUID") == instance.sop_class_uid


def _same_number(contents: Contents, instance: InstanceKey) -> bool:
    return _same_kind(contents, instance) and contents.text_of("InstanceNumber") == str(instance.instance_number)


def _same_modality(contents: Contents, instance: InstanceKey) -> bool:
    return contents.text_of("Rows") != "" and contents.text_of("Modality") == instance.modality


_ALIKE = (_same_number, _same_kind, _same_modality)
