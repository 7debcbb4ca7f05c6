"""Portraits: depth images of the patients' faces, as of a camera that measures depth; invented, like the patients.

They show the same faces as the MR of the head, but are in no DICOM file: they stand for photographs in circulation.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pacslab.cohort.anatomy import exact, mr
from pacslab.cohort.anatomy.head import SPACING, STEP, Tissue

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pacslab.cohort.plan.patients import Person
    from pacslab.scenario import Stream, Variant

DEPTH_ERROR_MM = 0.6
"""Error of the camera's depth (mm)."""
PORTRAIT_PIXEL_MM = (STEP, SPACING)
"""Millimetres between rows, from the chin up, and between columns, from the face's right to its left."""


@dataclass(frozen=True)
class Portrait:
    """A person's face: ``depth`` is the distance of each pixel from the camera's plane (mm), NaN outside the head.

    Its shape is (rows from the chin up, columns from the face's right to its left), :data:`PORTRAIT_PIXEL_MM` apart.
    """

    name: str
    depth: np.ndarray


def portraits(variant: Variant, people: tuple[Person, ...], strangers: tuple[str, ...] = ()) -> Iterator[Portrait]:
    """Yield the portraits of a cohort's patients, then of strangers, who are in no archive, by their names."""
    head = mr.draw_head(variant.stream("head"))
    for person in people:
        yield _portrait(
            head, person.spoken, variant.stream("head", person.index), variant.stream("camera", person.index)
        )
    for number, name in enumerate(strangers):
        yield _portrait(head, name, variant.stream("stranger", number), variant.stream("stranger's camera", number))


def _portrait(head: mr.Head, name: str, build: Stream, camera: Stream) -> Portrait:
    solid = mr.patient_head(head, build, "normal") != Tissue.AIR
    first = solid.argmax(axis=1).astype(np.float32) * np.float32(SPACING)
    wobble = exact.spline_field(camera, (8, 32), first.shape)
    return Portrait(name, np.where(solid.any(axis=1), first + np.float32(DEPTH_ERROR_MM) * wobble, np.nan))
