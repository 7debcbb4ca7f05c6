"""Burned-in text is found however it was treated; a clean picture passes however it is stored."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np
import pydicom
import pytest
from PIL import Image, ImageDraw
from pydicom.encaps import encapsulate
from pydicom.uid import (
    ExplicitVRBigEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGLSLossless,
    RLELossless,
)

from pacslab.deid.dicom.pixels import decode
from tests.support.cohorts import original

if TYPE_CHECKING:
    from collections.abc import Callable

    from pydicom.dataset import FileDataset

    from tests.support.outputs import Output

BANNER = slice(0, 48)


MARGIN = 4


def restore(output: Output, treat: Callable[[np.ndarray], np.ndarray]) -> None:
    """Put the first image's banner back, treated in some way; what lies between its texts stays black."""
    banner = output.source().pixel_array[BANNER]
    around_text = np.zeros(banner.shape, dtype=bool)
    for identifier in output.origin.key.planted_in({output.origin.study.instances[0].sop_instance_uid}):
        if identifier.box is not None:
            top, left = max(0, identifier.box.row - MARGIN), max(0, identifier.box.column - MARGIN)
            around_text[
                top : identifier.box.row + identifier.box.height + MARGIN,
                left : identifier.box.column + identifier.box.width + MARGIN,
            ] = 1

    def change(dataset: FileDataset) -> None:
        pixels = dataset.pixel_array.copy()
        pixels[BANNER] = np.where(around_text, treat(banner.astype(float)).clip(0, 255), 0)
        dataset.PixelData = pixels.tobytes()

    output.edit(change)


def half_erased(banner: np.ndarray) -> np.ndarray:
    left = banner.copy()
    left[:, :120] = 0
    left[:, -60:] = 0
    return left


def lines_struck_out(banner: np.ndarray) -> np.ndarray:
    left = banner.copy()
    left[10:14] = left[28:32] = 255
    return left


def blurred(banner: np.ndarray) -> np.ndarray:
    left = banner.copy()
    for _ in range(4):
        left = (left + np.roll(left, 1, 0) + np.roll(left, -1, 0) + np.roll(left, 1, 1) + np.roll(left, -1, 1)) / 5
    return left


def noisy(banner: np.ndarray) -> np.ndarray:
    return banner * 0.4 + np.random.default_rng(1).normal(60, 40, banner.shape)


TREATMENTS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "as it was": lambda banner: banner,
    "half erased": half_erased,
    "struck out": lines_struck_out,
    "inverted": lambda banner: 255 - banner,
    "faint": lambda banner: banner / 60,
    "barely there": lambda banner: banner / 230,
    "black on grey": lambda banner: 128 - banner / 4,
    "blurred": blurred,
    "under noise": noisy,
    "two pixels lower": lambda banner: np.roll(banner, 2, axis=0),
    "one pixel left": lambda banner: np.roll(banner, -1, axis=1),
}


@pytest.mark.parametrize("treat", TREATMENTS.values(), ids=TREATMENTS.keys())
def test_burned_in_text_left_in_one_image_is_found(output: Output, treat: Callable[[np.ndarray], np.ndarray]) -> None:
    restore(output, treat)
    report = output.audit()
    assert report.failed() == ("pixels",)
    assert {leak.file for leak in report.leaks} == {"image-0001.dcm"}


def test_burned_in_text_line_left_is_found(output: Output) -> None:
    restore(output, lambda banner: np.vstack([banner[:20], np.zeros_like(banner[20:])]))
    found = {leak.words for leak in output.audit().leaks}
    assert found == {"a place", "an original date"}


def grey_bar(banner: np.ndarray) -> np.ndarray:
    return np.full_like(banner, 90)


def snow(banner: np.ndarray) -> np.ndarray:
    return np.random.default_rng(2).uniform(0, 255, banner.shape)


def gradient(banner: np.ndarray) -> np.ndarray:
    return np.linspace(0, 255, banner.shape[1])[None, :].repeat(banner.shape[0], axis=0)


def another_text(banner: np.ndarray) -> np.ndarray:
    canvas = Image.new("L", banner.shape[::-1])
    ImageDraw.Draw(canvas).text((10, 6), "research copy of study 7, subject P5B3QQT6RC", fill=255)
    ImageDraw.Draw(canvas).text((10, 25), "for teaching only, no clinical use", fill=255)
    return np.asarray(canvas, dtype=float)


@pytest.mark.parametrize("treat", [grey_bar, snow, gradient, another_text], ids=lambda function: function.__name__)
def test_banner_painted_over_in_any_way_passes(output: Output, treat: Callable[[np.ndarray], np.ndarray]) -> None:
    restore(output, treat)
    assert output.failed() == set()


def whole_picture(output: Output, treat: Callable[[np.ndarray], np.ndarray]) -> None:
    """Replace the first image by the original, treated as a whole."""
    pixels = output.source().pixel_array

    def change(dataset: FileDataset) -> None:
        changed = np.ascontiguousarray(treat(pixels))
        dataset.Rows, dataset.Columns = changed.shape[:2]
        dataset.PixelData = changed.tobytes()

    output.edit(change)


@pytest.mark.parametrize(
    "treat",
    [
        np.fliplr,
        np.flipud,
        np.rot90,
        lambda pixels: 255 - pixels,
        lambda pixels: pixels[2:],
        lambda pixels: pixels[10:],
        lambda pixels: pixels[:, 30:],
        lambda pixels: np.roll(pixels, 200, axis=0),
        lambda pixels: pixels // 3,
    ],
    ids=["mirrored", "upside down", "on its side", "negative", "cropped by 2", "cropped into the text", "cropped left",
         "rolled", "darkened"],
)  # fmt: skip
def test_burned_in_text_in_a_changed_image_is_found(output: Output, treat: Callable[[np.ndarray], np.ndarray]) -> None:
    whole_picture(output, treat)
    assert output.failed() == {"pixels", "anatomy"}


def test_image_cropped_below_the_banner_loses_anatomy(output: Output) -> None:
    whole_picture(output, lambda pixels: pixels[48:])
    assert output.failed() == {"anatomy"}


def compress(output: Output, syntax: str) -> None:
    def change(dataset: FileDataset) -> None:
        pixels = dataset.pixel_array
        if syntax == RLELossless:
            dataset.compress(RLELossless, generate_instance_uid=False)
            return
        buffer = io.BytesIO()
        if syntax == JPEG2000Lossless:
            Image.fromarray(pixels).save(buffer, "JPEG2000", irreversible=False, no_jp2=True)
        else:
            Image.fromarray(pixels).save(buffer, "JPEG", quality=95)
        dataset.PixelData = encapsulate([buffer.getvalue()])
        dataset["PixelData"].is_undefined_length = True
        dataset.file_meta.TransferSyntaxUID = syntax

    output.edit_all(change)


@pytest.mark.parametrize("syntax", [RLELossless, JPEG2000Lossless], ids=lambda transfer_syntax: transfer_syntax.name)
def test_image_compressed_without_loss_passes(output: Output, syntax: str) -> None:
    compress(output, syntax)
    assert output.failed() == set()


@pytest.mark.parametrize("syntax", [RLELossless, JPEG2000Lossless], ids=lambda transfer_syntax: transfer_syntax.name)
def test_burned_in_text_in_compressed_pixels_is_found(output: Output, syntax: str) -> None:
    restore(output, lambda banner: banner)
    compress(output, syntax)
    assert output.failed() == {"pixels"}


def test_rle_bytes_like_another_compression_are_decoded() -> None:
    """Two pixels of 79 and two of 81 are the bytes with which a picture in JPEG 2000 begins."""
    dataset = pydicom.dcmread(io.BytesIO(original().images[0]))
    pixels = np.tile(np.array([79, 79, 81, 81], np.uint8), dataset.Rows * dataset.Columns // 4)
    dataset.PixelData = pixels.tobytes()
    dataset.compress(RLELossless, generate_instance_uid=False)
    assert b"\xff\x4f\xff\x51" in dataset.PixelData
    found = decode(dataset)
    assert found is not None
    assert np.array_equal(found.ravel(), pixels)


def test_image_compressed_with_loss_loses_anatomy(output: Output) -> None:
    compress(output, JPEGBaseline8Bit)
    report = output.audit()
    assert report.failed() == ("anatomy",)


def test_burned_in_text_compressed_with_loss_is_found(output: Output) -> None:
    restore(output, lambda banner: banner)
    compress(output, JPEGBaseline8Bit)
    assert output.failed() == {"anatomy", "pixels"}


def test_image_that_cannot_be_decoded_is_reported(output: Output) -> None:
    def change(dataset: FileDataset) -> None:
        dataset.PixelData = encapsulate([b"\xff\xd8\xff\xf7 not an image"])
        dataset["PixelData"].is_undefined_length = True
        dataset.file_meta.TransferSyntaxUID = JPEGLSLossless

    output.edit(change)
    report = output.audit()
    assert report.failed() == ("pixels", "anatomy")
    assert "cannot be decoded" in report.check("pixels").worst[0]


def test_image_in_big_endian_is_read(output: Output) -> None:
    path = output.paths[0]
    dataset = pydicom.dcmread(path)
    dataset.file_meta.TransferSyntaxUID = ExplicitVRBigEndian
    pydicom.dcmwrite(path, dataset, implicit_vr=False, little_endian=False)
    assert output.failed() == set()


def test_anatomy_blanked_is_a_loss(output: Output) -> None:
    output.edit(lambda dataset: setattr(dataset, "PixelData", bytes(len(dataset.PixelData))))
    assert output.failed() == {"anatomy"}


def test_image_of_another_patient_is_reported(output: Output) -> None:
    rng = np.random.default_rng(3)
    output.edit(lambda dataset: setattr(dataset, "PixelData", rng.bytes(len(dataset.PixelData))))
    assert output.failed() == {"anatomy"}


def test_anatomy_with_one_pixel_changed_is_a_loss(output: Output) -> None:
    def change(dataset: FileDataset) -> None:
        pixels = dataset.pixel_array.copy()
        pixels[240, 320] ^= 1
        dataset.PixelData = pixels.tobytes()

    output.edit(change)
    assert output.failed() == {"anatomy"}
