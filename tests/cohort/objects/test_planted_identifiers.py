"""Every identifier that the key names stands where the key says, read back with independent code."""

from __future__ import annotations

import io
import re
from datetime import date
from typing import TYPE_CHECKING

import numpy as np
import pypdf
import pytest

from pacslab.cohort.answer_key import Box, Identifier, Location
from pacslab.cohort.pixel_digests import digest_outside

if TYPE_CHECKING:
    from pydicom.dataset import Dataset


OPEN_ARCHIVE = (
    Location.HEADER,
    Location.NESTED,
    Location.PRIVATE,
    Location.FREE_TEXT,
    Location.UID,
    Location.PIXELS,
    Location.PDF,
    Location.FILE_META,
)


def value_at(dataset: Dataset, path: str):
    here = dataset
    for group, element, item in re.findall(r"\((\w{4}),(\w{4})\)(?:\[(\d+)\])?", path):
        here = here[int(group, 16), int(element, 16)].value
        if item:
            here = here[int(item)]
    return here


def written(token: str, kind: Identifier) -> set[str]:
    """How a token may be typed on a page or in a report."""
    if kind is Identifier.DATE:
        day = date(int(token[:4]), int(token[4:6]), int(token[6:]))
        return {f"{day:%d.%m.%Y}"}
    if "^" in token:
        family, given = token.split("^")
        return {f"{given} {family}"}
    return {token}


@pytest.fixture(scope="module")
def deid(key):
    return key.study(key.facts["deid_study_uid"])


def test_planted_attributes_hold_the_tokens_of_the_key(key, datasets):
    checked = 0
    for identifier in key.planted:
        dataset = datasets[identifier.sop_instance_uid]
        if identifier.location in (Location.PIXELS, Location.PDF):
            continue
        source = dataset.file_meta if identifier.location is Location.FILE_META else dataset
        assert identifier.token in str(value_at(source, identifier.path)), identifier.path
        checked += 1
    assert checked > 150


def test_planted_identifiers_are_in_every_kind_of_place(key, deid):
    planted = key.planted_in({instance.sop_instance_uid for instance in deid.instances})
    assert {identifier.location for identifier in planted} >= set(OPEN_ARCHIVE)
    kinds = {identifier.kind for identifier in planted}
    assert kinds >= {
        Identifier.NAME,
        Identifier.GEOGRAPHIC,
        Identifier.DATE,
        Identifier.PHONE,
        Identifier.EMAIL,
        Identifier.NATIONAL_NUMBER,
        Identifier.RECORD_NUMBER,
        Identifier.DEVICE,
        Identifier.UID,
    }
    assert any(identifier.location is Location.NESTED and identifier.kind is Identifier.NAME for identifier in planted)


def test_planted_names_are_all_known_to_the_key(cohort, datasets):
    """Search every string of every file for the patient's names and numbers."""
    for study in cohort.plan.studies:
        person = study.person
        known = {(identifier.sop_instance_uid, identifier.path) for identifier in cohort.planted_in(study)}
        needles = (person.given, person.family, person.national_number, person.record_number, person.phone)
        needles += (f"{person.birth_date:%Y%m%d}", f"{study.time:%Y%m%d}", study.accession, study.study_id)
        for series in study.series:
            for instance in series.instances:
                for path, text in walk(datasets[instance.uid]):
                    if any(needle in text for needle in needles):
                        assert (instance.uid, path) in known, f"{path}: {text}"


def walk(dataset: Dataset, prefix: str = ""):
    for element in dataset:
        path = f"{prefix}({element.tag.group:04X},{element.tag.element:04X})"
        if element.VR == "SQ":
            for index, item in enumerate(element.value):
                yield from walk(item, f"{path}[{index}].")
        elif element.VR not in ("OB", "OW"):
            yield path, str(element.value)


def test_planted_report_text_is_that_of_the_key(key, datasets):
    planted = [identifier for identifier in key.planted if identifier.location is Location.PDF]
    assert len(planted) >= 10
    for identifier in planted:
        reader = pypdf.PdfReader(io.BytesIO(datasets[identifier.sop_instance_uid].EncapsulatedDocument))
        text = str(reader.metadata) if identifier.path == "pdf information" else reader.pages[0].extract_text()
        assert any(form in text for form in written(identifier.token, identifier.kind)), identifier.token


def test_planted_glyphs_lie_where_their_mask_says(key, datasets):
    planted = [identifier for identifier in key.planted if identifier.location is Location.PIXELS]
    assert len(planted) >= 4 * 4 + 10
    for identifier in planted:
        pixels = datasets[identifier.sop_instance_uid].pixel_array.astype(float)
        glyphs, box = identifier.glyphs(), identifier.box
        region = pixels[box.row : box.row + box.height, box.column : box.column + box.width]
        assert region.shape == glyphs.shape
        assert 0.03 < glyphs.mean() < 0.5
        correlation = np.corrcoef(region.ravel(), glyphs.ravel())[0, 1]
        assert abs(correlation) > 0.7, f"{identifier.token}: {correlation:.2f}"


def test_planted_banner_can_be_painted_over_alone(key, deid, datasets):
    for instance in deid.instances:
        if instance.modality != "US":
            continue
        boxes = [
            identifier.box
            for identifier in key.planted
            if identifier.location is Location.PIXELS and identifier.sop_instance_uid == instance.sop_instance_uid
        ]
        pixels = datasets[instance.sop_instance_uid].pixel_array.copy()
        assert instance.pixels_outside == digest_outside(pixels, boxes)
        pixels[:46] = 0  # the whole band, as most people would
        assert instance.pixels_outside == digest_outside(pixels, boxes)
        pixels[200, 320] ^= 1
        assert instance.pixels_outside != digest_outside(pixels, boxes)


def test_pixel_digests_are_of_images_only(deid):
    digests = {instance.sop_instance_uid: instance.pixels_outside for instance in deid.instances}
    assert {instance.modality for instance in deid.instances if digests[instance.sop_instance_uid] is None} == {"DOC"}


def test_references_point_into_the_study(deid, datasets):
    own = {instance.sop_instance_uid for instance in deid.instances}
    references = [
        element.value
        for uid in own
        for element in datasets[uid].iterall()
        if element.keyword == "ReferencedSOPInstanceUID"
    ]
    assert len(references) == 3
    assert set(references) <= own


def test_planted_boxes_lie_inside_the_image(key, datasets):
    for identifier in key.planted:
        if identifier.box is None:
            continue
        box: Box = identifier.box
        dataset = datasets[identifier.sop_instance_uid]
        assert box.row >= 0
        assert box.column >= 0
        assert box.row + box.height <= dataset.Rows
        assert box.column + box.width <= dataset.Columns


def test_answer_key_survives_json(key):
    assert type(key).model_validate_json(key.model_dump_json()) == key
