"""The viewer shows what a file holds: CT, X-ray, colour, inverted, many frames; or says that there is no picture."""

import io

import numpy as np
import pydicom
import pytest
from PIL import Image
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRLittleEndian

from pacslab.cohort import build_cohort, load_recipe
from pacslab.errors import ObjectiveError
from pacslab.notebook.viewer import datasets_of, frames_of
from pacslab.scenario import make_variant


def image(pixels, **tags):
    """Return a dataset that holds these pixels."""
    dataset = Dataset()
    dataset.file_meta = pydicom.dataset.FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    photometric = tags.pop("PhotometricInterpretation", "MONOCHROME2")
    dataset.set_pixel_data(pixels, photometric, pixels.dtype.itemsize * 8, generate_instance_uid=False)
    for name, value in tags.items():
        setattr(dataset, name, value)
    return dataset


def shown(frame):
    return np.asarray(Image.open(io.BytesIO(frame.png())))


def nowhere():
    pytest.fail("the archive was asked")


@pytest.fixture(scope="module")
def files():
    """Return the files of one cohort by modality."""
    by_modality = {}
    for _, content in build_cohort(
        load_recipe("district-hospital"), make_variant("open-archive", "viewer")
    ).instances():
        modality = pydicom.dcmread(io.BytesIO(content), specific_tags=["Modality"]).Modality
        by_modality.setdefault(modality, []).append(content)
    return by_modality


@pytest.mark.parametrize("modality", ["CT", "CR", "US", "OT"])
def test_viewer_shows_every_kind_of_image_with_contrast(files, modality):
    frame = frames_of(datasets_of(files[modality][0], nowhere))[0]
    picture = shown(frame)
    assert picture.shape[:2] == (frame.dataset.Rows, frame.dataset.Columns)
    assert picture.max() - picture.min() > 150
    assert modality in frame.caption


def test_viewer_sorts_slices_by_number(files):
    series = {}
    for content in files["CT"]:
        dataset = pydicom.dcmread(io.BytesIO(content))
        series.setdefault(dataset.SeriesInstanceUID, []).append(dataset)
    value = next(iter(series.values()))
    numbers = [int(frame.dataset.InstanceNumber) for frame in frames_of(reversed(value))]
    assert numbers == sorted(numbers)
    assert len(numbers) == len(value) > 1


def test_viewer_shows_inverted_images_the_right_way():
    ramp = np.arange(256, dtype=np.uint8).reshape(16, 16)
    assert (shown(frames_of([image(ramp)])[0]) == ramp).all()
    inverted = image(ramp, PhotometricInterpretation="MONOCHROME1")
    assert (shown(frames_of([inverted])[0]) == 255 - ramp).all()


def test_viewer_shows_colour_and_frames_singly():
    frames = np.zeros((3, 8, 8, 3), dtype=np.uint8)
    frames[1, :, :, 0] = 200
    pictures = [shown(frame) for frame in frames_of([image(frames, PhotometricInterpretation="RGB", Modality="US")])]
    assert [int(picture[0, 0, 0]) for picture in pictures] == [0, 200, 0]


def test_viewer_shows_files_folders_and_lists(files, tmp_path):
    for number, content in enumerate(files["US"][:2]):
        (tmp_path / f"{number}.dcm").write_bytes(content)
    assert len(frames_of(datasets_of(tmp_path, nowhere))) == 2
    assert len(frames_of(datasets_of([tmp_path / "0.dcm", files["US"][1]], nowhere))) == 2


def test_viewer_of_a_report_shows_no_image(files):
    assert frames_of(datasets_of(files["DOC"][0], nowhere)) == []


@pytest.mark.parametrize("thing", [17, b"no DICOM", object()])
def test_viewer_says_what_cannot_be_shown(thing):
    with pytest.raises(ObjectiveError, match="Give "):
        datasets_of(thing, nowhere)
