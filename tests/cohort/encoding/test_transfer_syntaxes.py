"""Every transfer syntax gives back the pixels and the attributes, to readers that share no code with the writer."""

from __future__ import annotations

import io
import subprocess
import zlib

import numpy as np
import pydicom
import pytest
from PIL import Image

from pacslab.cohort.encoding.deflate import deflate
from pacslab.cohort.encoding.explicit_vr import encode_element, encode_item, known
from pacslab.cohort.encoding.transfer_syntaxes import Encoded, Syntax, codecs, encode_file, encode_frames, to_implicit
from pacslab.scenario import Stream


def noisy(shape, bits, dtype):
    """A picture with smooth parts, flat parts and noise: all that prediction and run lengths meet."""
    rng = np.random.default_rng(7)
    slope = np.linspace(0, 0.7, shape[-1]) + rng.normal(0, 0.02, shape)
    slope[..., : shape[-2] // 3, :] = 0
    picture = np.clip(slope * (1 << bits), 0, (1 << bits) - 1)
    if np.dtype(dtype).kind == "i":
        picture -= 1 << (bits - 1)
    return picture.astype(dtype)


def dataset(pixels, syntax, colour=False, bits=None):
    encoded = encode_frames(pixels, syntax, colour=colour, bits=bits or 0)
    width = 8 * pixels.dtype.itemsize
    rows, columns = pixels.shape[-3:-1] if colour else pixels.shape[-2:]
    frames = pixels.size // (rows * columns * (3 if colour else 1))
    values = {
        "SOPClassUID": "1.2.840.10008.5.1.4.1.1.7",
        "SOPInstanceUID": "2.25.1234",
        "PatientName": "Ätherisch^Rose",
        "SpecificCharacterSet": "ISO_IR 192",
        "SamplesPerPixel": 3 if colour else 1,
        "PhotometricInterpretation": "RGB" if colour else "MONOCHROME2",
        "Rows": rows,
        "Columns": columns,
        "BitsAllocated": width,
        "BitsStored": bits or width,
        "HighBit": (bits or width) - 1,
        "PixelRepresentation": int(pixels.dtype.kind == "i"),
        **encoded.attributes,
    }
    if colour:
        values["PlanarConfiguration"] = 0
    if frames > 1:
        values["NumberOfFrames"] = frames
    elements = {tag: encode_element(tag, vr, value) for (tag, vr), value in ((known(k), v) for k, v in values.items())}
    elements[0x7FE00010] = encoded.element
    return encode_file(elements, syntax)


PICTURES = {
    "slice": (noisy((96, 130), 12, np.uint16), False, 12),
    "signed": (noisy((64, 48), 16, np.int16), False, 16),
    "screen": (noisy((75, 101), 8, np.uint8), False, 8),
    "loop": (noisy((11, 40, 51), 8, np.uint8), False, 8),
    "colour": (noisy((3, 33, 41), 8, np.uint8).transpose(1, 2, 0).copy(), True, 8),
    "colour loop": (np.stack([noisy((4, 33, 41), 8, np.uint8)] * 3, axis=-1), True, 8),
}


@pytest.mark.parametrize("syntax", [syntax for syntax in Syntax if syntax is not Syntax.JPEG_LOSSLESS])
@pytest.mark.parametrize("name", PICTURES)
def test_pixels_decoded_by_pydicom_are_the_same(syntax, name):
    pixels, colour, bits = PICTURES[name]
    if syntax is Syntax.JPEG_BASELINE and bits > 8:
        with pytest.raises(ValueError, match="JPEG baseline holds 8 bits"):
            encode_frames(pixels, syntax)
        return
    content = dataset(pixels, syntax, colour, bits)
    read = pydicom.dcmread(io.BytesIO(content))
    assert read.file_meta.TransferSyntaxUID == syntax
    assert str(read.PatientName) == "Ätherisch^Rose"
    if syntax.lossless:
        assert np.array_equal(read.pixel_array, pixels)
        assert "LossyImageCompression" not in read
    else:
        assert np.abs(read.pixel_array.astype(int) - pixels).mean() < 6
        assert read.LossyImageCompression == "01"
        assert float(read.LossyImageCompressionRatio) > 1
    assert encode_frames(pixels, syntax, colour=colour) == encode_frames(pixels, syntax, colour=colour)


@pytest.mark.parametrize("syntax", [Syntax.RLE, Syntax.JPEG_LOSSLESS, Syntax.DEFLATED, Syntax.IMPLICIT_LITTLE])
@pytest.mark.parametrize("name", ["slice", "screen", "loop", "colour", "signed"])
def test_pixels_decoded_by_dcmtk_are_the_same(tmp_path, syntax, name):
    pixels, colour, bits = PICTURES[name]
    (tmp_path / "in.dcm").write_bytes(dataset(pixels, syntax, colour, bits))
    tool = {Syntax.RLE: "dcmdrle", Syntax.JPEG_LOSSLESS: "dcmdjpeg"}.get(syntax, "dcmconv")
    subprocess.run([tool, "in.dcm", "out.dcm"], cwd=tmp_path, check=True, capture_output=True)
    read = pydicom.dcmread(tmp_path / "out.dcm")
    assert np.array_equal(read.pixel_array, pixels)


@pytest.mark.parametrize(
    ("syntax", "name"),
    [
        (syntax, name)
        for syntax in Syntax
        for name in ("slice", "loop", "colour")
        if syntax.encapsulated and (syntax.lossless or name != "slice")
    ],
)
def test_pixels_decoded_by_gdcm_are_the_same(tmp_path, syntax, name):
    pixels, colour, bits = PICTURES[name]
    (tmp_path / "in.dcm").write_bytes(dataset(pixels, syntax, colour, bits))
    subprocess.run(["gdcmconv", "--raw", "in.dcm", "out.dcm"], cwd=tmp_path, check=True, capture_output=True)
    read = pydicom.dcmread(tmp_path / "out.dcm")
    assert read.file_meta.TransferSyntaxUID == Syntax.EXPLICIT_LITTLE
    if syntax.lossless:
        assert np.array_equal(read.pixel_array, pixels)
    else:
        assert np.abs(read.pixel_array.astype(int) - pixels).mean() < 6


def test_offset_table_finds_every_frame():
    pixels = PICTURES["loop"][0]
    read = pydicom.dcmread(io.BytesIO(dataset(pixels, Syntax.JPEG_BASELINE)))
    offsets = pydicom.encaps.parse_basic_offsets(read.PixelData)
    assert len(offsets) == len(pixels)
    for number, frame in enumerate(pixels):
        found = pydicom.encaps.get_frame(read.PixelData, number, number_of_frames=len(pixels))
        shown = np.asarray(Image.open(io.BytesIO(found)))
        assert np.abs(shown.astype(int) - frame).mean() < 6


def nested():
    deep = encode_item({0x00100020: encode_element(0x00100020, "LO", "deep")})
    private = encode_item(
        {
            0x00330010: encode_element(0x00330010, "LO", "SOMEBODY"),
            0x00331001: encode_element(0x00331001, "SQ", deep),
            0x00331002: encode_element(0x00331002, "UT", "long text"),
        }
    )
    return {
        0x00080016: encode_element(0x00080016, "UI", "1.2.840.10008.5.1.4.1.1.7"),
        0x00080018: encode_element(0x00080018, "UI", "2.25.99"),
        0x00101002: encode_element(0x00101002, "SQ", deep + deep),
        0x00330010: encode_element(0x00330010, "LO", "SOMEBODY"),
        0x00331003: encode_element(0x00331003, "SQ", private),
        0x00331004: encode_element(0x00331004, "UN", b"\1\2\3\4"),
    }


@pytest.mark.parametrize("syntax", [Syntax.IMPLICIT_LITTLE, Syntax.DEFLATED])
def test_sequences_survive_another_encoding(syntax):
    read = pydicom.dcmread(io.BytesIO(encode_file(nested(), syntax)))
    assert [item.PatientID for item in read.OtherPatientIDsSequence] == ["deep", "deep"]
    private = read[0x00331003]
    if syntax is Syntax.IMPLICIT_LITTLE:  # a private element's VR is unknown there: pydicom gives bytes
        assert private.VR == "UN"
        assert b"deep" in private.value
        assert b"long text" in private.value
        assert b"UT" not in private.value
    else:
        assert private.value[0][0x00331001].value[0].PatientID == "deep"
        assert private.value[0][0x00331002].value == "long text"
    assert read[0x00331004].value == b"\1\2\3\4"


def test_sequences_of_undefined_length_become_implicit():
    written = io.BytesIO()
    made = pydicom.Dataset()
    inner = pydicom.Dataset()
    inner.PatientID = "inner"
    inner.is_undefined_length_sequence_item = True
    made.OtherPatientIDsSequence = [inner, inner]
    made["OtherPatientIDsSequence"].is_undefined_length = True
    made.PatientName = "A^B"
    pydicom.dcmwrite(written, made, implicit_vr=False, little_endian=True, enforce_file_format=False)
    read = pydicom.dcmread(io.BytesIO(to_implicit(written.getvalue())), force=True)
    assert [item.PatientID for item in read.OtherPatientIDsSequence] == ["inner", "inner"]
    assert read.PatientName == "A^B"


def test_sequence_without_an_end_is_refused():
    element = encode_frames(PICTURES["screen"][0], Syntax.RLE).element
    with pytest.raises(ValueError, match=r"\(7FE0,0010\) cannot be written in implicit VR"):
        to_implicit(element)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"a",
        b"abcabcabcabcabc",
        bytes(70000),
        bytes(range(256)) * 40,
        Stream(b"x").bytes(30000),
        Stream(b"y").bytes(300) * 2 + bytes(33000) + Stream(b"y").bytes(300),
    ],
    ids=["nothing", "a byte", "repeated", "zeros", "ramp", "random", "far"],
)
def test_deflated_data_set_is_inflated_by_zlib(content):
    small = deflate(content)
    assert zlib.decompress(small, -15) == content
    if len(content) > 10000 and content != Stream(b"x").bytes(30000):
        assert len(small) < len(content) / 20


def test_pixels_in_colour_must_be_bytes_of_three():
    with pytest.raises(ValueError, match="colour means RGB"):
        encode_frames(np.zeros((4, 4), np.uint8), Syntax.RLE, colour=True)


def test_pixels_in_grey_need_no_other_attributes():
    assert encode_frames(PICTURES["slice"][0], Syntax.EXPLICIT_LITTLE) == Encoded(
        encode_frames(PICTURES["slice"][0], Syntax.DEFLATED).element
    )
    assert set(codecs()) == {"pylibjpeg-rle", "pylibjpeg-openjpeg", "pillow"}
