"""Plant the traps of a recipe in a dataset (see :class:`pacslab.cohort.recipe.traps.Trap`).

Traps outside the dataset (preamble, file names, file meta information, pixels) are planted by the modules for those.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pacslab.cohort.answer_key import Identifier, Location
from pacslab.cohort.plan.instance_kinds import Content
from pacslab.cohort.plan.sop_classes import SOP_CLASS, day
from pacslab.cohort.recipe.sections import LONG
from pacslab.cohort.recipe.texts import Phrases, phrases_of
from pacslab.cohort.recipe.traps import Trap
from pacslab.cohort.render.burned_in_text import icon_with_name, overlay_with_name

if TYPE_CHECKING:
    import numpy as np

    from pacslab.cohort.encoding.dataset_builder import DatasetBuilder
    from pacslab.cohort.plan.plan import InstancePlan, SeriesPlan, StudyPlan
    from pacslab.cohort.recipe.recipe import Recipe

PRIVATE_CREATOR = "JANAROGYA SONO 1.0"
PATIENT_MANAGEMENT = "1.2.840.10008.3.1.2.1.1"
"""Detached Patient Management SOP Class, the referenced class of a patient record (retired)."""


def in_series(dataset: DatasetBuilder, recipe: Recipe, study: StudyPlan, series: SeriesPlan) -> None:
    """Plant the traps that all instances of a series share."""
    if not (series.content.image or series.content is Content.ECG):
        return
    person, traps, phrases = study.person, study.traps, phrases_of(recipe.country)
    if Trap.ORIGINAL in traps:
        _original(dataset, recipe, study)
    if Trap.REFERENCED_PATIENT in traps:
        reference = dataset.item("ReferencedPatientSequence")
        reference.put(ReferencedSOPClassUID=PATIENT_MANAGEMENT, ReferencedSOPInstanceUID=study.frame_of_reference)
    _texts(dataset, study, phrases)
    if Trap.TEXT_DATES in traps:
        born, seen = f"{person.birth_date:%d.%m.%Y}", f"{study.time:%d.%m.%Y}"
        dataset.mention(
            "AdditionalPatientHistory",
            phrases.patient_history.format(born=born, seen=seen, words=study.finding.words),
            "X",
            (Identifier.DATE, f"{person.birth_date:%Y%m%d}", born),
            (Identifier.DATE, day(study.time), seen),
            meaning=study.finding.words,
        )
    if Trap.DATED_UIDS in traps:
        dataset.put(
            SynchronizationFrameOfReferenceUID=study.day_uid,
            SynchronizationTrigger="NO TRIGGER",
            AcquisitionTimeSynchronized="N",
        )
    if Trap.OTHER_KINDS in traps:
        _other_kinds(dataset, study, phrases)
    if Trap.SAFE_PRIVATE in traps:
        _safe_private(dataset, series)


def _texts(dataset: DatasetBuilder, study: StudyPlan, phrases: Phrases) -> None:
    """Plant the traps of short texts: CodeMeaning and SeriesDescription."""
    person, traps = study.person, study.traps
    if Trap.CODE_MEANING in traps:
        code = dataset.item("ProcedureCodeSequence")
        code.put(CodeValue="LOCAL1", CodingSchemeDesignator="99PACSLAB")
        text = phrases.code_meaning.format(kind=study.mix.kind.value, name=person.spoken)
        code.mention("CodeMeaning", text, "C", (Identifier.NAME, person.spoken), location=Location.UNLISTED)
    if Trap.DESCRIPTORS in traps:
        words = study.finding.words
        whom = f"{person.title} {person.family}"
        forms = (
            phrases.series_description.format(words=words, name=whom),
            f"{words}, {whom}",
            f"{words} {person.family}",
        )
        described = next((text for text in forms if len(text) <= LONG), None)
        if described is not None:
            dataset.mention(
                "SeriesDescription",
                described,
                "X/C",
                (Identifier.NAME, person.name, person.family),
                meaning=words,
                location=Location.FREE_TEXT,
            )


def _original(dataset: DatasetBuilder, recipe: Recipe, study: StudyPlan) -> None:
    person = study.person
    before = dataset.item("OriginalAttributesSequence")
    before.put(ModifyingSystem="PACS LAB", ReasonForTheAttributeModification="CORRECT")
    before.identify("SourceOfPreviousValues", recipe.hospital.name, Identifier.GEOGRAPHIC, "X")
    before.moment("AttributeModificationDateTime", study.time, "X/D")
    values = before.item("ModifiedAttributesSequence")
    values.put(PatientName=person.person_name)
    values.identify("PatientID", person.other_id, person.kind_of(person.other_id), "X")


def _other_kinds(dataset: DatasetBuilder, study: StudyPlan, phrases: Phrases) -> None:
    """Plant rarer kinds of the HIPAA list: in visit attributes, in free text, and in a private block."""
    person = study.person
    dataset.identify("InsurancePlanIdentification", person.insurance, Identifier.INSURANCE, "X")
    dataset.identify("AdmissionID", person.account, Identifier.ACCOUNT, "X")
    dataset.mention(
        "VisitComments",
        phrases.visit_comment.format(
            vehicle=person.vehicle,
            licence=person.licence,
            fax=person.fax,
            email=person.email,
            page=person.web_page,
        ),
        "X",
        (Identifier.VEHICLE, person.vehicle),
        (Identifier.LICENCE, person.licence),
        (Identifier.FAX, person.fax),
        (Identifier.EMAIL, person.email),
        (Identifier.URL, person.web_page),
    )
    dataset.private(0x0011, "PACSLAB NET 1.0", [(0x01, "LO", person.ip_address, Identifier.IP_ADDRESS)])


_SAFE: dict[str, tuple[int, str, list[tuple[int, str, str, None]]]] = {
    "CT": (0x0019, "GEMS_ACQU_01", [(0x23, "DS", "27.5", None), (0x27, "DS", "0.5", None)]),
    "MR": (0x0019, "SIEMENS MR HEADER", [(0x0C, "IS", "0", None), (0x0D, "CS", "NONE", None)]),
}
"""Elements of PS3.15 table E.3.10-1: table speed and rotation period; b value and diffusion directionality."""


def _safe_private(dataset: DatasetBuilder, series: SeriesPlan) -> None:
    block = _SAFE.get(series.content.modality)
    if block is not None:
        group, creator, elements = block
        dataset.private(group, creator, list(elements), safe=True)


def in_instance(  # noqa: PLR0917
    dataset: DatasetBuilder,
    recipe: Recipe,
    study: StudyPlan,
    series: SeriesPlan,
    instance: InstancePlan,
    pixels: np.ndarray | None,
) -> None:
    """Plant the traps of one instance; ``pixels`` is drawn into its icon and overlay."""
    if series.content.modality == "US":
        _sonographer(dataset, study, series, instance, phrases_of(recipe.country))
    first = instance is series.instances[0] and series.content.image
    if first and pixels is not None and Trap.ICON in study.traps:
        icon_with_name(dataset, study.person, pixels)
    if first and Trap.OVERLAY in study.traps and pixels is not None and pixels.ndim == 2:
        overlay_with_name(dataset, study.person, phrases_of(recipe.country).overlay_label)
    if Trap.PADDING in study.traps and series.content.image:
        text = f"{study.person.spoken} {study.person.national_number}"
        dataset.raw(
            0xFFFCFFFC,
            "OB",
            text.encode(dataset.codec),
            (Location.PADDING, Identifier.NAME, study.person.spoken),
            (Location.PADDING, Identifier.NATIONAL_NUMBER, study.person.national_number),
        )


def _sonographer(
    dataset: DatasetBuilder, study: StudyPlan, series: SeriesPlan, instance: InstancePlan, phrases: Phrases
) -> None:
    """Add the free text of the sonographer, the private block of the machine, and a reference to the first image."""
    person = study.person
    first = series.instances[0]
    if instance is not first:
        reference = dataset.item("ReferencedImageSequence")
        reference.put(ReferencedSOPClassUID=SOP_CLASS[series.content], ReferencedSOPInstanceUID=first.uid)
    elif Trap.COMMENTS in study.traps:
        dataset.mention(
            "ImageComments",
            phrases.image_comment.format(
                name=f"{person.title} {person.spoken}", number=person.national_number, words=study.finding.words
            ),
            "X",
            (Identifier.NAME, person.spoken),
            (Identifier.NATIONAL_NUMBER, person.national_number),
            meaning=study.finding.words,
        )
    if Trap.PRIVATE in study.traps:
        dataset.private(
            0x0009,
            PRIVATE_CREATOR,
            [
                (0x01, "LO", person.spoken, Identifier.NAME),
                (0x02, "DA", day(study.time), Identifier.DATE),
                (0x03, "SH", person.phone, Identifier.PHONE),
                (0x04, "DS", "3.5", None),
            ],
        )
