"""Patients, studies and images as an independent reader finds them."""

from __future__ import annotations

import io
from collections import Counter, defaultdict

import numpy as np
import pydicom
import pytest

CT, CR, US = "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.1", "1.2.840.10008.5.1.4.1.1.6.1"
SC, PDF = "1.2.840.10008.5.1.4.1.1.7", "1.2.840.10008.5.1.4.1.1.104.1"


@pytest.fixture(scope="module")
def by_class(datasets):
    classes = defaultdict(list)
    for dataset in datasets.values():
        classes[str(dataset.SOPClassUID)].append(dataset)
    return classes


def test_archive_holds_enough_of_everything(datasets, by_class):
    assert len(datasets) >= 150
    assert len({dataset.PatientID for dataset in datasets.values()}) >= 12
    assert len(by_class[CT]) == 6 * 21
    assert 5 <= len(by_class[CR]) <= 7
    assert 16 <= len(by_class[US]) <= 20
    assert 5 <= len(by_class[SC]) <= 6
    assert 4 <= len(by_class[PDF]) <= 5


def test_archive_files_agree_with_the_answer_key(datasets, key):
    studies = defaultdict(set)
    for uid, read_dataset in datasets.items():
        studies[read_dataset.StudyInstanceUID].add(uid)
    assert {
        study.study_instance_uid: {i.sop_instance_uid for i in study.instances} for study in key.studies()
    } == studies
    for patient in key.patients:
        for study in patient.studies:
            for instance in study.instances:
                dataset = datasets[instance.sop_instance_uid]
                assert str(dataset.PatientName) == patient.name
                assert dataset.PatientID == patient.patient_id == patient.national_number
                assert (dataset.PatientBirthDate, dataset.PatientSex) == (patient.birth_date, patient.sex)
                assert dataset.AccessionNumber == study.accession_number
                assert dataset.StudyDate == study.date
                assert dataset.SeriesInstanceUID == instance.series_instance_uid
                assert dataset.SOPClassUID == instance.sop_class_uid
                assert dataset.InstanceNumber == instance.instance_number
                assert dataset.Modality == instance.modality
                assert instance.document == (dataset.SOPClassUID in (SC, PDF))


def test_archive_file_names_are_unique_and_name_nobody(files, key):
    assert len(files) == len(set(files))
    for patient in key.patients:
        family, given = patient.name.lower().split("^")
        for name in files:
            assert family not in name
            assert given not in name
            assert patient.patient_id not in name


def test_archive_ct_is_a_chest_in_hounsfield_units(by_class):
    series = defaultdict(list)
    for image in by_class[CT]:
        series[image.SeriesInstanceUID].append(image)
    for slices in series.values():
        slices.sort(key=lambda dataset: float(dataset.ImagePositionPatient[2]))
        steps = np.diff([float(image.ImagePositionPatient[2]) for image in slices])
        assert len(slices) == 21
        assert np.allclose(steps, steps[0])
        assert len({image.FrameOfReferenceUID for image in slices}) == 1
        volume = np.stack(
            [image.pixel_array * float(image.RescaleSlope) + float(image.RescaleIntercept) for image in slices]
        )
        assert volume.min() >= -1024
        middle = volume[14]
        inside = middle[128 - 50 : 128 + 50, 40:216]
        assert (inside < -700).mean() > 0.2, "lungs"
        assert (inside > 150).mean() > 0.02, "bone and contrast"
        assert (volume[1] < -700)[60:190, 50:110].mean() < 0.1, "the liver instead of the right lung below"
        assert np.median(volume[1][90:150, 60:95]) == pytest.approx(105, abs=25), "liver"


def test_archive_radiograph_has_dark_lungs(by_class):
    for image in by_class[CR]:
        pixels = image.pixel_array
        assert min(pixels.shape) >= 512
        assert (image.BitsStored, pixels.max() < 4096) == (12, True)
        height, width = pixels.shape
        row = slice(int(height * 0.38), int(height * 0.46))
        lung = np.median(pixels[row, int(width * 0.22) : int(width * 0.32)])
        spine = np.median(pixels[row, int(width * 0.48) : int(width * 0.52)])
        assert spine > lung + 500


def test_archive_ultrasound_is_a_fan_under_a_banner(by_class):
    for image in by_class[US]:
        pixels = image.pixel_array
        assert pixels.dtype == np.uint8
        assert image.BurnedInAnnotation == "YES"
        assert pixels[120:400, 250:390].std() > 15, "speckle"
        assert (pixels[300:400, :15] == 0).all(), "black outside"
        assert (pixels[:45] > 200).sum() > 500, "banner"
        assert set(np.unique(pixels[:45])) == {0, 230}, "nothing but letters on black"


def test_archive_neighbouring_images_differ(by_class):
    digests = Counter(image.PixelData for image in [*by_class[US], *by_class[CT], *by_class[CR], *by_class[SC]])
    assert max(digests.values()) == 1


def test_archive_follow_up_is_todays_ct_of_a_known_patient(cohort, datasets, recipe):
    new = [pydicom.dcmread(io.BytesIO(content)) for content in cohort.follow_up()]
    assert len(new) == 2
    earlier = [dataset for dataset in datasets.values() if dataset.PatientID == new[0].PatientID]
    assert any(study.Modality == "CT" for study in earlier)
    assert {str(study.PatientName) for study in earlier} == {str(new[0].PatientName)}
    assert new[0].StudyInstanceUID not in {dataset.StudyInstanceUID for dataset in datasets.values()}
    assert not {study.SOPInstanceUID for study in new} & set(datasets)
    assert len({(study.StudyInstanceUID, study.SeriesInstanceUID) for study in new}) == 1
    assert new[0].StudyDate == f"{recipe.today:%Y%m%d}"


def test_archive_device_keeps_its_serial_number(datasets):
    serials = defaultdict(set)
    for dataset in datasets.values():
        serials[dataset.StationName].add(dataset.DeviceSerialNumber)
    assert all(len(numbers) == 1 for numbers in serials.values())
