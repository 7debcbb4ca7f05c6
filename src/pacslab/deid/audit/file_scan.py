"""Looking at one file: which identifiers stand in it, and which image of the archive it is."""

from __future__ import annotations

from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING

from pydicom.uid import DeflatedExplicitVRLittleEndian

from pacslab.cohort import Location
from pacslab.deid.audit.element_cache import Elements
from pacslab.deid.audit.evidence import FileScan, Occurrence, OutputFile
from pacslab.deid.audit.face_check import face_remains
from pacslab.deid.audit.glyph_match import text_remains
from pacslab.deid.audit.graphics import graphics_in
from pacslab.deid.audit.image_index import ImageIndex
from pacslab.deid.dicom.attribute_texts import Contents
from pacslab.deid.dicom.dicomdir import DIRECTORY, is_directory, records_of
from pacslab.deid.dicom.elements import PIXEL_DATA, Place, decoded
from pacslab.deid.dicom.output_folder import parse_dicom, pixel_span
from pacslab.deid.dicom.pixels import decode, planes
from pacslab.deid.dicom.text_places import header_places
from pacslab.deid.search.fragments import split_over
from pacslab.deid.search.index import Match

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy as np
    from pydicom.dataset import FileDataset

    from pacslab.cohort import AnswerKey, InstanceKey, PlantedIdentifier
    from pacslab.deid.audit.element_cache import Searched
    from pacslab.deid.search.index import IdentifierIndex

LONGEST_TEXT_FILE = 1 << 20


class FileScanner:
    """Looks at files, one at a time, with the answer key of some images of an archive.

    Parameters
    ----------
    key
        The answer key of the whole archive.
    instances, planted
        Its images of the studies that were to be de-identified, and what was planted in them.
    needles
        What is looked for in text.

    """

    def __init__(
        self,
        key: AnswerKey,
        instances: tuple[InstanceKey, ...],
        planted: tuple[PlantedIdentifier, ...],
        needles: IdentifierIndex,
    ) -> None:
        self.pictures = ImageIndex(instances, planted)
        self._others = _pictures_but(key, instances)
        self._faces = {one.sop_instance_uid: one for one in planted if one.location is Location.FACE}
        self._needles = needles
        self._elements = Elements(needles)

    def __call__(self, name: str, content: bytes) -> FileScan:
        """Return what stands in one file."""
        seen = FileScan(name, sightings=[*self._in_places([Place("file name", Location.FILE_NAME, name)])])
        dataset, reason = parse_dicom(content)
        span = pixel_span(dataset) if dataset is not None else None
        if dataset is not None:
            try:
                searched = [self._elements.searched(header_places(dataset)), *self._elements.of(dataset)]
            except ValueError as error:
                dataset, reason = None, f"cannot be searched ({error})"
        if dataset is None:
            seen.note = reason
            where = ("the file's text", Location.HEADER)
            if is_directory(name, None):
                where = (DIRECTORY, Location.DICOMDIR)
            seen.sightings += self._in_places([Place(*where, decoded(content[:LONGEST_TEXT_FILE]))])
            return seen
        places = [place for one in searched for place in one.places]
        seen.sightings += chain.from_iterable(one.sightings for one in searched)
        graphics = tuple(graphics_in(dataset, places))
        if is_directory(name, dataset):
            self._note_rest(seen, content, content, places)
            seen.sightings += _in_pieces(searched, seen)
            seen.sightings = [_in_directory(one) for one in seen.sightings]
            seen.records = records_of(dataset)
            seen.graphics = graphics
            return seen
        seen.file = OutputFile(name, Contents(places), has_pixels=any(tag in dataset for tag in PIXEL_DATA))
        seen.file.graphics = graphics
        self._note_rest(seen, content, self._outside(seen.file, dataset, content, span), places)
        seen.sightings += _in_pieces(searched, seen)
        return seen

    def _in_places(self, places: Iterable[Place]) -> tuple[Occurrence, ...]:
        return self._elements.searched(places).sightings

    def _note_rest(self, seen: FileScan, content: bytes, outside: bytes, places: list[Place]) -> None:
        """Note what stands in the bytes of the file and in no text of it: binary values, and what follows the end."""
        known = {one.found.needle.token for one in seen.sightings}
        left = [one for one in self._needles.in_bytes(outside) if one.needle.token not in known]
        if left or DeflatedExplicitVRLittleEndian.encode() in content[132:1024]:
            for place in places:
                if place.binary and not place.text:
                    for one in self._needles.in_bytes(place.binary):
                        if one.needle.token not in known:
                            known.add(one.needle.token)
                            seen.sightings.append(Occurrence(place.path, place.location, one))
        bytes_of = [Occurrence("bytes of the file", Location.HEADER, one) for one in left]
        seen.sightings += [one for one in bytes_of if one.found.needle.token not in known]

    def _outside(self, file: OutputFile, dataset: FileDataset, content: bytes, span: tuple[int, int] | None) -> bytes:
        """Look at a file's pixels, and return its bytes without those that are an image's of the archive."""
        if not file.has_pixels:
            return content
        pixels = decode(dataset)
        if pixels is None:
            file.undecodable = _why_undecodable(dataset)
            return content
        file.shape = pixels.shape
        self._look_at(file, pixels)
        if not file.intact or span is None or file.instance is None or dataset.get("PlanarConfiguration"):
            return content
        begin, end = span
        return content[:begin] + self.pictures.burned_in_rows(file.instance, pixels, content[begin:end]) + content[end:]

    def _look_at(self, file: OutputFile, pixels: np.ndarray) -> None:
        """Find out which image it is and which burned-in text is left."""
        modality = file.contents.text_of("Modality")
        file.instance = self.pictures.identify(pixels, modality)
        file.intact = file.instance is not None
        if file.instance is not None:
            note_text(file, pixels, self.pictures.burned((file.instance,)))
            self.note_face(file, pixels)
        else:
            other = self._others.identify(pixels, modality)
            file.foreign = other is not None and self._others.painted_over(other, pixels)

    def note_face(self, file: OutputFile, pixels: np.ndarray) -> None:
        """Note the part of a face that is left where it was."""
        face = self._faces.get(file.instance.sop_instance_uid) if file.instance is not None else None
        if face is not None and face.box is not None and pixels.ndim == 2:
            file.face = face if face_remains(pixels, face.box, face.glyphs()) else None


def _in_pieces(searched: Iterable[Searched], seen: FileScan) -> list[Occurrence]:
    """Return the identifiers that are cut in two, but those that stand in the file whole as well.

    A number is nobody else's. Letters may be: they count only in a file of the patient whose they are.
    """
    whole = {one.found.needle for one in seen.sightings}
    cut = split_over(piece for one in searched for piece in one.pieces)
    return [
        Occurrence(
            begins if begins == ends else f"{begins} and {ends}",
            Location.HEADER,
            Match(needle, alone=needle.is_number),
        )
        for needle, begins, ends in cut
        if needle not in whole
    ]


def note_text(file: OutputFile, pixels: np.ndarray, burned: list[PlantedIdentifier]) -> list[PlantedIdentifier]:
    """Return, and note, the burned-in text that stands where it stood."""
    left = [
        one for one in burned if any(one.box and text_remains(plane, one.box, one.glyphs()) for plane in planes(pixels))
    ]
    file.burned = file.standing = tuple(left)
    return left


def _pictures_but(key: AnswerKey, instances: tuple[InstanceKey, ...]) -> ImageIndex:
    """Return the archive's images but those of some studies and but heads, of which only the brain is known."""
    studied = {one.sop_instance_uid for one in instances}
    others = tuple(one for one in key.instances() if one.sop_instance_uid not in studied and not one.face)
    return ImageIndex(others, key.planted_in({one.sop_instance_uid for one in others}))


def _why_undecodable(dataset: FileDataset) -> str:
    syntax = getattr(dataset.file_meta, "TransferSyntaxUID", None)
    name = getattr(syntax, "name", None) or "an unknown transfer syntax"
    return f"its pixels ({name}) cannot be decoded here: save it uncompressed (Explicit VR Little Endian)"


def _in_directory(one: Occurrence) -> Occurrence:
    """Return what was seen in a DICOMDIR as that; its own name is a file's name all the same."""
    return one if one.location is Location.FILE_NAME else replace(one, location=Location.DICOMDIR)
