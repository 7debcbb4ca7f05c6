"""Scan one file: list planted identifiers found in it and identify its original image.

A scan knows the answer key and one file, and nothing of the other files: it runs in whichever process.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import chain
from typing import TYPE_CHECKING

from pydicom.uid import DeflatedExplicitVRLittleEndian

from pacslab.cohort import Location
from pacslab.deid.audit.occurrences import ElementCache, Occurrence
from pacslab.deid.audit.pixel_scan import PixelScan, scan_pixels
from pacslab.deid.audit.pixels.graphics import graphics_in
from pacslab.deid.dicom.attribute_texts import Contents
from pacslab.deid.dicom.dicomdir import DIRECTORY, is_directory, records_of
from pacslab.deid.dicom.elements import PIXEL_DATA, Place, decoded
from pacslab.deid.dicom.output_folder import parse_dicom, pixel_span
from pacslab.deid.dicom.pixels import decode
from pacslab.deid.dicom.text_places import header_places
from pacslab.deid.search.fragments import split_over
from pacslab.deid.search.index import Match

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pydicom.dataset import FileDataset

    from pacslab.deid.audit.audit_key import AuditKey
    from pacslab.deid.audit.occurrences import ElementOccurrences
    from pacslab.deid.audit.pixels.graphics import Graphic
    from pacslab.deid.dicom.dicomdir import DirectoryRecord

LONGEST_TEXT_FILE = 1 << 20


@dataclass(frozen=True)
class ImageScan:
    """What a DICOM file holds: its values, its overlays and icons, and the result of scanning its pixels."""

    contents: Contents
    has_pixels: bool
    graphics: tuple[Graphic, ...]
    pixels: PixelScan


@dataclass(frozen=True)
class FileScan:
    """The result of scanning one file, before it is compared with others.

    ``image`` is None where it is no DICOM file that can be read, and ``note`` then says why. It is None for a DICOMDIR
    as well, whose records are ``records``, and ``graphics`` its icons.
    """

    name: str
    occurrences: tuple[Occurrence, ...]
    image: ImageScan | None = None
    note: str = ""
    records: tuple[DirectoryRecord, ...] = ()
    graphics: tuple[Graphic, ...] = ()


class FileScanner:
    """Scans files, one at a time, with the answer key of some studies of an archive.

    What it remembers from one file for the next, such as the values of equal elements, changes its speed alone.
    """

    def __init__(self, archive: AuditKey) -> None:
        self._archive = archive
        self._terms = archive.terms
        self._elements = ElementCache(archive.terms)

    def scan(self, name: str, content: bytes) -> FileScan:
        """Return the identifiers in one file, and the original image as far as its pixels show it.

        Parameters
        ----------
        name
            The file's name in the output, in which identifiers are sought too.
        content
            All its bytes.

        """
        named = self._in_place(Place("file name", Location.FILE_NAME, name))
        dataset, reason = parse_dicom(content)
        if dataset is None:
            return self._unreadable(name, content, named, reason)
        span = pixel_span(dataset)
        try:
            searched = [self._elements.search(header_places(dataset)), *self._elements.elements(dataset)]
        except ValueError as error:
            return self._unreadable(name, content, named, f"cannot be searched ({error})")
        places = [place for element in searched for place in element.places]
        found = [*named, *chain.from_iterable(element.occurrences for element in searched)]
        graphics = tuple(graphics_in(dataset, places))
        if is_directory(name, dataset):
            found += self._in_bytes(found, content, content, places)
            found += _cut_in_two(searched, found)
            in_directory = tuple(_in_directory(occurrence) for occurrence in found)
            return FileScan(name, in_directory, records=records_of(dataset), graphics=graphics)
        contents = Contents(places)
        pixels, outside = self._pixels(dataset, contents, content, span)
        found += self._in_bytes(found, content, outside, places)
        found += _cut_in_two(searched, found)
        has_pixels = any(tag in dataset for tag in PIXEL_DATA)
        return FileScan(name, tuple(found), ImageScan(contents, has_pixels, graphics, pixels))

    def _in_place(self, place: Place) -> tuple[Occurrence, ...]:
        return self._elements.search([place]).occurrences

    def _unreadable(self, name: str, content: bytes, named: tuple[Occurrence, ...], reason: str) -> FileScan:
        """Return the scan of a file that is not DICOM, or not to be read, as text."""
        path, location = "the file's text", Location.HEADER
        if is_directory(name, None):
            path, location = DIRECTORY, Location.DICOMDIR
        text = self._in_place(Place(path, location, decoded(content[:LONGEST_TEXT_FILE])))
        return FileScan(name, (*named, *text), note=reason)

    def _in_bytes(
        self, found: list[Occurrence], content: bytes, outside: bytes, places: list[Place]
    ) -> list[Occurrence]:
        """Return what stands in the bytes of a file and in none of its texts: binary values, and what follows the end.

        Parameters
        ----------
        found
            The occurrences in its texts.
        content, outside
            All bytes of the file, and those that are not the pixels of an image of the archive.
        places
            Its values.

        """
        known = {occurrence.match.term.token for occurrence in found}
        left = [match for match in self._terms.in_bytes(outside) if match.term.token not in known]
        in_values: list[Occurrence] = []
        if left or DeflatedExplicitVRLittleEndian.encode() in content[132:1024]:
            for place in places:
                if place.binary and not place.text:
                    for match in self._terms.in_bytes(place.binary):
                        if match.term.token not in known:
                            known.add(match.term.token)
                            in_values.append(Occurrence(place.path, place.location, match))
        elsewhere = [match for match in left if match.term.token not in known]
        return in_values + [Occurrence("bytes of the file", Location.HEADER, match) for match in elsewhere]

    def _pixels(
        self, dataset: FileDataset, contents: Contents, content: bytes, span: tuple[int, int] | None
    ) -> tuple[PixelScan, bytes]:
        """Return the scan of a file's pixels, and its bytes without those pixels that are an image's of the archive.

        ``span`` is where the pixels begin and end in the file, None where they are compressed.
        """
        if not any(tag in dataset for tag in PIXEL_DATA):
            return PixelScan(), content
        pixels = decode(dataset)
        if pixels is None:
            return PixelScan(undecodable=_why_undecodable(dataset)), content
        scan = scan_pixels(pixels, contents.text_of("Modality"), self._archive)
        if scan.original is None or span is None or dataset.get("PlanarConfiguration"):
            return scan, content
        begin, end = span
        new = self._archive.images.burned_in_rows(scan.original, pixels, content[begin:end])
        return scan, content[:begin] + new + content[end:]


def _cut_in_two(searched: Iterable[ElementOccurrences], found: Iterable[Occurrence]) -> list[Occurrence]:
    """Return the identifiers that are cut in two, but those that stand in the file whole as well.

    A number belongs to one person. Letters may belong to several: they count only in a file of their patient.
    """
    whole = {occurrence.match.term for occurrence in found}
    cut = split_over(fragment for element in searched for fragment in element.fragments)
    return [
        Occurrence(
            begins if begins == ends else f"{begins} and {ends}",
            Location.HEADER,
            Match(term, alone=term.is_number),
        )
        for term, begins, ends in cut
        if term not in whole
    ]


def _why_undecodable(dataset: FileDataset) -> str:
    syntax = getattr(dataset.file_meta, "TransferSyntaxUID", None)
    name = getattr(syntax, "name", None) or "an unknown transfer syntax"
    return f"its pixels ({name}) cannot be decoded here: save it uncompressed (Explicit VR Little Endian)"


def _in_directory(occurrence: Occurrence) -> Occurrence:
    """Return an occurrence in a DICOMDIR as that; its own name is a file's name all the same."""
    if occurrence.location is Location.FILE_NAME:
        return occurrence
    return replace(occurrence, location=Location.DICOMDIR)
