"""Facts of a generated instance and of its study that go into the answer key."""

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

MIN_BRAIN_PIXELS = 64
"""Pixels of brain outside burned-in text that a head slice needs to be recognised by them."""


@dataclass(frozen=True)
class Image:
    """Pixels of an instance: as drawn, and as encoded in the file."""

    pixels: np.ndarray
    frames: Encoded

    def decoded(self, syntax: Syntax) -> np.ndarray:
        """Return the pixels that a reader decodes from the file, in the shape of ``pixels``."""
        return self.pixels if syntax.lossless else decoded_frames(self.frames, self.pixels)


@dataclass(frozen=True)
class EncodedInstance:
    """An instance whose elements are encoded, but not yet written to a Part 10 file.

    ``series_dataset`` holds the attributes that all instances of the series share, ``series_elements`` their encoding;
    ``dataset`` holds the instance's own attributes. ``content_identifiers`` are planted in its pixels or its document.
    """

    plan: InstancePlan
    content: Content
    syntax: Syntax
    series_dataset: DatasetBuilder
    series_elements: dict[int, bytes]
    dataset: DatasetBuilder
    image: Image | None
    content_identifiers: list[PendingIdentifier]

    @property
    def elements(self) -> dict[int, bytes]:
        """Return every encoded element by its tag."""
        pixels = {} if self.image is None else {PIXEL_DATA: self.image.frames.element}
        return self.series_elements | pixels | self.dataset.encoded()


@dataclass(frozen=True)
class InstanceFacts:
    """Facts of an instance that the answer key records.

    ``pixels_outside`` is a digest of the decoded pixels (see :class:`~pacslab.cohort.InstanceKey`), ``brain`` the
    region that a defaced head slice must still show.
    """

    planted: tuple[PendingIdentifier, ...]
    pixels_outside: str | None
    syntax: Syntax
    kept: tuple[RetainedValue, ...]
    brain: Region | None = None


def collect_facts(study: StudyPlan, encoded: EncodedInstance, head: HeadSlice | None) -> InstanceFacts:
    """Collect the facts of an instance for the answer key.

    Parameters
    ----------
    study, encoded
        The plan of the study, and the instance.
    head
        Where face and brain lie in a head slice; None for any other instance.

    Returns
    -------
    InstanceFacts
        The identifiers planted in the file, the values that must survive, and a digest of the decoded pixels.

    """
    media_uid = PendingIdentifier(Location.FILE_META, Identifier.UID, "(0002,0003)", encoded.plan.uid, "U")
    planted = (
        *encoded.series_dataset.planted,
        *encoded.dataset.planted,
        *encoded.content_identifiers,
        media_uid,
        *_outside_dataset(study),
    )
    kept = (*encoded.series_dataset.kept, *encoded.dataset.kept)
    if encoded.image is None:
        return InstanceFacts(planted, None, encoded.syntax, kept)
    decoded = encoded.image.decoded(encoded.syntax)
    boxes = [identifier.box for identifier in encoded.content_identifiers if identifier.box]
    if head is None:
        return InstanceFacts(planted, digest_outside(decoded, boxes), encoded.syntax, kept)
    visible_brain = without_boxes(head.is_brain, boxes)
    brain = head.brain if visible_brain.sum() >= MIN_BRAIN_PIXELS else None
    planted = (*planted, *head.face_identifiers(study.person))
    return InstanceFacts(planted, digest_within(decoded, visible_brain), encoded.syntax, kept, brain)


def syntax_of(study: StudyPlan, series: SeriesPlan) -> Syntax:
    """Return the transfer syntax of a series: the study's, but an encapsulated one only for series with pixels."""
    pixels = series.content.image or series.content in (Content.COVER_PAGE, Content.LETTER)
    return study.syntax if pixels or not study.syntax.encapsulated else Syntax.EXPLICIT_LITTLE


def _outside_dataset(study: StudyPlan) -> list[PendingIdentifier]:
    """Return the identifiers in a study's file names, preambles and file meta information."""
    person, planted = study.person, []
    spoken = f"{plain_ascii(person.given)} {plain_ascii(person.family)}"
    if Trap.FILE_META in study.traps:
        planted.append(
            PendingIdentifier(Location.FILE_META, Identifier.DEVICE, "(0002,0016)", study.mix.device.station, "D")
        )
    if Trap.PREAMBLE in study.traps:
        for kind, token, written in (
            (Identifier.NAME, person.name, spoken),
            (Identifier.NATIONAL_NUMBER, person.national_number, person.national_number),
        ):
            planted.append(PendingIdentifier(Location.PREAMBLE, kind, "preamble", token, "X", written=written))
    if Trap.FILE_NAMES in study.traps:
        family, given, number = file_name_of(person).split("_")
        for kind, token, written in (
            (Identifier.NAME, person.name, f"{family}_{given}"),
            (Identifier.NATIONAL_NUMBER, person.national_number, number),
        ):
            planted.append(PendingIdentifier(Location.FILE_NAME, kind, "file name", token, "X", written=written))
    return planted


def study_key(study: StudyPlan, facts: dict[str, InstanceFacts]) -> StudyKey:
    """Return a study's entry in the answer key.

    Parameters
    ----------
    study
        The plan of the study.
    facts
        The facts of its instances by SOP Instance UID; if empty, the entry holds of each instance only its plan.

    """
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
                pixels_outside=facts[instance.uid].pixels_outside if facts else None,
                transfer_syntax_uid=syntax_of(study, series).value,
                kept=facts[instance.uid].kept if facts else (),
                face=series.content.head,
                brain=facts[instance.uid].brain if facts else None,
            )
            for series in study.series
            for instance in series.instances
        ),
    )
