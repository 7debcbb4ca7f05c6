"""Find the image of the archive that a file's pixels are: outside the burned-in text they are the same."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import numpy as np

from pacslab.cohort import BOX_MARGIN, digest_outside, digest_within, without_boxes

if TYPE_CHECKING:
    from pacslab.cohort import Box, InstanceKey, PlantedIdentifier, Region

Boxes = tuple["Box", ...]
PIXELS = "pixels"


class ImageIndex:
    """The images of the answer key, found by their pixels outside the burned-in text."""

    def __init__(self, instances: tuple[InstanceKey, ...], planted: tuple[PlantedIdentifier, ...]) -> None:
        burned: dict[str, list[PlantedIdentifier]] = defaultdict(list)
        for text in planted:
            if text.box is not None and text.path == PIXELS:
                burned[text.sop_instance_uid].append(text)
        self._boxes = {
            instance.sop_instance_uid: tuple(
                text.box for text in burned[instance.sop_instance_uid] if text.box is not None
            )
            for instance in instances
        }
        self._burned = {
            uid: list({(text.token, text.box, text.mask): text for text in planted_here}.values())
            for uid, planted_here in burned.items()
        }
        groups: dict[Boxes, _Group] = {}
        for instance in instances:
            boxes = self._boxes[instance.sop_instance_uid]
            if instance.pixels_outside is not None and not instance.face:
                groups.setdefault(boxes, _Group(boxes)).add(instance.pixels_outside, instance)
        self._groups = list(groups.values())
        self._heads = [
            _Brain(instance, instance.brain, self._boxes[instance.sop_instance_uid])
            for instance in instances
            if instance.face and instance.brain is not None and instance.pixels_outside is not None
        ]
        self._of_heads = {brain.instance.modality for brain in self._heads}
        self._heads_first = False

    def identify(self, pixels: np.ndarray, modality: str) -> InstanceKey | None:
        """Return the image whose pixels these are, or None.

        Files come series by series, so what found the last one is tried first: heads, or the places of the text. A
        slice of a head is known by its brain: the rest may have gone with the face. What a file says of its modality
        is not believed, only tried first.
        """
        heads_first = self._heads_first and modality in self._of_heads
        found = self._by_brain(pixels) if heads_first else self._by_text(pixels, modality)
        if found is None:
            found = self._by_text(pixels, modality) if heads_first else self._by_brain(pixels)
        if found is not None:
            self._heads_first = found.face
        return found

    def _by_text(self, pixels: np.ndarray, modality: str) -> InstanceKey | None:
        """Return the image whose pixels these are outside its text; the places that fitted last come first."""
        for group in sorted(self._groups, key=lambda group: modality not in group.modalities):
            found = group.which(pixels)
            if found is not None:
                self._groups.remove(group)
                self._groups.insert(0, group)
                return found
        return None

    def _by_brain(self, pixels: np.ndarray) -> InstanceKey | None:
        """Return the slice of a head whose brain this is; of a series in order, the next is tried first."""
        if pixels.ndim != 2:
            return None
        for number, brain in enumerate(self._heads):
            if brain.is_in(pixels):
                self._heads = [*self._heads[number + 1 :], *self._heads[: number + 1]]
                return brain.instance
        return None

    def burned(self, instances: tuple[InstanceKey, ...]) -> list[PlantedIdentifier]:
        """Return the text burned into any of these images, each once."""
        everything = [text for instance in instances for text in self._burned.get(instance.sop_instance_uid, [])]
        return list({(text.token, text.box, text.mask): text for text in everything}.values())

    def burned_in_rows(self, instance: InstanceKey, pixels: np.ndarray, stored: bytes) -> bytes:
        """Return the bytes of the rows that hold an image's burned-in text, or of a head: where pixels may be new.

        Parameters
        ----------
        instance, pixels
            The image, and its pixels, which are those of the archive elsewhere.
        stored
            The same pixels as the file has them, with the bits that are no part of a value; an even number of bytes.

        """
        if instance.face or not pixels.nbytes <= len(stored) <= pixels.nbytes + 1:
            return stored
        planes = _with_samples(np.frombuffer(stored, dtype=pixels.dtype, count=pixels.size).reshape(pixels.shape))
        rows = np.zeros(planes.shape[-3], dtype=bool)
        for box in self._boxes[instance.sop_instance_uid]:
            rows[max(0, box.row - BOX_MARGIN) : box.row + box.height + BOX_MARGIN] = True
        return planes[..., rows, :, :].tobytes()

    def painted_over(self, instance: InstanceKey, pixels: np.ndarray) -> bool:
        """Whether nothing can stand where an image's text was burned in: there was none, or one value covers it."""
        planes = _with_samples(pixels)
        for box in self._boxes[instance.sop_instance_uid]:
            top, left = max(0, box.row - BOX_MARGIN), max(0, box.column - BOX_MARGIN)
            bottom, right = box.row + box.height + BOX_MARGIN, box.column + box.width + BOX_MARGIN
            if np.ptp(planes[..., top:bottom, left:right, :]) > 0:
                return False
        return True


class _Group:
    """Images whose text was burned in at the same places, by their digests outside it."""

    def __init__(self, boxes: Boxes) -> None:
        self.boxes = boxes
        self.modalities: set[str] = set()
        self._known: dict[str, InstanceKey] = {}

    def add(self, digest: str, instance: InstanceKey) -> None:
        self._known[digest] = instance
        self.modalities.add(instance.modality)

    def which(self, pixels: np.ndarray) -> InstanceKey | None:
        """Return the image whose pixels these are outside its text; none where that does not lie in the picture."""
        height, width = _extent(pixels)
        if any(box.row + box.height > height or box.column + box.width > width for box in self.boxes):
            return None
        return self._known.get(digest_outside(pixels, list(self.boxes)))


class _Brain:
    """A slice of a head, known by the pixels of its brain outside the burned-in text."""

    def __init__(self, instance: InstanceKey, brain: Region, boxes: Boxes) -> None:
        self.instance = instance
        self._brain = brain
        self._boxes = boxes
        self._places: dict[tuple[int, ...], np.ndarray] = {}

    def is_in(self, pixels: np.ndarray) -> bool:
        """Whether a picture, of shape (rows, columns), is of this slice."""
        rows, columns = pixels.shape
        places = self._places.get((rows, columns))
        if places is None:
            places = np.flatnonzero(without_boxes(self._brain.drawn(rows, columns), list(self._boxes)))
            self._places[rows, columns] = places
        return places.size > 0 and digest_within(pixels, places) == self.instance.pixels_outside


def _with_samples(pixels: np.ndarray) -> np.ndarray:
    """Return an image, or a stack of frames, with an axis for its samples: (..., rows, columns, samples)."""
    return pixels if pixels.ndim > 2 and pixels.shape[-1] == 3 else pixels[..., None]


def _extent(pixels: np.ndarray) -> tuple[int, int]:
    """Return (rows, columns) of an image or of a stack of frames."""
    colour = pixels.ndim > 2 and pixels.shape[-1] in (3, 4)
    return (pixels.shape[-3], pixels.shape[-2]) if colour else (pixels.shape[-2], pixels.shape[-1])
