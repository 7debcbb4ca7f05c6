"""The reference output with any one planted identifier put back fails exactly the check of that identifier."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pydicom
import pypdf
import pytest
from pydicom.tag import Tag

from pacslab.cohort import Identifier, Location
from pacslab.deid.audit.report.model import check_of
from pacslab.deid.deidentify.policy import load_policy
from pacslab.deid.deidentify.profile import ProfileApplier
from pacslab.deid.deidentify.pseudonyms import Pseudonyms
from pacslab.deid.dicom.elements import element_of, value_at
from tests.support.cohorts import original
from tests.support.outputs import SECRET, Output, put

if TYPE_CHECKING:
    from pydicom.dataset import Dataset, FileDataset

    from pacslab.cohort import PlantedIdentifier

COMMENTS = "(0020,4000)"
IN_ATTRIBUTES = {Location.HEADER, Location.NESTED, Location.PRIVATE, Location.FREE_TEXT, Location.UID}


def planted_once() -> list[PlantedIdentifier]:
    """Return every planted attribute of the images, once for each kind of identifier and path."""
    found: dict[tuple[str, str], PlantedIdentifier] = {}
    images = {instance.sop_instance_uid for instance in original().study.instances if not instance.document}
    for identifier in original().key.planted:
        if identifier.sop_instance_uid in images and identifier.location in IN_ATTRIBUTES:
            found.setdefault((identifier.path, identifier.kind), identifier)
    return list(found.values())


def image_number(sop_instance_uid: str) -> int:
    images = [instance.sop_instance_uid for instance in original().study.instances if not instance.document]
    return images.index(sop_instance_uid)


def vr_at(dataset: Dataset, path: str) -> str:
    *steps, last = path.split(".")
    for step in steps:
        dataset = value_at(dataset, step)
    return element_of(dataset, Tag(int(last[1:5], 16), int(last[6:10], 16))).VR


@pytest.mark.parametrize("planted", planted_once(), ids=lambda identifier: f"{identifier.path}-{identifier.kind}")
def test_leak_of_each_planted_attribute_is_that_leak(output: Output, planted: PlantedIdentifier) -> None:
    number = image_number(planted.sop_instance_uid)
    vr = vr_at(output.source(number), planted.path)
    beside = f", {original().key.facts['deid_meaning']}" if planted.path == COMMENTS else ""
    output.edit(lambda dataset: put(dataset, planted.path, vr, planted.token + beside), number)
    report = output.audit()
    assert report.failed() == (check_of(planted.location, planted.kind),)
    assert [leak.token for leak in report.leaks if leak.place == planted.path]


def test_leak_of_the_whole_comment_is_found(output: Output) -> None:
    comments = output.source().ImageComments
    output.edit(lambda dataset: setattr(dataset, "ImageComments", comments))
    report = output.audit()
    assert report.failed() == ("free_text",)
    assert any("the patient's name is in ImageComments (0020,4000)" in note for note in report.check("free_text").worst)


def test_leaks_of_every_attribute_together_are_found(output: Output) -> None:
    for path, content in zip(output.paths, original().images, strict=True):
        path.write_bytes(content)
    failed = output.failed()
    assert failed == {"headers", "nested", "private", "free_text", "uids", "dates", "pixels", "flags"}
    removed = {tally.name: tally for tally in output.audit().removed}
    assert removed["private attributes"].good == 0
    assert removed["PDF reports"].good == removed["PDF reports"].total


def cleaned_document(kind: str) -> FileDataset:
    """Return a document of the study whose attributes are de-identified and whose content is not."""
    document = next(
        instance for instance in original().study.instances if instance.document and instance.modality == kind
    )
    dataset = pydicom.dcmread(io.BytesIO(original().files[document.file_name]))
    content = dataset.get("EncapsulatedDocument")
    ProfileApplier(dataset, Pseudonyms(SECRET), load_policy()).clean()
    if content is not None:
        dataset.EncapsulatedDocument = content
    return dataset


@pytest.mark.parametrize("kind", ["OT", "DOC"], ids=["cover page", "report"])
def test_leak_in_a_kept_document_is_found(output: Output, kind: str) -> None:
    cleaned_document(kind).save_as(output.folder / "document.dcm", enforce_file_format=True)
    report = output.audit()
    assert report.failed() == ("documents",)
    assert report.leaks


def test_leak_is_reported_with_its_line_of_the_report(output: Output) -> None:
    """Whoever opens the PDF finds it: page and line are told, in the check and of the patient."""
    document = cleaned_document("DOC")
    document.save_as(output.folder / "document.dcm", enforce_file_format=True)
    page = pypdf.PdfReader(io.BytesIO(document.EncapsulatedDocument)).pages[0].extract_text().splitlines()
    patient = next(person for person in original().key.patients if original().study in person.studies)
    line = 1 + next(number for number, text in enumerate(page) if patient.spoken_name in text)
    report = output.audit()
    sentence = f"the patient's name is in pdf page 1, line {line} (document.dcm)"
    assert sentence in report.check("documents").worst
    told = f"patient {patient.index}'s name is still in the PDF page 1, line {line} of 1 document"
    assert told in report.leaking[0].worst


def test_leak_free_blank_cover_page_is_a_document_kept(output: Output) -> None:
    page = cleaned_document("OT")
    page.PixelData = b"\xff" * len(page.PixelData)
    page.save_as(output.folder / "page.dcm", enforce_file_format=True)
    assert output.failed() == set()


def test_leak_kinds_of_dates_are_all_dates() -> None:
    assert {
        identifier.kind for identifier in planted_once() if check_of(identifier.location, identifier.kind) == "dates"
    } == {Identifier.DATE}
