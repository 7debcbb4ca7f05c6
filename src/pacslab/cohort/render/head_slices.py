"""Regions of a head slice for the answer key: the face, which must be removed, and the brain, which must stay."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pacslab.cohort.anatomy import mr
from pacslab.cohort.answer_key import Identifier, Location, Region
from pacslab.cohort.encoding.dataset_builder import PendingIdentifier

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np

    from pacslab.cohort.plan.patients import Person


@dataclass(frozen=True)
class HeadSlice:
    """One slice of a head: ``face`` is None above the brows, ``is_brain`` is boolean of shape (rows, columns)."""

    face: Region | None
    brain: Region | None
    is_brain: np.ndarray

    def face_identifiers(self, person: Person) -> Iterator[PendingIdentifier]:
        """Yield the face as an identifier, comparable to a full-face photograph (45 CFR 164.514(b)(2)(i)(Q))."""
        if self.face is not None:
            token = f"the face of {person.spoken}"
            yield PendingIdentifier(Location.FACE, Identifier.FACE, "face", token, "C", self.face.box, self.face.mask)


def slices_of(tissues: np.ndarray) -> list[HeadSlice]:
    """Return the face and brain regions of each slice of a patient's head, the lowest first.

    Parameters
    ----------
    tissues
        :class:`~pacslab.cohort.anatomy.head.Tissue` as uint8, of shape (slices, rows, columns).

    """
    faces, brains = mr.face_region(tissues).mask, mr.brain_region(tissues)
    return [HeadSlice(Region.of(face), Region.of(brain), brain) for face, brain in zip(faces, brains, strict=True)]
