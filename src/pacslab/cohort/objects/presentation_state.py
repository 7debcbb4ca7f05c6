"""Grayscale softcopy presentation state with a text annotation (PS3.3 A.33.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pacslab.cohort.answer_key import Identifier, Location
from pacslab.cohort.plan.sop_classes import EXTENT, SOP_CLASS, clock, day
from pacslab.cohort.recipe.traps import Trap

if TYPE_CHECKING:
    from pacslab.cohort.encoding.dataset_builder import DatasetBuilder
    from pacslab.cohort.plan.plan import InstancePlan, StudyPlan
    from pacslab.cohort.recipe.texts import Phrases

_LAYER = "NOTES"


def add_presentation_state(dataset: DatasetBuilder, study: StudyPlan, instance: InstancePlan, phrases: Phrases) -> None:
    """Add the displayed area and the annotation of the study's first image."""
    series, image = study.images[0]
    dataset.put(
        Laterality="",
        ContentLabel="NOTES",
        ContentDescription=phrases.annotations_title,
        PresentationCreationDate=day(instance.time),
        PresentationCreationTime=clock(instance.time),
        ContentCreatorName=study.reading.name,
        PresentationLUTShape="IDENTITY",
    )
    shown = dataset.item("ReferencedSeriesSequence")
    shown.put(SeriesInstanceUID=series.uid)
    _refer(shown, SOP_CLASS[series.content], image.uid)
    area = dataset.item("DisplayedAreaSelectionSequence")
    area.put(
        DisplayedAreaTopLeftHandCorner=[1, 1],
        DisplayedAreaBottomRightHandCorner=list(EXTENT[series.content]),
        PresentationSizeMode="SCALE TO FIT",
        PresentationPixelAspectRatio=["1", "1"],
    )
    dataset.item("GraphicLayerSequence").put(GraphicLayer=_LAYER, GraphicLayerOrder="1")
    note = dataset.item("GraphicAnnotationSequence")
    note.put(GraphicLayer=_LAYER)
    text = note.item("TextObjectSequence", Location.PRESENTATION)
    text.put(
        BoundingBoxAnnotationUnits="DISPLAY",
        BoundingBoxTopLeftHandCorner=[0.05, 0.05],
        BoundingBoxBottomRightHandCorner=[0.6, 0.15],
        BoundingBoxTextHorizontalJustification="LEFT",
    )
    words, person = study.finding.words, study.person
    if Trap.PRESENTATION not in study.traps:
        text.mention("UnformattedTextValue", words, "D", meaning=words)
        return
    born = f"{person.birth_date:%d.%m.%Y}"
    text.mention(
        "UnformattedTextValue",
        phrases.annotation.format(words=words, name=person.spoken, born=born),
        "D",
        (Identifier.NAME, person.spoken),
        (Identifier.DATE, f"{person.birth_date:%Y%m%d}", born),
        meaning=words,
    )


def _refer(item: DatasetBuilder, sop_class: str, uid: str) -> None:
    item.item("ReferencedImageSequence").put(ReferencedSOPClassUID=sop_class, ReferencedSOPInstanceUID=uid)
