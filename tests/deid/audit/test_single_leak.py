"""Every planted identifier of three hospitals, alone: an output without a fault but for that one leak.

One case for each kind of object, location, kind of identifier and path of each hospital. The audit names exactly that
leak: its place, its kind, its patient, and the check that the place belongs to.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

import pytest
from pydicom.tag import Tag

from pacslab.cohort import AnswerKey, Identifier, Keeping, Location
from pacslab.deid.audit.study import audit_study
from pacslab.deid.dicom.elements import element_of, value_at
from tests.support.single_faults import (
    HOSPITALS,
    OBJECTS,
    Hospital,
    Memory,
    by_hospital,
    evidence_in,
    hospital,
    kind_of,
    named,
    spoilt,
    written,
)

if TYPE_CHECKING:
    from pathlib import Path

    from pacslab.deid.audit.report.model import DeidReport, Leak
    from tests.support.single_faults import Case

pytestmark = pytest.mark.worker_group.with_args(by_hospital)


def expected_check(place: Hospital, case: Case) -> set[str]:
    """Return the check of a place as its title tells it, from the path and the value representation alone."""
    identifier = case.planted
    by_place = [
        (identifier.path == "pixels" and case.instance.document, "documents"),
        (identifier.path == "face" or identifier.box is not None, "pixels"),
        (identifier.path.startswith("pdf"), "documents"),
        (identifier.location is Location.PRIVATE, "private"),
        (is_long_text(place, case), "free_text"),
    ]
    for here, check in by_place:
        if here:
            return {check}
    if identifier.path == "(0020,0200)":
        return {"uids", "dates"}  # this UID spells out the day
    by_kind = {Identifier.DATE: "dates", Identifier.UID: "uids"}
    return {by_kind.get(identifier.kind, "nested" if "." in identifier.path else "headers")}


def is_long_text(place: Hospital, case: Case) -> bool:
    identifier = case.planted
    if not identifier.path.startswith("(") or identifier.path.startswith("(0002,"):
        return False
    outer, _, last = identifier.path.rpartition(".")
    dataset = place.original(identifier.sop_instance_uid)
    holder = value_at(dataset, outer) if outer else dataset
    return element_of(holder, Tag(int(last[1:5], 16), int(last[6:10], 16))).VR in {"LT", "ST", "UT"}


def is_of(leak: Leak, case: Case) -> bool:
    """Whether a leak is the case's: its token, or another identifier of the patient that stands in the same words."""
    identifier = case.planted
    here = (leak.place, leak.location, leak.patient) == (identifier.path, identifier.location, identifier.patient)
    text = (identifier.written or identifier.token).casefold()
    inside = leak.kind is identifier.kind or any(word in text for word in re.findall(r"\w{4,}", leak.token.casefold()))
    return here and inside


def fault(place: Hospital, case: Case, report: DeidReport) -> str:
    """Return what is wrong with the report of a case; empty if nothing is."""
    failed = {str(check) for check in report.failed()}
    if failed != expected_check(place, case):
        return f"failed {sorted(failed)}: {[outcome.worst[:1] for outcome in report.checks if not outcome.passed]}"
    if not any(is_of(leak, case) and leak.token == case.planted.token for leak in report.leaks):
        return f"not found among {[(leak.place, leak.location.value, leak.token) for leak in report.leaks]}"
    others = [leak for leak in report.leaks if not is_of(leak, case)]
    return f"found as well: {[(leak.place, leak.patient, leak.token) for leak in others]}" if others else ""


@pytest.mark.parametrize("hospital_and_kind", OBJECTS, ids=named)
def test_leak_of_each_identifier_is_reported_alone(hospital_and_kind: tuple[str, str]) -> None:
    place, kind = hospital(hospital_and_kind[0]), hospital_and_kind[1]
    cases = [case for case in place.cases if kind_of(case.instance) == kind]
    assert len(cases) >= 25, "the answer key plants far more in any object"
    wrong = {}
    for case in cases:
        uid = case.planted.sop_instance_uid
        report = place.audit(place.study_of[uid], {uid: spoilt(place, case)})
        said = fault(place, case, report)
        if said:
            wrong[str(case)] = said
    assert not wrong


@pytest.mark.parametrize("name", HOSPITALS)
def test_leak_free_output_has_no_finding(name: str) -> None:
    place = hospital(name)
    for study in place.studies:
        report = place.audit(study, {})
        assert report.passed, report.summary()
        assert not report.leaks


@pytest.mark.parametrize("name", HOSPITALS)
def test_leak_cases_cover_every_location_and_kind(name: str) -> None:
    place = hospital(name)
    assert set(place.kinds()) == {kind for here, kind in OBJECTS if here == name}
    assert {case.planted.location for case in place.cases} == set(Location) - {Location.DICOMDIR}
    assert {case.planted.kind for case in place.cases} >= set(Identifier) - {Identifier.BIOMETRIC, Identifier.AGE}
    assert len(place.cases) > 600
    assert Counter(kind_of(case.instance) for case in place.cases).total() == len(place.cases)


@pytest.mark.parametrize("name", HOSPITALS)
def test_leak_in_a_folder_is_judged_as_in_memory(name: str, tmp_path: Path) -> None:
    """What is shared between the cases changes nothing: the audit of a folder says the same."""
    place = hospital(name)
    for case in place.cases[::97]:
        study = place.study_of[case.planted.sop_instance_uid]
        folder = tmp_path / str(place.cases.index(case))
        folder.mkdir()
        file, content = spoilt(place, case)
        for instance in study.instances:
            mine = instance.sop_instance_uid == case.planted.sop_instance_uid
            at = folder / (file if mine else f"{instance.instance_number}-{instance.sop_class_uid}.dcm")
            at.write_bytes(content if mine else place.clean[instance.sop_instance_uid])
        shared = place.audit(study, {case.planted.sop_instance_uid: (file, content)})
        alone = audit_study(folder, place.key, study.study_instance_uid)
        assert alone.failed() == shared.failed(), str(case)
        assert set(alone.leaks) == set(shared.leaks), str(case)


def test_leak_is_no_diagnosis_that_the_image_shows() -> None:
    """A scanned page may name the diagnosis that the descriptors of the same patient's ECG must keep."""
    place = hospital("district-hospital-standard")
    ecg = next(instance for instance in place.instance_of.values() if instance.modality == "ECG" and instance.kept)
    ct = next(instance for instance in place.instance_of.values() if instance.modality == "CT")
    words = next(tally.text for tally in ecg.kept if tally.keeping is Keeping.MEANING)

    def found(uid: str, content: bytes) -> set[str]:
        name = next(identifier for identifier in place.key.planted_in({uid}) if identifier.kind is Identifier.NAME)
        diagnosis = name.model_copy(
            update={
                "kind": Identifier.OTHER,
                "token": words.capitalize(),
                "path": "pixels",
                "location": Location.PIXELS,
            }
        )
        parts = {name: getattr(place.key, name) for name in AnswerKey.model_fields}
        key = AnswerKey(**{**parts, "planted": (*place.key.planted, diagnosis)})
        leaks = evidence_in(key, (place.study_of[uid],), Memory({"1.dcm": content})).leaks
        return {leak.place for leak in leaks if leak.token == diagnosis.token}

    assert not found(ecg.sop_instance_uid, place.clean[ecg.sop_instance_uid])
    dataset = place.cleaned(ct.sop_instance_uid)
    dataset.StudyDescription = words
    assert found(ct.sop_instance_uid, written(dataset)) == {"(0008,1030)"}
