"""A DICOMDIR of a whole hospital: every identifier that a record can hold, alone, in the record that it belongs to.

A DICOMDIR has no patient of its own. Each record is searched as the patient's whose files it references: only so are
dates and ages found, which are somebody else's as well, and the moved dates of others are no leak.
"""

from __future__ import annotations

import io
import re
from collections import Counter
from time import process_time
from typing import TYPE_CHECKING

import numpy as np
import pydicom
import pytest
from pydicom.fileset import FileSet

from pacslab.cohort import Identifier, Location
from pacslab.deid.audit.cohort import audit_cohort
from pacslab.deid.dicom.dicomdir import DirectoryRecord, patients_of_records
from pacslab.deid.dicom.output_folder import quiet_pydicom
from tests.support.dicomdirs import LEVELS, Media, cases_of, level_of, media, spoilt
from tests.support.single_faults import HOSPITALS, Case, Hospital, attribute_back, by_hospital, written

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from pydicom.dataset import Dataset, FileDataset

    from pacslab.cohort import PlantedIdentifier

pytestmark = pytest.mark.worker_group.with_args(by_hospital)

ICON = "(0088,0200)[0].(7FE0,0010)"


def fault(on: Media, case: Case) -> str:
    """Return what is wrong with what is said of a case; empty if nothing is."""
    identifier = case.planted
    directory, place = spoilt(on, case)
    failed, leaks = on.leaks(directory)
    expected = {Identifier.DATE: {"dates"}, Identifier.UID: {"uids"}}.get(identifier.kind, {"headers"})
    if identifier.path == "(0020,0200)":
        expected = {"uids", "dates"}  # this UID spells out the day
    if failed != expected:
        return f"failed {sorted(failed)}: {[(leak.place, leak.token) for leak in leaks]}"
    if not any(leak.token == identifier.token for leak in leaks):
        return f"not found among {[(leak.place, leak.token) for leak in leaks]}"
    text = (identifier.written or identifier.token).casefold()
    others = [
        leak
        for leak in leaks
        if (leak.file, leak.place, leak.location, leak.patient)
        != ("DICOMDIR", place, Location.DICOMDIR, identifier.patient)
        or (
            leak.kind != identifier.kind
            and not any(word in text for word in re.findall(r"\w{4,}", leak.token.casefold()))
        )
    ]
    return f"found as well: {[(leak.place, leak.patient, leak.token) for leak in others]}" if others else ""


@pytest.mark.parametrize("name", HOSPITALS)
def test_dicomdir_identifier_in_its_record_is_reported(name: str) -> None:
    on = media(name)
    cases = cases_of(on)
    wrong = {str(case): said for case in cases if (said := fault(on, case))}
    assert not wrong
    assert len(cases) > 120
    assert {level_of(case.planted.path) for case in cases} == set(LEVELS)
    kinds = Counter(case.planted.kind for case in cases)
    assert set(kinds) >= {
        Identifier.NAME,
        Identifier.DATE,
        Identifier.AGE,
        Identifier.RECORD_NUMBER,
        Identifier.GEOGRAPHIC,
    }


@pytest.mark.parametrize("name", HOSPITALS)
def test_dicomdir_of_shifted_dates_has_no_leak(name: str, tmp_path: Path) -> None:
    """Nor does a whole cohort's audit find anything; and where something is put back, it says the same as the cases."""
    on = media(name)
    for path, content in on.files.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(content)
    report = audit_cohort(tmp_path, on.place.key, workers=1)
    assert not report.leaks
    assert report.passed, report.summary()
    assert any(record.get("StudyDate") for record in on.records)
    for case in cases_of(on)[::37]:
        directory, _ = spoilt(on, case)
        (tmp_path / "DICOMDIR").write_bytes(written(directory))
        report = audit_cohort(tmp_path, on.place.key, workers=1)
        failed, leaks = on.leaks(directory)
        assert (set(report.failed()), set(report.leaks)) == (failed, set(leaks)), str(case)
        told = next(person for person in report.patients if person.index == case.planted.patient)
        assert told.leaks == len(leaks)
        assert told.worst[0].endswith("is still in the DICOMDIR")


def dated(on: Media) -> Case:
    """Return the date of a study of several images of a patient, of whom another patient's files know nothing."""
    return next(
        case
        for case in cases_of(on)
        if case.planted.path == "(0008,0020)" and len(on.place.study_of[case.instance.sop_instance_uid].instances) > 2
    )


def directory_before(place: Hospital, folder: Path) -> FileDataset:
    """Return the DICOMDIR of the originals."""
    fileset = FileSet()
    for content in place.before.values():
        dataset = pydicom.dcmread(io.BytesIO(content))
        dataset.StudyID = dataset.get("StudyID") or "1"
        fileset.add(dataset)
    fileset.write(folder / "originals")
    return pydicom.dcmread(folder / "originals" / "DICOMDIR")


@pytest.mark.parametrize("name", HOSPITALS)
def test_dicomdir_of_the_originals_leaks_beside_clean_files(name: str, tmp_path: Path) -> None:
    """Every patient's name and every day of a study is told, of the patient whose it is."""
    on = media(name)
    with quiet_pydicom():
        failed, leaks = on.leaks(directory_before(on.place, tmp_path))
    assert failed == {"headers", "uids", "dates"}
    found = {(leak.token, leak.patient) for leak in leaks}
    for patient in on.place.key.patients:
        assert (patient.name, patient.index) in found
        assert {(study.date, patient.index) for study in patient.studies} <= found


def test_dicomdir_date_of_another_patient_is_no_leak() -> None:
    """A moved date may be the day on which another patient was examined."""
    on = media(HOSPITALS[0])
    case = dated(on)
    for uid in on.of_image:
        directory = on.directory()
        record = directory.DirectoryRecordSequence[on.record(uid, "STUDY")]
        record.StudyDate = case.planted.token
        owners = {identifier.patient for identifier in on.place.key.planted if identifier.token == case.planted.token}
        patient = on.place.key.patient_of(on.place.study_of[uid].study_instance_uid).index
        assert {leak.patient for leak in on.leaks(directory)[1]} == ({patient} if patient in owners else set())


def at_image(on: Media, case: Case) -> FileDataset:
    """Return the DICOMDIR with the date of a study in the record of one image."""
    directory = on.directory()
    directory.DirectoryRecordSequence[on.record(case.instance.sop_instance_uid)].ContentDate = case.planted.token
    return directory


def found_in(on: Media, directory: FileDataset, without: str = "") -> list[tuple[str, int | None]]:
    return [(leak.token, leak.patient) for leak in on.leaks(directory, without)[1]]


def test_dicomdir_record_of_a_missing_file_is_searched() -> None:
    on = media(HOSPITALS[0])
    case = dated(on)
    expected = [(case.planted.token, case.planted.patient)]
    assert found_in(on, at_image(on, case), without=on.name_of[case.instance.sop_instance_uid]) == expected


def test_dicomdir_record_without_a_reference_is_searched() -> None:
    on = media(HOSPITALS[0])
    case = dated(on)
    directory = at_image(on, case)
    record = directory.DirectoryRecordSequence[on.record(case.instance.sop_instance_uid)]
    del record.ReferencedFileID, record.ReferencedSOPInstanceUIDInFile
    assert found_in(on, directory) == [(case.planted.token, case.planted.patient)]


@pytest.mark.parametrize("lost", ["ReferencedFileID", "ReferencedSOPInstanceUIDInFile"])
def test_dicomdir_file_is_found_by_name_and_by_instance(lost: str) -> None:
    """Files were moved, or the instances have other UIDs: what is left of the reference leads to the file."""
    on = media(HOSPITALS[0])
    case = dated(on)
    directory = at_image(on, case)
    for record in directory.DirectoryRecordSequence:
        if lost in record:
            delattr(record, lost)
    assert found_in(on, directory) == [(case.planted.token, case.planted.patient)]


def test_dicomdir_patient_without_known_files_is_reported() -> None:
    """A name gives its patient away wherever it stands, a date does not where nobody knows whose it is."""
    on = media(HOSPITALS[0])
    case = dated(on)
    patient = on.place.key.patient_of(on.place.study_of[case.instance.sop_instance_uid].study_instance_uid)
    directory = at_image(on, case)
    directory.DirectoryRecordSequence[on.record(case.instance.sop_instance_uid, "PATIENT")].PatientName = patient.name
    for directory_record in directory.DirectoryRecordSequence:
        for keyword in ("ReferencedFileID", "ReferencedSOPInstanceUIDInFile"):
            if keyword in directory_record:
                delattr(directory_record, keyword)
    found = found_in(on, directory)
    assert {index for _, index in found} == {patient.index}
    assert patient.name in {token for token, _ in found}
    assert case.planted.token not in {token for token, _ in found}


def level_by_level(directory: FileDataset) -> FileDataset:
    """Return a DICOMDIR whose records stand level by level: only offsets say what belongs together."""
    records = directory.DirectoryRecordSequence
    order = sorted(range(len(records)), key=lambda at: depth(records[at]))
    old = [record.seq_item_tell for record in directory.DirectoryRecordSequence]
    offsets = ("OffsetOfTheNextDirectoryRecord", "OffsetOfReferencedLowerLevelDirectoryEntity")
    directory.DirectoryRecordSequence = [directory.DirectoryRecordSequence[at] for at in order]
    moved = [record.seq_item_tell for record in pydicom.dcmread(io.BytesIO(written(directory))).DirectoryRecordSequence]
    new_of = {0: 0} | {old[at]: new for at, new in zip(order, moved, strict=True)}
    for record in directory.DirectoryRecordSequence:
        for keyword in offsets:
            setattr(record, keyword, new_of[record[keyword].value])
    first = "OffsetOfTheFirstDirectoryRecordOfTheRootDirectoryEntity"
    setattr(directory, first, new_of[directory[first].value])
    return directory


def depth(record: Dataset) -> int:
    kind = record.DirectoryRecordType
    return LEVELS.index(kind) if kind in LEVELS else len(LEVELS) - 1


def test_dicomdir_records_may_stand_in_any_order() -> None:
    """Offsets say which record stands below which, wherever it stands."""
    on = media(HOSPITALS[0])
    for case in cases_of(on):
        identifier = case.planted
        if identifier.kind is Identifier.DATE and level_of(identifier.path) != "IMAGE":
            directory = on.directory()
            record = directory.DirectoryRecordSequence[
                on.record(identifier.sop_instance_uid, level_of(identifier.path))
            ]
            attribute_back(
                on.place.original(identifier.sop_instance_uid),
                record,
                identifier,
                identifier.written or identifier.token,
            )
            assert set(found_in(on, level_by_level(directory))) == {(identifier.token, identifier.patient)}, str(case)


def in_a_circle(records: list[Dataset]) -> None:
    for record in records:
        record.OffsetOfTheNextDirectoryRecord = records[0].seq_item_tell


def all_below_the_first(records: list[Dataset]) -> None:
    records[-1].OffsetOfReferencedLowerLevelDirectoryEntity = records[0].seq_item_tell


def to_nowhere(records: list[Dataset]) -> None:
    for record in records:
        record.OffsetOfTheNextDirectoryRecord = 7


def of_no_type(records: list[Dataset]) -> None:
    for record in records:
        del record.OffsetOfTheNextDirectoryRecord
        record["DirectoryRecordType"].value = ["SERIES", "STUDY"]


@pytest.mark.parametrize("spoil", [in_a_circle, all_below_the_first, to_nowhere, of_no_type])
def test_dicomdir_with_broken_offsets_is_still_searched(spoil: Callable[[list[Dataset]], None]) -> None:
    """The order of the records says what the offsets do not; the record of an image knows its file all the same."""
    on = media(HOSPITALS[0])
    case = dated(on)
    directory = at_image(on, case)
    spoil(list(directory.DirectoryRecordSequence))
    assert found_in(on, directory) == [(case.planted.token, case.planted.patient)]


@pytest.mark.parametrize("known", [True, False])
def test_dicomdir_of_100000_nested_records_is_bounded(*, known: bool) -> None:
    count = 100_000
    records = tuple(DirectoryRecord(at - 1 if at else None, "", "") for at in range(count))
    begin = process_time()
    mine: list[set[int]] = [set() for _ in records]
    if known:
        mine[-1] = {7}
    assert set(patients_of_records(records, mine)) == ({frozenset({7})} if known else {frozenset()})
    assert process_time() - begin < 20, "a walk from each record to the top takes minutes"


def iconic(on: Media) -> Iterator[tuple[PlantedIdentifier, Dataset]]:
    """Yield each image whose icon names the patient, with the icon."""
    for uid in on.of_image:
        planted = next(
            (identifier for identifier in on.place.key.planted_in({uid}) if identifier.location is Location.ICON), None
        )
        if planted is not None:
            yield planted, on.place.original(uid).IconImageSequence[0]


def spoilt_icon(icon: Dataset) -> None:
    icon.PixelData = b"\1\2"


def painted_over(icon: Dataset) -> None:
    icon.PixelData = np.zeros(len(icon.PixelData), np.uint8).tobytes()


@pytest.mark.parametrize("name", HOSPITALS)
def test_dicomdir_icon_with_a_name_is_reported(name: str) -> None:
    on = media(name)
    count = 0
    for planted, icon in iconic(on):
        number = on.record(planted.sop_instance_uid)

        def with_icon(change: Callable[[Dataset], None], at: int = number, shown: Dataset = icon) -> FileDataset:
            directory = on.directory()
            directory.DirectoryRecordSequence[at].IconImageSequence = [pydicom.Dataset(shown)]
            change(directory.DirectoryRecordSequence[at].IconImageSequence[0])
            return directory

        failed, leaks = on.leaks(with_icon(lambda _: None))
        assert failed == {"pixels"}
        assert {(leak.place, leak.location, leak.token, leak.patient) for leak in leaks} == {
            (f"(0004,1220)[{number}].{ICON}", Location.ICON, planted.token, planted.patient)
        }
        assert on.leaks(with_icon(painted_over)) == (set(), [])
        assert on.leaks(with_icon(spoilt_icon)) == ({"pixels"}, [])
        count += 1
    assert count >= 2
