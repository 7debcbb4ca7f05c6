"""Check that research can still use a study: modality, sex, age, technical values, and the meaning of texts.

The answer key says what must survive. Scanned pages and PDF reports may be left out; a report that is handed in must
still say what was found. PS3.15 table E.1-1 removes icons (0088,0200), and overlays (60xx,3000) unless the option Clean
Graphics is claimed: neither is a loss when it is gone, as an icon shows nothing that its image does not; an overlay is
one where the key calls its plane content to keep.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from typing import TYPE_CHECKING

from pydicom.uid import (
    ComputedRadiographyImageStorage,
    CTImageStorage,
    DigitalMammographyXRayImageStorageForPresentation,
    DigitalXRayImageStorageForPresentation,
    GrayscaleSoftcopyPresentationStateStorage,
    MRImageStorage,
    UltrasoundImageStorage,
    UltrasoundMultiFrameImageStorage,
)

from pacslab.cohort import AGE_TOP_CODE, Keeping, Location
from pacslab.deid.audit.report.model import CheckId
from pacslab.deid.audit.verdicts import Fault, Kept
from pacslab.deid.dicom.attribute_names import attribute
from pacslab.deid.search.text_forms import folded, words_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pacslab.cohort import AnswerKey, InstanceKey, PatientKey, RetainedValue, StudyKey
    from pacslab.deid.audit.match import OutputFile
    from pacslab.deid.audit.study_evidence import StudyEvidence
    from pacslab.deid.audit.verdicts import Finding
    from pacslab.deid.dicom.attribute_texts import Contents
    from pacslab.deid.dicom.elements import Place

_GEOMETRY = (("PixelSpacing",), ("SliceThickness",), ("ImagePositionPatient",), ("ImageOrientationPatient",))
_RESCALE = (("RescaleSlope",), ("RescaleIntercept",))
_PROJECTION = (("ImagerPixelSpacing", "PixelSpacing"), ("KVP",), ("BodyPartExamined",), ("ViewPosition",))
TECHNICAL: dict[str, tuple[tuple[str, ...], ...]] = {
    CTImageStorage: (*_GEOMETRY, *_RESCALE, ("KVP",), ("BodyPartExamined",)),
    MRImageStorage: (
        *_GEOMETRY,
        ("RepetitionTime",),
        ("EchoTime",),
        ("MagneticFieldStrength",),
        ("BodyPartExamined",),
    ),
    ComputedRadiographyImageStorage: _PROJECTION,
    DigitalXRayImageStorageForPresentation: (*_PROJECTION, *_RESCALE),
    DigitalMammographyXRayImageStorageForPresentation: (*_PROJECTION, *_RESCALE, ("ImageLaterality",)),
    UltrasoundImageStorage: (("TransducerType",), ("BodyPartExamined",)),
    UltrasoundMultiFrameImageStorage: (("TransducerType",), ("BodyPartExamined",), ("FrameTime", "FrameTimeVector")),
    GrayscaleSoftcopyPresentationStateStorage: (("DisplayedAreaSelectionSequence",),),
}
"""What each kind of image must still hold; of several keywords one is enough."""

YEARS_OFF = 5
"""An age may be rounded, or given as the middle of a group, by up to this many years."""
COMMENTS = {"(0018,4000)", "(0020,4000)", "(0032,4000)"}


def check_useful(key: AnswerKey, evidence: StudyEvidence) -> Iterator[Finding]:
    """Check modality, sex, age, technical values and the meaning of comments."""
    for file, instance in evidence.present:
        for keep, sentence in _characteristics(file, instance, evidence.patient, evidence.study):
            yield Kept("patient and modality", keep)
            if not keep:
                yield Fault(CheckId.USEFUL, sentence, file.name)
        for keywords in TECHNICAL.get(instance.sop_class_uid, ()):
            keep = any(file.contents.holds(keyword) for keyword in keywords)
            yield Kept("technical values", keep)
            if not keep:
                gone = " or ".join(keywords)
                yield Fault(CheckId.USEFUL, f"{gone} is gone: it says nothing about the patient", file.name)
        yield from _check_kept(file, instance)
    for instance in evidence.study.instances:
        document = evidence.file_of.get(instance.sop_instance_uid) if instance.document else None
        if document is not None:
            yield from _check_kept(document, instance)
    yield from _check_meaning(key, evidence)


def _characteristics(
    file: OutputFile, instance: InstanceKey, patient: PatientKey, study: StudyKey
) -> Iterator[tuple[bool, str]]:
    contents = file.contents
    modality = contents.text_of("Modality")
    yield modality == instance.modality, f"Modality is {modality!r} and was {instance.modality!r}"
    sex = contents.text_of("PatientSex")
    yield sex == patient.sex, f"PatientSex is {sex!r} and was {patient.sex!r}: research needs it"
    age, right = contents.text_of("PatientAge"), _age(patient.birth_date, study.date)
    near = (
        age[:3].isdigit()
        and age[3:] == "Y"
        and abs(min(int(age[:3]), AGE_TOP_CODE) - min(right, AGE_TOP_CODE)) <= YEARS_OFF
    )
    yield near, f"PatientAge is {age!r}: keep the age, such as '052Y'; it is not the date of birth"


def _check_kept(file: OutputFile, instance: InstanceKey) -> Iterator[Finding]:
    """Look for private elements that the standard lists as safe, for what texts say of the findings, and for values.

    What was moved to another place is kept; what stood at two places and is left at one is lost once.
    """
    if not instance.kept:
        return
    places = file.contents.places
    values = Counter((_last(place.path), _value(place)) for place in places)
    spare = {_phrase(kept): _told(places, kept) for kept in instance.kept if kept.keeping is Keeping.MEANING}
    for kept in sorted(instance.kept, key=lambda kept: not _in_place(kept, places)):
        if kept.keeping is Keeping.SAFE_PRIVATE:
            keep = _safe_private(file.contents, kept) == kept.text
            yield Kept("safe private attributes", keep)
            fault = f"the private attribute {kept.path} of {kept.creator!r} is gone: PS3.15 lists it as safe"
        elif kept.keeping is Keeping.CONTENT:
            keep = values[_last(kept.path), kept.text] > 0
            values[_last(kept.path), kept.text] -= 1
            yield Kept("measured content", keep)
            fault = f"{attribute(kept.path)} is gone or another: what was measured says nothing about who it was"
        else:
            keep = spare[_phrase(kept)] > 0
            spare[_phrase(kept)] -= 1
            yield Kept("clinical meaning", keep)
            fault = (
                f"what {attribute(kept.path)} said of the findings is gone: take out the name, not the medical words"
            )
            fault += ", or leave the document out" if instance.document else ""
        if not keep:
            yield Fault(CheckId.USEFUL, fault, file.name)


def _phrase(kept: RetainedValue) -> str:
    return _spaced(kept.text)


def _in_place(kept: RetainedValue, places: Iterable[Place]) -> bool:
    return _told([place for place in places if place.path == kept.path], kept) > 0


def _told(places: Iterable[Place], kept: RetainedValue) -> int:
    """Return in how many values the words of something kept stand, one after the other."""
    phrase = _phrase(kept)
    longest = max(phrase.split(), key=len, default="")
    return sum(longest in folded(place.text) and phrase in _spaced(place.text) for place in places)


def _spaced(text: str) -> str:
    return f" {' '.join(words_of(text))} "


def _last(path: str) -> str:
    return path.rpartition(".")[2]


def _value(place: Place) -> str:
    return hashlib.sha256(place.binary).hexdigest() if place.binary else place.text


def _safe_private(contents: Contents, kept: RetainedValue) -> str:
    """Return a private element's value as text, wherever its creator's block lies now; empty where it is gone."""
    path = contents.private_path(kept.path, kept.creator)
    texts = [place.text for place in contents.places if place.path == path and not place.binary]
    return "\\".join(texts).strip()


def _check_meaning(key: AnswerKey, evidence: StudyEvidence) -> Iterator[Finding]:
    """Look for the clinical words that stood beside an identifier in a comment."""
    meaning = words_of(key.facts.get("deid_meaning", ""))
    if any(kept.keeping is Keeping.MEANING for instance in evidence.required for kept in instance.kept):
        return
    if not meaning or key.facts.get("deid_study_uid") != evidence.study.study_instance_uid:
        return
    commented = {
        text.sop_instance_uid for text in key.planted if text.location is Location.FREE_TEXT and text.path in COMMENTS
    }
    for file, instance in evidence.present:
        if instance.sop_instance_uid not in commented:
            continue
        phrase = f" {' '.join(meaning)} "
        keep = any(phrase in _spaced(place.text) for place in file.contents.places)
        yield Kept("clinical meaning", keep)
        if not keep:
            yield Fault(
                CheckId.USEFUL,
                "the finding in the comments is gone: remove the name and the number, keep the medical words",
                file.name,
            )


def _age(born: str, day: str) -> int:
    return int(day[:4]) - int(born[:4]) - (day[4:8] < born[4:8])
