"""All files of a student's output against the answer key: whose each file is, and so what leaks in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pacslab.cohort import Identifier, Keeping, Location
from pacslab.deid.audit.evidence import OutputEvidence
from pacslab.deid.audit.file_scan import FileScanner, note_text
from pacslab.deid.audit.glyph_match import text_anywhere
from pacslab.deid.audit.graphics import text_left
from pacslab.deid.audit.leaks import leak_in_graphic, leak_of, leaks_in_pixels
from pacslab.deid.audit.matching import match
from pacslab.deid.audit.report.thumbnail import thumbnail
from pacslab.deid.audit.wording import example_leaks
from pacslab.deid.dicom.dicomdir import patients_of_records, record_at, referenced
from pacslab.deid.dicom.output_folder import parse_dicom
from pacslab.deid.dicom.pixels import decode, planes
from pacslab.deid.search.index import IdentifierIndex
from pacslab.deid.search.search_terms import common_words, needles_of
from pacslab.deid.search.text_forms import words_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    import numpy as np

    from pacslab.cohort import AnswerKey, InstanceKey, PlantedIdentifier, StudyKey
    from pacslab.deid.audit.evidence import FileScan, Occurrence, OutputFile
    from pacslab.deid.audit.report.model import Leak
    from pacslab.deid.dicom.output_folder import Source
    from pacslab.deid.search.identifier import SearchTerm

SEARCHES = 8
"""How many pictures that are not the study's are searched for its burned-in text, for each image of the study."""
MASKS = 16
"""As many texts as one picture of a study may hold; a search for more of them counts as several."""
TOO_MANY = "there are too many pictures that are not of this study to look into each: keep only the study's"


class OutputAuditor:
    """Reads an output against the answer key of one study or of several, which may be of many patients."""

    def __init__(self, key: AnswerKey, studies: tuple[StudyKey, ...]) -> None:
        self._studies = studies
        self._instances = tuple(one for study in studies for one in study.instances)
        self._patients = {
            one.sop_instance_uid: patient.index
            for patient in key.patients
            for study in patient.studies
            for one in study.instances
        }
        self._people = {study.study_instance_uid: patient for patient in key.patients for study in patient.studies}
        planted = key.planted_in({one.sop_instance_uid for one in self._instances})
        self._needles = IdentifierIndex(needles_of(key, studies, planted), common_words(key))
        self._everybody = frozenset(self._patients[one.sop_instance_uid] for one in self._instances)
        self._searches = SEARCHES * len(self._instances)
        self._look = FileScanner(key, self._instances, planted, self._needles)
        self._drawn: dict[str, list[PlantedIdentifier]] = {}
        for one in planted:
            if one.location in (Location.OVERLAY, Location.ICON) and one.box is not None:
                self._drawn.setdefault(one.sop_instance_uid, []).append(one)
        self._stood: dict[tuple[str, str], Location] = {}
        for one in planted:
            self._stood.setdefault((one.sop_instance_uid, one.path), one.location)

    def read(self, folder: Source, progress: Callable[[int], None] | None = None) -> OutputEvidence:
        """Return what a source holds; what cannot be read is noted in ``folder.notes``.

        Raises
        ------
        DeidError
            If the source itself cannot be read.

        """
        seen = []
        for number, (name, content) in enumerate(folder.contents(), start=1):
            seen.append(self.look(name, content))
            if progress is not None:
                progress(number)
        return self.gather(seen, folder)

    def gather(self, seen: Iterable[FileScan], folder: Source) -> OutputEvidence:
        """Return all that was seen as one submission: whose file each is, and so what leaks in it.

        Pictures that are no image of the archive any more are looked at a second time, for text at another place.
        """
        seen = list(seen)
        submission = OutputEvidence([one.file for one in seen if one.file is not None])
        folder.notes += [f"{one.name} {one.note}" for one in seen if one.note]
        match(submission.files, self._studies, self._people)
        for file in submission.files:
            file.drawn = tuple(text_left(file.graphics, self._drawn_for(file.instance))) if file.graphics else ()
            if file.shape and not file.intact and not file.foreign:
                self._look_again(file, folder.again(file.name))
        named = {file.name.upper(): file.instance for file in submission.files if file.instance is not None}
        for one in seen:
            if one.records:
                submission.leaks += self._leaks_in_directory(one, named, submission)
            else:
                submission.leaks += self._leaks(one)
        for file, _ in example_leaks(submission):
            pixels = _pixels_of(folder.again(file.name))
            if pixels is not None:
                file.picture = thumbnail(pixels, [one.box for one in file.standing if one.box])
        return submission

    def _drawn_for(self, instance: InstanceKey | None) -> list[PlantedIdentifier]:
        """Return the text that was drawn in overlays and icons of an image; of any where it is not known which."""
        if instance is not None:
            return self._drawn.get(instance.sop_instance_uid, [])
        return [one for drawn in self._drawn.values() for one in drawn]

    def look(self, name: str, content: bytes) -> FileScan:
        """Return what stands in one file."""
        return self._look(name, content)

    def _leaks(self, seen: FileScan) -> Iterator[Leak]:
        """Yield what identifies somebody in a file, now that it is known whose file it is; once at each place."""
        instance = seen.file.instance if seen.file is not None else None
        patients = self._whose(instance)
        shown = [instance] if instance is not None else []
        sightings = [(one, patients) for one in seen.sightings if not _is_finding(one.found.needle, shown)]
        yield from self._told(seen.name, sightings, instance)
        if seen.file is not None:
            yield from leaks_in_pixels(seen.file, patients, self._needles)

    def _whose(self, instance: InstanceKey | None) -> frozenset[int]:
        """Return the patient of an image; of a file that is none of the images that of all of them, if it is one."""
        if instance is not None:
            return frozenset({self._patients[instance.sop_instance_uid]})
        return self._everybody if len(self._everybody) == 1 else frozenset()

    def _told(
        self, name: str, sightings: list[tuple[Occurrence, frozenset[int]]], instance: InstanceKey | None
    ) -> Iterable[Leak]:
        """Return sightings in a file, each with whose it may be, as leaks; what is nobody's there is left out."""
        told: dict[tuple[str, str], Leak] = {}
        in_pdf: set[str] = set()
        for one, patients in sightings:
            needle = one.found.needle
            if not one.found.alone and not patients & needle.owners:
                continue
            if one.place == "pdf stream" and needle.token in in_pdf:
                continue
            if one.location is Location.PDF:
                in_pdf.add(needle.token)
            stood = self._stood.get((instance.sop_instance_uid, one.place)) if instance is not None else None
            told.setdefault((one.place, needle.token), leak_of(name, one, patients, stood))
        return told.values()

    def _leaks_in_directory(
        self, seen: FileScan, by_name: dict[str, InstanceKey], submission: OutputEvidence
    ) -> Iterator[Leak]:
        """Yield what identifies somebody in a DICOMDIR: each record is searched as the patient's of whom it tells."""
        by_uid = {one.sop_instance_uid: one for one in self._instances}
        for file in submission.files:
            if file.instance is not None:
                by_uid[file.contents.text_of("SOPInstanceUID")] = file.instance
        shown = referenced(seen.records, seen.name, by_name, by_uid)
        mine = [{self._patients[one.sop_instance_uid] for one in images} for images in shown]
        whose = [patients or self._whose(None) for patients in patients_of_records(seen.records, mine)]
        sightings = []
        for one in seen.sightings:
            number = record_at(one.place)
            patients = self._whose(None) if number is None else whose[number]
            theirs = (image for image in self._instances if self._patients[image.sop_instance_uid] in patients)
            if not _is_finding(one.found.needle, theirs):
                sightings.append((one, patients))
        yield from self._told(seen.name, sightings, None)
        for graphic in seen.graphics:
            number = record_at(graphic.path)
            images = shown[number] if number is not None else []
            self._searches -= not images
            if graphic.plane is None or self._searches < 0:
                submission.unseen.append((seen.name, graphic.path))
                continue
            left = text_left([graphic], self._drawn_for(images[0] if images else None))
            yield from (leak_in_graphic(seen.name, graphic, text, self._needles) for _, text in left)

    def _look_again(self, file: OutputFile, content: bytes) -> None:
        """Look for burned-in text of the study, or of any, in a picture that was changed as a whole."""
        pixels = _pixels_of(content)
        if pixels is None:
            return
        self._look.note_face(file, pixels)
        study = next((one for one in self._studies if file.instance in one.instances), None)
        burned = self._look.pictures.burned(study.instances if study is not None else self._instances)
        left = note_text(file, pixels, burned)
        sought = {one.mask: one for one in burned if one not in left}
        left += list(dict.fromkeys(self._elsewhere(file, pixels, sought)))
        file.burned = tuple(left)

    def _elsewhere(
        self, file: OutputFile, pixels: np.ndarray, sought: dict[str | None, PlantedIdentifier]
    ) -> Iterator[PlantedIdentifier]:
        """Yield the burned-in text that stands at another place of a picture that was changed as a whole."""
        texts = list(sought.values())
        masks = [one.glyphs() for one in texts]
        for plane in planes(pixels):
            if self._searches <= 0:
                file.undecodable = TOO_MANY
                return
            self._searches -= max(1, len(masks) // MASKS)
            yield from (texts[index] for index in text_anywhere(plane, masks))


def _is_finding(needle: SearchTerm, shown: Iterable[InstanceKey]) -> bool:
    """Whether a diagnosis that identifies the patient elsewhere is what images show, and so must be kept."""
    if needle.kind is not Identifier.OTHER:
        return False
    said = " ".join(needle.parts)
    return any(
        kept.keeping is Keeping.MEANING and f" {said} " in f" {' '.join(words_of(kept.text))} "
        for one in shown
        for kept in one.kept
    )


def _pixels_of(content: bytes) -> np.ndarray | None:
    dataset, _ = parse_dicom(content)
    return decode(dataset) if dataset is not None else None
