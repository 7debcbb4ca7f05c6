"""What is left for research: the images, the untouched anatomy, technical values, meaning, and honest flags.

The answer key says what must survive. Scanned pages and PDF reports may be left out; a report that is handed in must
still say what was found. PS3.15 table E.1-1 removes icons (0088,0200), and overlays (60xx,3000) unless the option Clean
Graphics is claimed: neither is a loss when it is gone, as an icon shows nothing that its image does not; an overlay is
one where the key calls its plane content to keep.
"""

from __future__ import annotations

import hashlib
import re
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
from pacslab.deid.audit.verdicts import attribute
from pacslab.deid.dicom.dicomdir import within_record
from pacslab.deid.search.text_forms import folded, words_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pacslab.cohort import AnswerKey, InstanceKey, PatientKey, PlantedIdentifier, RetainedValue, StudyKey
    from pacslab.deid.audit.evidence import OutputEvidence, OutputFile
    from pacslab.deid.audit.verdicts import AuditVerdicts
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
_UNSEEN = "{} cannot be looked at: remove it, or save it plainly"
COMMENTS = {"(0018,4000)", "(0020,4000)", "(0032,4000)"}
CODES = {str(code) for code in range(113100, 113113)}
"""De-identification Method, CID 7050 of PS3.16."""
_METHOD_CODE = re.compile(r"\(0012,0064\)\[\d+\]\.\(0008,0100\)")
_BIRTH_DATE = "(0010,0030)"


def check_present(verdicts: AuditVerdicts, study: StudyKey, submission: OutputEvidence) -> None:
    """Check that there is a file with pixels for every image of the study."""
    for instance in _wanted(study):
        file = submission.of(instance)
        complete = file is not None and (file.has_pixels or instance.pixels_outside is None)
        verdicts.keep("images", complete)
        what = f"image {instance.instance_number} ({instance.modality}, originally {instance.file_name})"
        if file is None:
            verdicts.wrong(CheckId.PRESENT, f"{what} is missing: de-identify it too")
        elif not complete:
            verdicts.wrong(CheckId.PRESENT, f"{what} has no pixels any more: keep PixelData", file.name)


def check_anatomy(verdicts: AuditVerdicts, study: StudyKey, submission: OutputEvidence) -> None:
    """Check that no pixel changed outside the burned-in text."""
    for instance in _wanted(study):
        file = submission.of(instance)
        if instance.pixels_outside is None or (instance.face and instance.brain is None):
            continue
        verdicts.keep("brains" if instance.face else "untouched pictures", file is not None and file.intact)
        if file is None or not file.has_pixels or file.intact:
            continue
        if file.undecodable:
            verdicts.wrong(CheckId.ANATOMY, file.undecodable, file.name)
        elif file.contents.text_of("LossyImageCompression") == "01":
            verdicts.wrong(
                CheckId.ANATOMY,
                "the pixels were compressed with loss: save the image uncompressed or without loss",
                file.name,
            )
        elif instance.face:
            verdicts.wrong(
                CheckId.ANATOMY,
                "the brain is not the original any more: take off the face in front of it, and nothing of the brain",
                file.name,
            )
        else:
            size = " x ".join(str(length) for length in file.shape)
            verdicts.wrong(
                CheckId.ANATOMY,
                f"the picture ({size} pixels) is not the original outside the burned-in text: paint over the text "
                "only, and do not crop, turn, scale or brighten the image",
                file.name,
            )


def check_pixels_readable(verdicts: AuditVerdicts, study: StudyKey, submission: OutputEvidence) -> None:
    """Report pixels that cannot be looked at: nobody can say that they are clean."""
    documents = {one.sop_instance_uid for one in study.instances if one.document}
    for file in submission.files:
        if file.undecodable:
            is_document = file.instance is not None and file.instance.sop_instance_uid in documents
            check = CheckId.DOCUMENTS if is_document else CheckId.PIXELS
            verdicts.wrong(check, file.undecodable, file.name)
        for one in file.graphics:
            if one.plane is None:
                verdicts.wrong(CheckId.PIXELS, _UNSEEN.format(attribute(one.path)), file.name)


def check_icons_readable(verdicts: AuditVerdicts, submission: OutputEvidence) -> None:
    """Report icons of a DICOMDIR that cannot be looked at."""
    for name, path in submission.unseen:
        verdicts.wrong(CheckId.PIXELS, _UNSEEN.format(attribute(within_record(path))), name)


def check_useful(verdicts: AuditVerdicts, key: AnswerKey, study: StudyKey, submission: OutputEvidence) -> None:
    """Check modality, sex, age, technical values and the meaning of comments."""
    patient = next(one for one in key.patients if study in one.studies)
    for file, instance in _present(study, submission):
        for keep, sentence in _characteristics(file, instance, patient, study):
            verdicts.keep("patient and modality", keep)
            if not keep:
                verdicts.wrong(CheckId.USEFUL, sentence, file.name)
        for keywords in TECHNICAL.get(instance.sop_class_uid, ()):
            keep = any(file.contents.holds(keyword) for keyword in keywords)
            verdicts.keep("technical values", keep)
            if not keep:
                gone = " or ".join(keywords)
                verdicts.wrong(CheckId.USEFUL, f"{gone} is gone: it says nothing about the patient", file.name)
        _check_kept(verdicts, file, instance)
    for instance in study.instances:
        document = submission.of(instance) if instance.document and instance.kept else None
        if document is not None:
            _check_kept(verdicts, document, instance)
    _check_meaning(verdicts, key, study, submission)


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


def _check_kept(verdicts: AuditVerdicts, file: OutputFile, instance: InstanceKey) -> None:
    """Look for private elements that the standard lists as safe, for what texts say of the findings, and for values.

    What was moved to another place is kept; what stood at two places and is left at one is lost once.
    """
    if not instance.kept:
        return
    places = file.contents.places
    values = Counter((_last(place.path), _value(place)) for place in places)
    spare = {_phrase(one): _told(places, one) for one in instance.kept if one.keeping is Keeping.MEANING}
    for one in sorted(instance.kept, key=lambda one: not _in_place(one, places)):
        if one.keeping is Keeping.SAFE_PRIVATE:
            keep = _safe_private(file.contents, one) == one.text
            verdicts.keep("safe private attributes", keep)
            fault = f"the private attribute {one.path} of {one.creator!r} is gone: PS3.15 lists it as safe"
        elif one.keeping is Keeping.CONTENT:
            keep = values[_last(one.path), one.text] > 0
            values[_last(one.path), one.text] -= 1
            verdicts.keep("measured content", keep)
            fault = f"{attribute(one.path)} is gone or another: what was measured says nothing about who it was"
        else:
            keep = spare[_phrase(one)] > 0
            spare[_phrase(one)] -= 1
            verdicts.keep("clinical meaning", keep)
            fault = f"what {attribute(one.path)} said of the findings is gone: take out the name, not the medical words"
            fault += ", or leave the document out" if instance.document else ""
        if not keep:
            verdicts.wrong(CheckId.USEFUL, fault, file.name)


def _phrase(one: RetainedValue) -> str:
    return _spaced(one.text)


def _in_place(one: RetainedValue, places: Iterable[Place]) -> bool:
    return _told([place for place in places if place.path == one.path], one) > 0


def _told(places: Iterable[Place], one: RetainedValue) -> int:
    """Return in how many values the words of something kept stand, one after the other."""
    phrase = _phrase(one)
    longest = max(phrase.split(), key=len, default="")
    return sum(longest in folded(place.text) and phrase in _spaced(place.text) for place in places)


def _spaced(text: str) -> str:
    return f" {' '.join(words_of(text))} "


def _last(path: str) -> str:
    return path.rpartition(".")[2]


def _value(place: Place) -> str:
    return hashlib.sha256(place.binary).hexdigest() if place.binary else place.text


def _safe_private(contents: Contents, one: RetainedValue) -> str:
    """Return a private element's value as text, wherever its creator's block lies now; empty where it is gone."""
    path = contents.private_path(one.path, one.creator)
    texts = [place.text for place in contents.places if place.path == path and not place.binary]
    return "\\".join(texts).strip()


def _check_meaning(verdicts: AuditVerdicts, key: AnswerKey, study: StudyKey, submission: OutputEvidence) -> None:
    """Look for the clinical words that stood beside an identifier in a comment."""
    meaning = words_of(key.facts.get("deid_meaning", ""))
    if any(kept.keeping is Keeping.MEANING for one in _wanted(study) for kept in one.kept):
        return
    if not meaning or key.facts.get("deid_study_uid") != study.study_instance_uid:
        return
    commented = {
        one.sop_instance_uid for one in key.planted if one.location is Location.FREE_TEXT and one.path in COMMENTS
    }
    for file, instance in _present(study, submission):
        if instance.sop_instance_uid not in commented:
            continue
        phrase = f" {' '.join(meaning)} "
        keep = any(phrase in _spaced(place.text) for place in file.contents.places)
        verdicts.keep("clinical meaning", keep)
        if not keep:
            verdicts.wrong(
                CheckId.USEFUL,
                "the finding in the comments is gone: remove the name and the number, keep the medical words",
                file.name,
            )


def check_flags(
    verdicts: AuditVerdicts, planted: tuple[PlantedIdentifier, ...], study: StudyKey, submission: OutputEvidence
) -> None:
    """Check that each file says that, how and with which dates it was de-identified (PS3.15 E.1.1, PS3.3 C.12.1)."""
    burned = {one.sop_instance_uid for one in planted if one.location is Location.PIXELS}
    for file, instance in _present(study, submission):
        for fault in _flag_faults(file.contents, burned=instance.sop_instance_uid in burned):
            verdicts.wrong(CheckId.FLAGS, fault, file.name)
        if instance.face and file.contents.text_of("RecognizableVisualFeatures") != "NO":
            verdicts.wrong(
                CheckId.FLAGS,
                "RecognizableVisualFeatures (0028,0302) of a head must be 'NO' once the face is gone",
                file.name,
            )


def _flag_faults(contents: Contents, *, burned: bool) -> Iterator[str]:
    if contents.text_of("PatientIdentityRemoved") != "YES":
        yield "PatientIdentityRemoved (0012,0062) must be 'YES'"
    if not contents.text_of("DeidentificationMethod") and not _coded(contents):
        yield (
            "say what you did in DeidentificationMethod (0012,0063), or with codes of CID 7050 in "
            "DeidentificationMethodCodeSequence (0012,0064)"
        )
    annotation = contents.text_of("BurnedInAnnotation")
    if annotation != "NO" and (burned or annotation):
        yield "BurnedInAnnotation (0028,0301) must be 'NO' once the text is gone"
    right = "MODIFIED" if _has_dates(contents) else "REMOVED"
    found = contents.text_of("LongitudinalTemporalInformationModified")
    if found != right:
        dates = "moved" if right == "MODIFIED" else "removed"
        yield (
            f"LongitudinalTemporalInformationModified (0028,0303) is {found!r} and must be {right!r}, "
            f"as dates are {dates}"
        )


def _coded(contents: Contents) -> bool:
    return any(_METHOD_CODE.fullmatch(place.path) and place.text.strip() in CODES for place in contents.places)


def _has_dates(contents: Contents) -> bool:
    return any(place.vr in ("DA", "DT") and _last(place.path) != _BIRTH_DATE for place in contents.places)


def _wanted(study: StudyKey) -> list[InstanceKey]:
    """Return the images that a research set must hold."""
    return [one for one in study.instances if not one.document]


def _present(study: StudyKey, submission: OutputEvidence) -> Iterator[tuple[OutputFile, InstanceKey]]:
    for instance in _wanted(study):
        file = submission.of(instance)
        if file is not None:
            yield file, instance


def _age(born: str, day: str) -> int:
    return int(day[:4]) - int(born[:4]) - (day[4:8] < born[4:8])
