"""What is known of an instance once it has been made, and what the answer key says of it and of its study."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pacslab.cohort.answer_key import Identifier, InstanceKey, Location, Region, RetainedValue, StudyKey
from pacslab.cohort.encoding.dataset_builder import DatasetBuilder, PendingIdentifier
from pacslab.cohort.encoding.explicit_vr import PIXEL_DATA
from pacslab.cohort.encoding.transfer_syntaxes import Syntax, decoded_frames
from pacslab.cohort.objects.dataset import SOP_CLASS
from pacslab.cohort.pixel_digests import digest_outside, digest_within, without_boxes
from pacslab.cohort.plan.draw_plan import file_name_of
from pacslab.cohort.plan.instance_kinds import Content
from pacslab.cohort.plan.patients import plain_ascii
from pacslab.cohort.recipe.traps import Trap

if TYPE_CHECKING:
    import numpy as np

    from pacslab.cohort.encoding.transfer_syntaxes import Encoded
    from pacslab.cohort.plan.plan import InstancePlan, SeriesPlan, StudyPlan
    from pacslab.cohort.render.head_slices import HeadSlice

LEAST_BRAIN = 64
"""Pixels of brain beside burned-in text by which a slice of a head is known again."""


@dataclass(frozen=True)
class Image:
    """An instance's pixels, as they were drawn and as they are written."""

    pixels: np.ndarray
    frames: Encoded

    def decoded(self, syntax: Syntax) -> np.ndarray:
        """Return the pixels that are read from the file."""
        return self.pixels if syntax.lossless else decoded_frames(self.frames, self.pixels)


@dataclass(frozen=True)
class EncodedInstance:
    """An instance before it is written.

    ``drafts`` are that of all of its series, whose elements are ``shared``, and its own; ``inside`` is what was planted
    in its pixels or its document.
    """

    plan: InstancePlan
    content: Content
    syntax: Syntax
    drafts: tuple[DatasetBuilder, DatasetBuilder]
    shared: dict[int, bytes]
    image: Image | None
    inside: list[PendingIdentifier]

    @property
    def elements(self) -> dict[int, bytes]:
        """Return every element, encoded, by its tag."""
        pixels = {} if self.image is None else {PIXEL_DATA: self.image.frames.element}
        return self.shared | pixels | self.drafts[1].encoded()


@dataclass(frozen=True)
class InstanceFacts:
    """What is known of an instance once it has been made."""

    planted: tuple[PendingIdentifier, ...]
    pixels_outside: str | None
    syntax: Syntax
    kept: tuple[RetainedValue, ...]
    brain: Region | None = None


def note(study: StudyPlan, made: EncodedInstance, head: HeadSlice | None) -> InstanceFacts:
    """Return what is to be known of an instance; ``head`` is the slice of a head that it shows, if it shows one."""
    series, own = made.drafts
    meta = PendingIdentifier(Location.FILE_META, Identifier.UID, "(0002,0003)", made.plan.uid, "U")
    plants = (*series.plants, *own.plants, *made.inside, meta, *_around(study))
    kept = (*series.kept, *own.kept)
    if made.image is None:
        return InstanceFacts(plants, None, made.syntax, kept)
    decoded = made.image.decoded(made.syntax)
    boxes = [one.box for one in made.inside if one.box]
    if head is None:
        return InstanceFacts(plants, digest_outside(decoded, boxes), made.syntax, kept)
    shown = without_boxes(head.is_brain, boxes)
    brain = head.brain if shown.sum() >= LEAST_BRAIN else None
    return InstanceFacts((*plants, *head.plants(study.person)), digest_within(decoded, shown), made.syntax, kept, brain)


def syntax_of(study: StudyPlan, series: SeriesPlan) -> Syntax:
    """Return the transfer syntax of a series: a compressed one only where there are pixels."""
    pixels = series.content.image or series.content in (Content.COVER_PAGE, Content.LETTER)
    return study.syntax if pixels or not study.syntax.encapsulated else Syntax.EXPLICIT_LITTLE


def _around(study: StudyPlan) -> list[PendingIdentifier]:
    """Return what is planted around the datasets of a study: file names, preambles and file meta information."""
    person, plants = study.person, []
    spoken = f"{plain_ascii(person.given)} {plain_ascii(person.family)}"
    if Trap.FILE_META in study.traps:
        plants.append(
            PendingIdentifier(Location.FILE_META, Identifier.DEVICE, "(0002,0016)", study.mix.device.station, "D")
        )
    if Trap.PREAMBLE in study.traps:
        for kind, token, written in (
            (Identifier.NAME, person.name, spoken),
            (Identifier.NATIONAL_NUMBER, person.national_number, person.national_number),
        ):
            plants.append(PendingIdentifier(Location.PREAMBLE, kind, "preamble", token, "X", written=written))
    if Trap.FILE_NAMES in study.traps:
        family, given, number = file_name_of(person).split("_")
        for kind, token, written in (
            (Identifier.NAME, person.name, f"{family}_{given}"),
            (Identifier.NATIONAL_NUMBER, person.national_number, number),
        ):
            plants.append(PendingIdentifier(Location.FILE_NAME, kind, "file name", token, "X", written=written))
    return plants


def study_key(study: StudyPlan, noted: dict[str, InstanceFacts]) -> StudyKey:
    """Return what the answer key says of a study; of its instances, only the plan where nothing was ``noted``."""
    return StudyKey(
        study_instance_uid=study.uid,
        patient_id=study.patient_id,
        cover_page_names_diagnosis=study.has(Content.COVER_PAGE),
        accession_number=study.accession,
        date=study.time.strftime("%Y%m%d"),
        description=study.mix.description,
        modality=study.series[0].content.modality,
        instances=tuple(
            InstanceKey(
                sop_instance_uid=instance.uid,
                sop_class_uid=SOP_CLASS[series.content],
                series_instance_uid=series.uid,
                modality=series.content.modality,
                instance_number=instance.number,
                file_name=instance.file_name,
                document=series.content.document,
                pixels_outside=noted[instance.uid].pixels_outside if noted else None,
                transfer_syntax_uid=syntax_of(study, series).value,
                kept=noted[instance.uid].kept if noted else (),
                face=series.content.head,
                brain=noted[instance.uid].brain if noted else None,
            )
            for series in study.series
            for instance in series.instances
        ),
    )
