"""Writing de-identified files: elements that stay as they were read are copied as bytes, not encoded anew.

pydicom's own function encodes the same bytes, but copies and checks everything first, which takes most of the time.
"""

from __future__ import annotations

import struct
from functools import lru_cache

import pydicom
from pydicom.charset import convert_encodings
from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_data_element, write_dataset, write_file_meta_info
from pydicom.tag import tag_in_exception
from pydicom.uid import PYDICOM_IMPLEMENTATION_UID, UID, ExplicitVRLittleEndian, ImplicitVRLittleEndian
from pydicom.valuerep import EXPLICIT_VR_LENGTH_32

from pacslab.deid.dicom.elements import CHARACTER_SET, PLAIN
from pacslab.deid.dicom.output_folder import UNDEFINED_LENGTH

PREAMBLE = b"\0" * 128 + b"DICM"
LATIN = "iso8859"
"""What pydicom calls the character set of a dataset that names none."""
_CLASS, _INSTANCE, _SYNTAX = 0x00020002, 0x00020003, 0x00020010
_GROUP_LENGTH_BYTES = 12


def encoded_file(dataset: FileDataset) -> bytes:
    """Return a dataset as a DICOM file; only ordinary transfer syntaxes are put together here."""
    syntax = dataset.file_meta.TransferSyntaxUID
    buffer = DicomBytesIO()
    if syntax not in (ExplicitVRLittleEndian, ImplicitVRLittleEndian):
        pydicom.dcmwrite(buffer, dataset, enforce_file_format=True)
        return bytes(buffer.getvalue())
    implicit = syntax == ImplicitVRLittleEndian
    if can_copy(dataset) and dataset.original_encoding == (implicit, True):
        return b"".join([PREAMBLE, _header(dataset.file_meta), *_elements(dataset, implicit=implicit)])
    buffer.is_little_endian, buffer.is_implicit_VR = True, implicit
    buffer.write(PREAMBLE + _header(dataset.file_meta))
    write_dataset(buffer, dataset)
    return bytes(buffer.getvalue())


def can_copy(dataset: pydicom.Dataset) -> bool:
    """Whether the bytes of a dataset's elements mean in the new file what they meant in the old one.

    They do in little endian and as long as the character set is the one that it was read with.
    """
    if dataset.original_encoding not in ((True, True), (False, True)):
        return False
    element = dataset.get_item(CHARACTER_SET)
    if isinstance(element, RawDataElement):
        return True
    now = LATIN if element is None else convert_encodings(element.value)
    return bool(now == dataset.original_character_set)


def raw_element(element: DataElement, encodings: str | list[str], *, implicit: bool) -> RawDataElement:
    """Return an element as a file of little endian would have it, ready to be copied."""
    said = element.value
    if element.VR in PLAIN and isinstance(said, str) and said.isascii():
        value = said.encode("ascii") + (b"\0" if element.VR == "UI" else b" ") * (len(said) % 2)
    else:
        content = _encoded(element, encodings, implicit=implicit)
        value = content[8 if implicit or element.VR not in EXPLICIT_VR_LENGTH_32 else 12 :]
    return RawDataElement(
        element.tag, str(element.VR), len(value), value, 0, is_implicit_VR=implicit, is_little_endian=True
    )


def _elements(dataset: FileDataset, *, implicit: bool) -> list[bytes]:
    """Return the bytes of every element, in order of their tags and without the retired group lengths."""
    encodings = dataset.get("SpecificCharacterSet", LATIN)
    parts: list[bytes] = []
    for tag, element in sorted(dataset.items(), key=lambda item: int(item[0])):
        number = int(tag)
        if number & 0xFFFF == 0 and number >> 16 > 6:
            continue
        if isinstance(element, RawDataElement) and isinstance(element.value, bytes):
            head = _head(number, element.VR, element.length, len(element.value), implicit=implicit)
            if head:
                parts += [head, element.value]
                continue
        with tag_in_exception(tag):
            parts.append(_encoded(dataset.get_item(tag), encodings, implicit=implicit))
    return parts


def _head(number: int, vr: str | None, stated: int, length: int, *, implicit: bool) -> bytes:
    """Return what stands before an element's value (PS3.5 7.1); empty where that is not simply its length."""
    if stated == UNDEFINED_LENGTH:
        return b""
    if implicit:
        return struct.pack("<HHI", number >> 16, number & 0xFFFF, length)
    if vr is None or len(vr) != 2:
        return b""
    if vr in EXPLICIT_VR_LENGTH_32:
        return struct.pack("<HH2sHI", number >> 16, number & 0xFFFF, vr.encode(), 0, length)
    if length > 0xFFFF:
        return b""
    return struct.pack("<HH2sH", number >> 16, number & 0xFFFF, vr.encode(), length)


def _encoded(element: DataElement | RawDataElement, encodings: str | list[str], *, implicit: bool) -> bytes:
    buffer = DicomBytesIO()
    buffer.is_little_endian, buffer.is_implicit_VR = True, implicit
    write_data_element(buffer, element, encodings)
    return bytes(buffer.getvalue())


def _header(meta: FileMetaDataset) -> bytes:
    """Return the file meta information, with this program as the one that wrote it."""
    if {int(tag) for tag in meta.keys()} == {_CLASS, _INSTANCE, _SYNTAX}:  # noqa: SIM118 - it iterates over elements
        uid = str(meta.MediaStorageSOPInstanceUID)
        before, after = _header_around(str(meta.MediaStorageSOPClassUID), str(meta.TransferSyntaxUID))
        if uid and before:
            content = before + _uid_element(uid) + after
            return struct.pack("<HH2sHI", 2, 0, b"UL", 4, len(content)) + content
    meta.FileMetaInformationVersion = b"\0\1"
    meta.ImplementationClassUID = PYDICOM_IMPLEMENTATION_UID
    return _written(meta)


@lru_cache(maxsize=64)
def _header_around(sop_class: str, syntax: str) -> tuple[bytes, bytes]:
    """Return what stands before and after the image's own UID in the headers of images of one kind."""
    uid = "2.25.1"
    meta = FileMetaDataset()
    meta.FileMetaInformationVersion = b"\0\1"
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = UID(sop_class), UID(uid)
    meta.TransferSyntaxUID = UID(syntax)
    meta.ImplementationClassUID = PYDICOM_IMPLEMENTATION_UID
    before, _, after = _written(meta)[_GROUP_LENGTH_BYTES:].partition(_uid_element(uid))
    return before, after


def _uid_element(uid: str) -> bytes:
    value = uid.encode() + b"\0" * (len(uid) % 2)
    return struct.pack("<HH2sH", 2, _INSTANCE & 0xFFFF, b"UI", len(value)) + value


def _written(meta: FileMetaDataset) -> bytes:
    buffer = DicomBytesIO()
    buffer.is_little_endian, buffer.is_implicit_VR = True, False
    write_file_meta_info(buffer, meta)
    return bytes(buffer.getvalue())
