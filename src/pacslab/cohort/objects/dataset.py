"""The attributes of every kind of instance: what a series shares, and what each instance has of its own.

Patient, study, series and equipment are here (PS3.3 C.7.1 to C.7.5); what only one kind has is in
:mod:`~pacslab.cohort.objects.image_modules`, :mod:`~pacslab.cohort.objects.structured_reports` and
:mod:`~pacslab.cohort.objects.presentation_state`; the traps of a recipe are planted by
:mod:`~pacslab.cohort.objects.planted_traps`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pacslab.cohort.answer_key import AGE_TOP_CODE, Identifier
from pacslab.cohort.encoding.dataset_builder import DatasetBuilder
from pacslab.cohort.objects import image_modules, planted_traps, presentation_state, structured_reports
from pacslab.cohort.plan.instance_kinds import Content
from pacslab.cohort.plan.sop_classes import MANUFACTURER, SOP_CLASS, clock, day
from pacslab.cohort.recipe.texts import Phrases, phrases_of
from pacslab.cohort.recipe.traps import Trap

if TYPE_CHECKING:
    import numpy as np
    from pydicom.dataset import Dataset

    from pacslab.cohort.plan.plan import InstancePlan, SeriesPlan, StudyPlan
    from pacslab.cohort.recipe.recipe import Recipe

__all__ = ["MANUFACTURER", "SOP_CLASS", "build_instance", "build_series", "is_synthetic"]


def is_synthetic(dataset: Dataset) -> bool:
    """Return whether a dataset says that it was made here, in Manufacturer (0008,0070).

    The attribute is not in the table of those that de-identification removes, and no server or viewer changes it.
    (Synthetic Data (0008,001C), the standard's own flag since 2022, is accepted but not written: dciodvfy of that
    year calls it an error.)
    """
    return str(dataset.get("Manufacturer", "")) == MANUFACTURER or str(dataset.get("SyntheticData", "")) == "YES"


def build_series(recipe: Recipe, study: StudyPlan, series: SeriesPlan) -> DatasetBuilder:
    """Return what all instances of a series share."""
    dataset = DatasetBuilder(recipe.character_set.codec)
    dataset.put(SpecificCharacterSet=recipe.character_set.value, SOPClassUID=SOP_CLASS[series.content])
    _patient(dataset, recipe, study)
    _study(dataset, recipe, study)
    _series(dataset, recipe, study, series)
    if series.content in image_modules.SERIES:
        image_modules.SERIES[series.content](dataset, study)
    if series.content.structured:
        structured_reports.series(dataset)
    planted_traps.in_series(dataset, recipe, study, series)
    return dataset


def _patient(dataset: DatasetBuilder, recipe: Recipe, study: StudyPlan) -> None:
    person = study.person
    national = recipe.patient_id == "national-number"
    age = person.age(study.time.date())
    dataset.put(
        PatientName=person.person_name,
        IssuerOfPatientID="NATIONAL NUMBER" if national else "HOSPITAL",
        PatientBirthDate=person.birth_date.strftime("%Y%m%d"),
        PatientSex=person.sex,
        PatientAge=f"{age:03d}Y",
        PatientAddress=person.address,
        PatientTelephoneNumbers=person.phone,
    )
    if age > AGE_TOP_CODE:
        dataset.identify("PatientAge", f"{age:03d}Y", Identifier.AGE, "X")
    dataset.identify("PatientID", study.patient_id, person.kind_of(study.patient_id), "Z")
    other = dataset.item("OtherPatientIDsSequence")
    other.put(IssuerOfPatientID="HOSPITAL" if national else "NATIONAL NUMBER", TypeOfPatientID="TEXT")
    other.identify("PatientID", person.other_id, person.kind_of(person.other_id), "X")
    if person.prominent:
        job = (Identifier.OTHER, person.occupation)
        dataset.mention("Occupation", person.occupation, "X", job)
        dataset.mention("PatientComments", f"{person.occupation}. {recipe.prominent.comment}", "X", job)
    else:
        dataset.put(Occupation=person.occupation)


def _study(dataset: DatasetBuilder, recipe: Recipe, study: StudyPlan) -> None:
    dataset.put(
        StudyInstanceUID=study.uid,
        StudyDate=day(study.time),
        StudyTime=clock(study.time),
        AccessionNumber=study.accession,
        StudyID=study.study_id,
        StudyDescription=study.mix.description,
        ReferringPhysicianName=study.referring.name,
    )
    if recipe.wards:
        dataset.put(CurrentPatientLocation=study.ward)


def _series(dataset: DatasetBuilder, recipe: Recipe, study: StudyPlan, series: SeriesPlan) -> None:
    dataset.put(
        Modality=series.content.modality,
        SeriesInstanceUID=series.uid,
        SeriesNumber=series.number,
        SeriesDescription=phrases_of(recipe.country).series_name(series.description),
        Manufacturer=MANUFACTURER,
        ManufacturerModelName=study.mix.device.model,
        DeviceSerialNumber=study.serial_number,
        SoftwareVersions="1.0",
        StationName=study.mix.device.station,
        InstitutionName=recipe.hospital.name,
        InstitutionAddress=recipe.hospital.address,
    )
    if not series.content.document:
        dataset.put(SeriesDate=day(series.time), SeriesTime=clock(series.time))
    if series.content.image or series.content is Content.ECG:
        dataset.put(
            PerformingPhysicianName=study.reading.name,
            OperatorsName=study.operator.name,
            PerformedProcedureStepStartDate=day(series.time),
            PerformedProcedureStepStartTime=clock(series.time),
        )
        if Trap.REQUEST in study.traps:
            _request(dataset, study, phrases_of(recipe.country))


def _request(dataset: DatasetBuilder, study: StudyPlan, words: Phrases) -> None:
    """Add the order: a nested place, where a list of top-level attributes never looks."""
    person = study.person
    request = dataset.item("RequestAttributesSequence")
    request.put(
        StudyInstanceUID=study.uid,
        AccessionNumber=study.accession,
        RequestingPhysician=study.referring.name,
        RequestedProcedureID=study.order,
        RequestedProcedureDescription=study.mix.description,
        ScheduledProcedureStepID=study.step,
        ScheduledProcedureStepDescription=study.mix.description,
    )
    request.mention(
        "ReasonForTheRequestedProcedure",
        words.request_reason.format(name=f"{person.title} {person.spoken}"),
        "X",
        (Identifier.NAME, person.spoken),
    )


def build_instance(
    recipe: Recipe,
    study: StudyPlan,
    series: SeriesPlan,
    instance: InstancePlan,
    pixels: np.ndarray | None = None,
) -> DatasetBuilder:
    """Return what one instance has of its own, without document; of its pixels only an icon, where a trap asks."""
    dataset = DatasetBuilder(recipe.character_set.codec)
    moment = instance.time
    dataset.put(
        SOPInstanceUID=instance.uid,
        InstanceCreationDate=day(moment),
        InstanceCreationTime=clock(moment),
        InstanceNumber=instance.number,
    )
    if series.content is Content.PRESENTATION:
        presentation_state.state(dataset, study, instance, phrases_of(recipe.country))
    else:
        dataset.put(ContentDate=day(moment), ContentTime=clock(moment))
    if series.content.image:
        dataset.put(AcquisitionDate=day(moment), AcquisitionTime=clock(moment))
    if series.content in image_modules.INSTANCE:
        image_modules.INSTANCE[series.content](dataset, study, instance)
    if series.content.structured:
        structured_reports.tree(dataset, recipe, study, series, instance)
    if series.content is Content.REPORT:
        _report(dataset, study, instance, phrases_of(recipe.country))
    planted_traps.in_instance(dataset, recipe, study, series, instance, pixels)
    return dataset


def _report(dataset: DatasetBuilder, study: StudyPlan, instance: InstancePlan, words: Phrases) -> None:
    name = study.person.spoken
    dataset.put(
        BurnedInAnnotation="YES",
        ConversionType="WSD",
        MIMETypeOfEncapsulatedDocument="application/pdf",
    )
    dataset.empty_sequence("ConceptNameCodeSequence")
    if Trap.PDF_TITLE in study.traps:
        dataset.mention("DocumentTitle", f"{words.document_title} {name}", "Z", (Identifier.NAME, name))
    else:
        dataset.put(DocumentTitle=words.document_title)
    dataset.moment("AcquisitionDateTime", instance.time, "X/Z/D")
