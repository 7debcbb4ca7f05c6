"""Which image of the archive a file was made from, without trusting its name or its UIDs.

The picture itself says it: outside the burned-in text its pixels are the original's. A file whose pixels were changed,
and one without pixels, is told by what else it holds, and by the files that lie in the same study as it.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING

import numpy as np

from pacslab.cohort.digests import MARGIN, digest_outside, digest_within, without_boxes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from pacslab.cohort.answer_key import Box, InstanceKey, PatientKey, Planted, Region, StudyKey
    from pacslab.deid.contents import Contents
    from pacslab.deid.submitted import Submitted

Boxes = tuple["Box", ...]
PIXELS = "pixels"


class Pictures:
    """The images of the answer key, found by their pixels outside the burned-in text."""

    def __init__(self, instances: tuple[InstanceKey, ...], planted: tuple[Planted, ...]) -> None:
        burned: dict[str, list[Planted]] = defaultdict(list)
        for text in planted:
            if text.box is not None and text.path == PIXELS:
                burned[text.sop_instance_uid].append(text)
        self._boxes = {
            one.sop_instance_uid: tuple(box.box for box in burned[one.sop_instance_uid] if box.box is not None)
            for one in instances
        }
        self._burned = {
            uid: list({(one.token, one.box, one.mask): one for one in planted_here}.values())
            for uid, planted_here in burned.items()
        }
        self._digests: dict[Boxes, dict[str, InstanceKey]] = defaultdict(dict)
        self._modalities: dict[Boxes, set[str]] = defaultdict(set)
        self._heads = _Heads(instances, self._boxes)
        self._heads_first = False
        for one in instances:
            if one.pixels_outside is not None and not one.face:
                boxes_here = self._boxes[one.sop_instance_uid]
                self._digests[boxes_here][one.pixels_outside] = one
                self._modalities[boxes_here].add(one.modality)
        self._order = list(self._digests)

    def which(self, pixels: np.ndarray, modality: str) -> InstanceKey | None:
        """Return the image whose pixels these are, or None.

        Files come series by series, so what found the last one is tried first: heads, or the places of the text. A
        slice of a head is known by its brain: the rest may have gone with the face. What a file says of its modality
        is not believed, only tried first.
        """
        heads_first = self._heads_first and modality in self._heads.modalities
        found = self._heads.which(pixels) if heads_first else self._by_text(pixels, modality)
        if found is None:
            found = self._by_text(pixels, modality) if heads_first else self._heads.which(pixels)
        if found is not None:
            self._heads_first = found.face
        return found

    def _by_text(self, pixels: np.ndarray, modality: str) -> InstanceKey | None:
        """Return the image whose pixels these are outside its text; the places that fitted last come first."""
        for boxes in sorted(self._order, key=lambda boxes: modality not in self._modalities[boxes]):
            if not _within(boxes, pixels):
                continue
            found = self._digests[boxes].get(digest_outside(pixels, list(boxes)))
            if found is not None:
                self._order.remove(boxes)
                self._order.insert(0, boxes)
                return found
        return None

    def burned(self, instances: tuple[InstanceKey, ...]) -> list[Planted]:
        """Return the text burned into any of these images, each once."""
        everything = [text for one in instances for text in self._burned.get(one.sop_instance_uid, [])]
        return list({(one.token, one.box, one.mask): one for one in everything}.values())

    def covered(self, instance: InstanceKey, pixels: np.ndarray) -> bytes:
        """Return the bytes of the rows that hold an image's burned-in text, or of a head: where pixels may be new."""
        boxes = self._boxes[instance.sop_instance_uid]
        if instance.face:
            return pixels.tobytes()
        if not boxes or pixels.ndim > 3:
            return pixels.tobytes() if boxes else b""
        top = max(0, min(box.row for box in boxes) - MARGIN)
        return pixels[..., top : max(box.row + box.height for box in boxes) + MARGIN, :].tobytes()

    def painted_over(self, instance: InstanceKey, pixels: np.ndarray) -> bool:
        """Whether nothing can stand where an image's text was burned in: there was none, or one value covers it."""
        colour = pixels.ndim > 2 and pixels.shape[-1] == 3
        planes = pixels if colour else pixels[..., None]
        for box in self._boxes[instance.sop_instance_uid]:
            top, left = max(0, box.row - MARGIN), max(0, box.column - MARGIN)
            bottom, right = box.row + box.height + MARGIN, box.column + box.width + MARGIN
            if np.ptp(planes[..., top:bottom, left:right, :]) > 0:
                return False
        return True


class _Heads:
    """Slices of heads, found by the pixels of their brain. A series comes in order: the next is tried first."""

    def __init__(self, instances: tuple[InstanceKey, ...], boxes: dict[str, Boxes]) -> None:
        self._known: dict[tuple[str, Boxes], dict[str, InstanceKey]] = defaultdict(dict)
        self._brains: dict[tuple[str, Boxes], Region] = {}
        for one in instances:
            if one.face and one.brain is not None and one.pixels_outside is not None:
                where = (one.brain.model_dump_json(), boxes[one.sop_instance_uid])
                self._known[where][one.pixels_outside] = one
                self._brains[where] = one.brain
        self.modalities = {one.modality for one in instances if one.face}
        self._order = list(self._known)
        self._kept: dict[tuple[str, Boxes, tuple[int, ...]], np.ndarray] = {}
        self._last = 0

    def which(self, pixels: np.ndarray) -> InstanceKey | None:
        """Return the slice whose brain this is, or None."""
        if pixels.ndim != 2:
            return None
        for step in range(len(self._order)):
            at = (self._last + step) % len(self._order)
            where = self._order[at]
            kept = self._kept_of(where, pixels.shape)
            found = self._known[where].get(digest_within(pixels, kept)) if kept.any() else None
            if found is not None:
                self._last = at + 1
                return found
        return None

    def _kept_of(self, where: tuple[str, Boxes], shape: tuple[int, ...]) -> np.ndarray:
        key = (*where, shape)
        if key not in self._kept:
            whole = self._brains[where].drawn(shape[0], shape[1])
            self._kept[key] = np.flatnonzero(without_boxes(whole, list(where[1])))
        kept = np.zeros(shape, dtype=bool)
        kept.ravel()[self._kept[key]] = True
        return kept


def _within(boxes: Boxes, pixels: np.ndarray) -> bool:
    """Whether all boxes lie in an image: otherwise it is not the one they were drawn into."""
    height, width = extent(pixels)
    return all(box.row + box.height <= height and box.column + box.width <= width for box in boxes)


def extent(pixels: np.ndarray) -> tuple[int, int]:
    """Return (rows, columns) of an image or of a stack of frames."""
    colour = pixels.ndim > 2 and pixels.shape[-1] in (3, 4)
    return (pixels.shape[-3], pixels.shape[-2]) if colour else (pixels.shape[-2], pixels.shape[-1])


def match(files: list[Submitted], studies: tuple[StudyKey, ...], people: dict[str, PatientKey]) -> None:
    """Match files to the images they were made from: by their pixels; else by UID; else by kind and number.

    A file that is a second copy of an image stays without one. What its pixels cannot tell is sought first in the study
    from which the other files with the same new Study Instance UID were made. ``people`` says whose each study is.
    """
    taken: set[str] = set()
    for file in files:
        if file.instance is not None and file.instance.sop_instance_uid in taken:
            file.instance = None
        elif file.instance is not None:
            taken.add(file.instance.sop_instance_uid)
    _match_rest(files, [one for study in studies for one in study.instances], taken, (_same_uid,))
    for new, study in _homes(files, studies).items():
        rest = [file for file in files if file.contents.text_of("StudyInstanceUID") == new]
        _match_rest(rest, study.instances, taken, _ALIKE)
    if len(studies) == 1:
        _match_rest(files, studies[0].instances, taken, _ALIKE)
    else:
        _match_whole_studies(files, studies, taken, people)
        _match_by_patient(files, studies, taken, people)


def _homes(files: list[Submitted], studies: tuple[StudyKey, ...]) -> dict[str, StudyKey]:
    """Return the study from which most files of each Study Instance UID were made, as far as it is known.

    A UID that was not replaced says it itself.
    """
    home = {one.sop_instance_uid: index for index, study in enumerate(studies) for one in study.instances}
    votes: dict[str, Counter[int]] = defaultdict(Counter)
    for file in files:
        if file.instance is not None:
            votes[file.contents.text_of("StudyInstanceUID")][home[file.instance.sop_instance_uid]] += 1
    found = {new: studies[counted.most_common(1)[0][0]] for new, counted in votes.items()}
    return {study.study_instance_uid: study for study in studies} | found


def _match_whole_studies(
    files: list[Submitted], studies: tuple[StudyKey, ...], taken: set[str], people: dict[str, PatientKey]
) -> None:
    """Match studies of which no file could be told to those of which no file was found, by what they are made of."""
    known = _pseudonyms(files, studies, people)
    groups: dict[str, list[Submitted]] = defaultdict(list)
    for file in files:
        if file.instance is None and not file.intact:
            groups[file.contents.text_of("StudyInstanceUID")].append(file)
    for rest in groups.values():
        kinds = Counter(file.contents.text_of("SOPClassUID") for file in rest)
        free = [study for study in studies if not any(one.sop_instance_uid in taken for one in study.instances)]
        patient = known.get(rest[0].contents.text_of("PatientID"))
        free = [study for study in free if patient in (None, people[study.study_instance_uid].index)]
        fitting = [study for study in free if Counter(one.sop_class_uid for one in study.instances) >= kinds]
        if fitting:
            _match_rest(rest, min(fitting, key=lambda study: _unlike(rest[0], study, people)).instances, taken, _ALIKE)


def _match_by_patient(
    files: list[Submitted], studies: tuple[StudyKey, ...], taken: set[str], people: dict[str, PatientKey]
) -> None:
    """Match files that lost their study to what is missing of the patient whose pseudonym they bear."""
    known = _pseudonyms(files, studies, people)
    for file in files:
        patient = known.get(file.contents.text_of("PatientID"))
        if file.instance is None and patient is not None:
            mine = [study for study in studies if people[study.study_instance_uid].index == patient]
            _match_rest([file], [one for study in mine for one in study.instances], taken, _ALIKE)


def _pseudonyms(files: list[Submitted], studies: tuple[StudyKey, ...], people: dict[str, PatientKey]) -> dict[str, int]:
    """Return whose each new PatientID is, as far as files were matched, and where it is one patient's."""
    owner = {
        one.sop_instance_uid: people[study.study_instance_uid].index for study in studies for one in study.instances
    }
    found: dict[str, set[int]] = defaultdict(set)
    for file in files:
        if file.instance is not None:
            found[file.contents.text_of("PatientID")].add(owner[file.instance.sop_instance_uid])
    return {new: min(owners) for new, owners in found.items() if len(owners) == 1}


def _unlike(file: Submitted, study: StudyKey, people: dict[str, PatientKey]) -> float:
    """Return how little of what stays fits: sex, description, and the age in years."""
    patient = people[study.study_instance_uid]
    age = file.contents.text_of("PatientAge")[:3]
    years = int(study.date[:4]) - int(patient.birth_date[:4]) - (study.date[4:8] < patient.birth_date[4:8])
    return (
        20 * (file.contents.text_of("PatientSex") != patient.sex)
        + 10 * (file.contents.text_of("StudyDescription") != study.description)
        + (min(abs(int(age) - years), 15) if age.isdigit() else 15)
    )


def _match_rest(
    files: Iterable[Submitted],
    instances: Iterable[InstanceKey],
    taken: set[str],
    ways: tuple[Callable[[Contents, InstanceKey], bool], ...],
) -> None:
    instances = list(instances)
    files = [file for file in files if file.instance is None and not file.intact]
    for alike in ways:
        for file in files:
            if file.instance is None:
                free = (one for one in instances if one.sop_instance_uid not in taken and alike(file.contents, one))
                file.instance = next(free, None)
                taken |= {file.instance.sop_instance_uid} if file.instance else set()


def _same_uid(contents: Contents, one: InstanceKey) -> bool:
    return contents.text_of("SOPInstanceUID") == one.sop_instance_uid


def _same_kind(contents: Contents, one: InstanceKey) -> bool:
    return contents.text_of("SOPClassUID") == one.sop_class_uid


def _same_number(contents: Contents, one: InstanceKey) -> bool:
    return _same_kind(contents, one) and contents.text_of("InstanceNumber") == str(one.instance_number)


def _same_modality(contents: Contents, one: InstanceKey) -> bool:
    return contents.text_of("Rows") != "" and contents.text_of("Modality") == one.modality


_ALIKE = (_same_number, _same_kind, _same_modality)
