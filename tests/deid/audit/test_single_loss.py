"""Every over-cleaning of every kind of object of three hospitals, alone: reported as that loss, of that file.

What is taken away is what the originals hold: each technical value, each thing that the answer key says must survive,
each UID and reference, the pixels, the samples, the file itself.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

import pytest
from pydicom.tag import Tag
from pydicom.uid import generate_uid

from pacslab.cohort import Identifier, Keeping
from pacslab.deid.dicom.attribute_names import attribute
from pacslab.deid.dicom.elements import value_at, walk
from tests.support.single_faults import (
    HOSPITALS,
    KINDS,
    OBJECTS,
    Hospital,
    by_hospital,
    hospital,
    kind_of,
    name_of,
    named,
    pdf_of,
    set_pixels,
    written,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pydicom.dataset import Dataset, FileDataset

    from pacslab.cohort import InstanceKey, RetainedValue

    Change = Callable[[FileDataset], object]

pytestmark = pytest.mark.worker_group.with_args(by_hospital)

DOCUMENTS = {"DOC 104.1", "OT 7"}
"""What a research set leaves out."""
RELEASED = [kind for kind in OBJECTS if kind[1] not in DOCUMENTS]
RESEARCH = (
    *("PixelSpacing", "ImagerPixelSpacing", "SliceThickness", "ImagePositionPatient", "ImageOrientationPatient"),
    *("RescaleSlope", "RescaleIntercept", "KVP", "BodyPartExamined", "RepetitionTime", "EchoTime"),
    *("MagneticFieldStrength", "ViewPosition", "TransducerType", "FrameTime", "DisplayedAreaSelectionSequence"),
)
"""Technical values that nobody needs to remove; each where the original has it."""
REQUIRED = ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")


def delete(path: str) -> Change:
    """Return what takes the attribute at a path away."""

    def change(dataset: FileDataset) -> None:
        outer, _, last = path.rpartition(".")
        holder: Dataset = value_at(dataset, outer) if outer else dataset
        del holder[int(last[1:5], 16) << 16 | int(last[6:10], 16)]

    return change


def say(keyword: str, value: object) -> Change:
    return lambda dataset: setattr(dataset, keyword, value)


def later(dataset: FileDataset) -> None:
    day = date.fromisoformat(dataset.StudyDate) + timedelta(days=1)
    dataset.StudyDate = f"{day:%Y%m%d}"


def path_of(keyword: str) -> str:
    tag = Tag(keyword)
    return f"({tag.group:04X},{tag.element:04X})"


def of_everything(dataset: FileDataset) -> Iterator[tuple[str, Change, str]]:
    """Yield (what is lost, how, the check that says so) for any object."""
    for keyword in REQUIRED:
        yield f"{keyword} deleted", delete(path_of(keyword)), "uids"
    yield "SOPInstanceUID made up", say("SOPInstanceUID", generate_uid()), "uids"
    yield "StudyDate deleted", delete(path_of("StudyDate")), "dates"
    yield "StudyDate emptied", say("StudyDate", ""), "dates"
    yield "one date moved by itself", later, "dates"
    yield "PatientSex deleted", delete(path_of("PatientSex")), "useful"
    yield "PatientAge deleted", delete(path_of("PatientAge")), "useful"
    yield "Modality emptied", say("Modality", ""), "useful"
    for keyword in ("PatientIdentityRemoved", "LongitudinalTemporalInformationModified"):
        yield f"{keyword} deleted", delete(path_of(keyword)), "flags"
    for keyword in RESEARCH:
        if dataset.get(keyword) not in (None, ""):
            yield f"{keyword} deleted", delete(path_of(keyword)), "useful"


def of_kept(place: Hospital, instance: InstanceKey) -> Iterator[tuple[str, Change, str]]:
    """Yield the loss of everything that the answer key says must survive."""
    for tally in instance.kept:
        yield f"{tally.keeping} {tally.path} emptied", emptied(tally), "useful"
    images = {image.sop_instance_uid for image in place.key.instances()}
    for planted in place.key.planted_in({instance.sop_instance_uid}):
        path = planted.path
        if planted.kind is not Identifier.UID or not path.endswith("(0008,1155)") or planted.token not in images:
            continue
        if value_at(place.cleaned(instance.sop_instance_uid), path):
            yield f"reference {path} deleted", delete(path), "uids"
            yield f"reference {path} to nowhere", led_astray(path), "uids"
    study = place.study_of[instance.sop_instance_uid]
    series = [image for image in study.instances if image.series_instance_uid == instance.series_instance_uid]
    for keyword, others in (("StudyInstanceUID", study.instances), ("SeriesInstanceUID", series)):
        if len(others) > 1:
            yield f"{keyword} of one file made up", say(keyword, generate_uid()), "uids"
    if "FrameOfReferenceUID" in place.cleaned(instance.sop_instance_uid):
        yield "FrameOfReferenceUID deleted", delete(path_of("FrameOfReferenceUID")), "uids"


def emptied(planted: RetainedValue) -> Change:
    def change(dataset: FileDataset) -> None:
        outer, _, last = planted.path.rpartition(".")
        holder: Dataset = value_at(dataset, outer) if outer else dataset
        element = holder[int(last[1:5], 16) << 16 | int(last[6:10], 16)]
        if isinstance(element.value, bytes):
            element.value = bytes(len(element.value))
        elif planted.keeping is Keeping.SAFE_PRIVATE:
            del holder[element.tag]
        else:
            element.value = ""

    return change


def led_astray(path: str) -> Change:
    def change(dataset: FileDataset) -> None:
        value_at(dataset, path.rpartition(".")[0]).ReferencedSOPInstanceUID = generate_uid()

    return change


def of_pixels(place: Hospital, instance: InstanceKey) -> Iterator[tuple[str, Change, str]]:
    if "PixelData" not in place.cleaned(instance.sop_instance_uid):
        return
    yield "PixelData deleted", delete("(7FE0,0010)"), "present"

    def blank(dataset: FileDataset) -> None:
        set_pixels(dataset, dataset.pixel_array * 0)

    def box_too_large(dataset: FileDataset) -> None:
        """Black out the burned-in text with what lies around it, or something in the middle where there is none."""
        pixels = dataset.pixel_array.copy()
        before = pixels.copy()
        colour = pixels.ndim > 2 and pixels.shape[-1] == 3
        planes = pixels if colour else pixels[..., None]
        rows, columns = planes.shape[-3:-1]
        boxes = [
            identifier.box
            for identifier in place.key.planted_in({instance.sop_instance_uid})
            if identifier.path == "pixels"
        ]
        bottom = max((box.row + box.height for box in boxes if box), default=rows // 2 - 30)
        if instance.brain is not None:
            bottom = instance.brain.box.row + instance.brain.box.height // 2 - 30
        planes[..., max(0, bottom) : bottom + 60, columns // 8 : columns - columns // 8, :] = 0
        assert (pixels != before).any()
        set_pixels(dataset, pixels)

    yield "blanked", blank, "anatomy"
    yield "box too large", box_too_large, "anatomy"


def of_trees(dataset: FileDataset) -> Iterator[tuple[str, Change, set[str]]]:
    """Yield the loss of all content of reports, notes, presentation states and recordings, with all that says so."""
    if "ContentSequence" in dataset:
        refers = any(path.endswith("(0008,1155)") and path.startswith("(0040,A730)") for path, _ in walk(dataset))
        yield "emptied", delete(path_of("ContentSequence")), {"useful", "uids"} if refers else {"useful"}
    for keyword in ("GraphicAnnotationSequence", "WaveformSequence"):
        if keyword in dataset:
            yield f"{keyword} deleted", delete(path_of(keyword)), {"useful"}
    for keyword in ("CurrentRequestedProcedureEvidenceSequence", "ReferencedSeriesSequence"):
        if keyword in dataset:
            yield f"{keyword} deleted", delete(path_of(keyword)), {"uids"}


def losses(place: Hospital, instance: InstanceKey) -> Iterator[tuple[str, Change, set[str]]]:
    dataset = place.cleaned(instance.sop_instance_uid)
    for what, change, check in (
        *of_everything(dataset),
        *of_kept(place, instance),
        *of_pixels(place, instance),
    ):
        yield what, change, {check}
    yield from of_trees(dataset)


def chosen(place: Hospital, kind: str) -> InstanceKey:
    """Return the object of a kind that holds the most that must survive; of heads one that shows a brain."""
    mine = [instance for instance in place.instance_of.values() if kind_of(instance) == kind]
    return max(mine, key=lambda instance: (instance.brain is not None, len(instance.kept)))


@pytest.mark.parametrize("hospital_and_kind", RELEASED, ids=named)
def test_loss_of_each_kind_of_object_is_reported_alone(hospital_and_kind: tuple[str, str]) -> None:
    place = hospital(hospital_and_kind[0])
    instance = chosen(place, hospital_and_kind[1])
    uid = instance.sop_instance_uid
    wrong, count = {}, 0
    for what, change, checks in losses(place, instance):
        dataset = place.cleaned(uid)
        change(dataset)
        report = place.audit(place.study_of[uid], {uid: (name_of(uid), written(dataset))})
        count += 1
        said = " ".join(sentence for check in report.checks for sentence in check.worst)
        if {str(check) for check in report.failed()} != checks or report.leaks:
            wrong[what] = f"{report.failed()} {said[:300]}"
        elif name_of(uid) not in said and "moved by" not in said and "different ones" not in said:
            wrong[what] = f"the file is not named: {said[:300]}"
    assert not wrong
    assert count >= 12, KINDS[hospital_and_kind[1]]


@pytest.mark.parametrize("hospital_and_kind", RELEASED, ids=named)
def test_loss_of_a_whole_file_is_reported(hospital_and_kind: tuple[str, str]) -> None:
    place = hospital(hospital_and_kind[0])
    instance = chosen(place, hospital_and_kind[1])
    report = place.audit(place.study_of[instance.sop_instance_uid], {instance.sop_instance_uid: None})
    assert "present" in report.failed()
    assert instance.file_name in " ".join(report.check("present").worst)


def a_blank_page(dataset: FileDataset) -> None:
    dataset.EncapsulatedDocument = pdf_of("")


def of_nothing(dataset: FileDataset) -> None:
    dataset.EncapsulatedDocument = None


def of_something_else(dataset: FileDataset) -> None:
    dataset.EncapsulatedDocument = pdf_of("This report was de-identified.", "Report")


@pytest.mark.parametrize("name", HOSPITALS)
@pytest.mark.parametrize("change", [a_blank_page, of_nothing, of_something_else, delete("(0042,0011)")])
def test_loss_of_a_reports_text_is_reported(name: str, change: Change) -> None:
    """A report may be left out; one that is handed in must still say what was found."""
    place = hospital(name)
    reports = [image for image in place.instance_of.values() if kind_of(image) == "DOC 104.1"]
    assert reports
    for instance in reports:
        uid = instance.sop_instance_uid
        dataset = place.cleaned(uid)
        change(dataset)
        report = place.audit(place.study_of[uid], {uid: (name_of(uid), written(dataset))})
        assert report.failed() == ("useful",)
        assert not report.leaks
        said = "what pdf page 1 said of the findings is gone: take out the name, not the medical words, or leave the"
        assert report.check("useful").worst[0] == f"{said} document out ({name_of(uid)})"
        meaning = next(tally for tally in report.kept if tally.name == "clinical meaning")
        assert meaning.total - meaning.good == 1


@pytest.mark.parametrize("name", HOSPITALS)
def test_loss_of_a_document_is_none(name: str) -> None:
    place = hospital(name)
    for kind in sorted(DOCUMENTS):
        instance = place.some(kind)
        report = place.audit(place.study_of[instance.sop_instance_uid], {instance.sop_instance_uid: None})
        assert report.passed, report.summary()


def test_loss_is_reported_with_its_attribute() -> None:
    place = hospital(HOSPITALS[0])
    instance = next(
        image for image in place.instance_of.values() if any(k.keeping is Keeping.CONTENT for k in image.kept)
    )
    kept = next(tally for tally in instance.kept if tally.keeping is Keeping.CONTENT)
    uid = instance.sop_instance_uid
    dataset = place.cleaned(uid)
    emptied(kept)(dataset)
    report = place.audit(place.study_of[uid], {uid: (name_of(uid), written(dataset))})
    assert attribute(kept.path) in report.check("useful").worst[0]
    assert {tally.name: tally.good < tally.total for tally in report.kept}["measured content"]
