"""Portraits: what a camera that measures depth would make of a patient's face. Invented, like the patients.

They show what an MR of the head shows too, but are no part of any file: they are what gets around of people's faces.
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

ERROR = 0.6
"""How far off the camera is (mm)."""
PORTRAIT_PIXEL_MM = (STEP, SPACING)
"""Millimetres between a portrait's rows, from the chin up, and its columns, from the face's right to its left."""


@dataclass(frozen=True)
class Portrait:
    """Somebody's face: ``depth`` is how far behind the camera's plane each place lies (mm), NaN where no head is.

    Its shape is (rows from the chin up, columns from the face's right to its left), :data:`PORTRAIT_PIXEL_MM` apart.
    """

    name: str
    depth: np.ndarray


def portraits(variant: Variant, people: tuple[Person, ...], strangers: tuple[str, ...] = ()) -> Iterator[Portrait]:
    """Yield the portraits of a cohort's patients, and of strangers by their names, who are in no archive."""
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
    return Portrait(name, np.where(solid.any(axis=1), first + np.float32(ERROR) * wobble, np.nan))
