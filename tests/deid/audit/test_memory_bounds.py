"""Files made to fill the memory of whoever audits them: each is a line of the report, and costs next to nothing."""

from __future__ import annotations

import io
import multiprocessing
import resource
import zipfile
import zlib
from typing import TYPE_CHECKING

import pytest
from PIL import Image
from pydicom.encaps import encapsulate
from pydicom.uid import DeflatedExplicitVRLittleEndian, JPEG2000Lossless, JPEGLSLossless
from pydicom.uid import EncapsulatedPDFStorage as PdfStorage

from pacslab.deid.audit.study import audit_study
from tests.support.cohorts import original

if TYPE_CHECKING:
    from collections.abc import Callable
    from multiprocessing.connection import Connection
    from pathlib import Path

    import pydicom

    from tests.support.outputs import Output

MOST = 320 << 10
"""How much memory an audit may take for any output, in kB: of its files one of 128 MB, and that once more."""


def peak_of(place: Path, pipe: Connection) -> None:
    """Send the audit's notes and worst sentences, and how much memory it took at most, in kB."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    report = audit_study(place, original().key, original().study.study_instance_uid)
    taken = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    pipe.send(("\n".join([*report.notes, *(note for check in report.checks for note in check.worst)]), taken))


def audited(place: Path) -> tuple[str, int]:
    """Return what an audit says, and the memory it took, in a process of its own."""
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("fork").Process(target=peak_of, args=(place, theirs))
    process.start()
    theirs.close()
    try:
        said: tuple[str, int] = ours.recv()
    finally:
        process.join()
    return said


def zeros(packed: int) -> bytes:
    """Return a deflated stream of as many MB of zeros."""
    compressor = zlib.compressobj(9, wbits=-zlib.MAX_WBITS)
    block = compressor.compress(bytes(1 << 20)) + compressor.flush(zlib.Z_FULL_FLUSH)
    return block * packed + compressor.flush()


def a_huge_file(output: Output) -> Path:
    with (output.folder / "huge.dcm").open("wb") as file:
        file.truncate(2 << 30)
    return output.folder


def ten_thousand_tiny_files(output: Output) -> Path:
    for number in range(10_000):
        (output.folder / f"{number}").write_bytes(b"x")
    return output.folder


def a_zip_bomb(output: Output) -> Path:
    """4 GB of zeros in 4 MB, under a header that says so."""
    path = output.folder.parent / "bomb.zip"
    content = zeros(4000)
    with zipfile.ZipFile(path, "w") as archive:
        archive.write(output.paths[0], "image.dcm")
        entry = zipfile.ZipInfo("bomb")
        archive.writestr(entry, content)
    whole = bytearray(path.read_bytes())
    for signature, method, size in ((b"PK\x03\x04", 8, 22), (b"PK\x01\x02", 10, 24)):
        at = whole.rindex(signature)
        whole[at + method : at + method + 2] = (8).to_bytes(2, "little")
        whole[at + size : at + size + 4] = (4000 << 20).to_bytes(4, "little")
    path.write_bytes(whole)
    return path


def a_deflated_bomb(output: Output) -> Path:
    output.edit(lambda dataset: setattr(dataset.file_meta, "TransferSyntaxUID", DeflatedExplicitVRLittleEndian))
    content = output.paths[0].read_bytes()
    start = 144 + int.from_bytes(content[140:144], "little")
    output.paths[0].write_bytes(content[:start] + zeros(4000))
    return output.folder


def a_picture_larger_than_it_says(output: Output, syntax: str, frame: bytes) -> Path:
    def change(dataset: pydicom.FileDataset) -> None:
        dataset.PixelData = encapsulate([frame])
        dataset["PixelData"].VR = "OB"
        dataset.file_meta.TransferSyntaxUID = syntax

    output.edit(change)
    return output.folder


def a_jpeg_2000_of_400_million_pixels(output: Output) -> Path:
    picture = io.BytesIO()
    Image.new("L", (64, 64)).save(picture, "JPEG2000", no_jp2=True)
    frame = picture.getvalue()
    side = (20_000).to_bytes(4, "big") * 2
    frame = frame[:8] + side + frame[16:24] + side + frame[32:]
    return a_picture_larger_than_it_says(output, JPEG2000Lossless, frame)


def a_jpeg_ls_of_400_million_pixels(output: Output) -> Path:
    frame = bytes.fromhex("ffd8 fff7 000b 08 4e20 4e20 01 011100 ffda 0008 01 0100 00 00 00") + b"\xff\x7f" * 40_000
    return a_picture_larger_than_it_says(output, JPEGLSLossless, frame + b"\xff\xd9")


def a_pdf_bomb(output: Output) -> Path:
    text = zlib.compress(b" " * (300 << 20), 1)
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]/Contents 4 0 R>>",
        b"<</Length %d/Filter/FlateDecode>>stream\n%b\nendstream" % (len(text), text),
    ]
    content, places = b"%PDF-1.4\n", b""
    for number, element in enumerate(objects, start=1):
        places += b"%010d 00000 n \n" % len(content)
        content += b"%d 0 obj\n%b\nendobj\n" % (number, element)
    table = b"xref\n0 5\n0000000000 65535 f \n" + places + b"trailer<</Size 5/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF"

    def change(dataset: pydicom.FileDataset) -> None:
        del dataset.PixelData
        dataset.SOPClassUID = dataset.file_meta.MediaStorageSOPClassUID = PdfStorage
        dataset.EncapsulatedDocument = content + table % len(content)

    output.edit(change)
    return output.folder


CASES: list[tuple[Callable[[Output], Path], str]] = [
    (a_huge_file, "huge.dcm was not read: it is larger than 128 MB"),
    (ten_thousand_tiny_files, "holds more than 2,000 files"),
    (a_zip_bomb, "bomb was not read: it unpacks to more than 128 MB"),
    (a_deflated_bomb, "image-0001.dcm unpacks to more than 128 MB and was not read"),
    (a_jpeg_2000_of_400_million_pixels, "its pixels (JPEG 2000"),
    (a_jpeg_ls_of_400_million_pixels, "its pixels (JPEG-LS"),
    (a_pdf_bomb, "image-0001.dcm cannot be searched (LimitReachedError"),
]


@pytest.mark.parametrize(("made", "words"), CASES, ids=lambda value: getattr(value, "__name__", ""))
def test_memory_of_an_audit_of_hostile_files_is_bounded(
    output: Output, made: Callable[[Output], Path], words: str
) -> None:
    said, taken = audited(made(output))
    assert words in said
    assert taken < MOST, f"{taken >> 10} MB"
