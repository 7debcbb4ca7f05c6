"""Structured reports: text report, measurements, radiation dose and key images, as trees of content items.

PS3.3 C.17 (the tree), A.35.1 Basic Text SR, A.35.3 Comprehensive SR, A.35.4 Key Object Selection, A.35.8 X-Ray
Radiation Dose SR; PS3.16 TID 1500 (measurements), 2000 (text report), 2010 (key objects), 10001 and 10011 (dose).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pacslab.cohort.answer_key import Identifier, Location
from pacslab.cohort.plan.instance_kinds import Content
from pacslab.cohort.plan.sop_classes import SOP_CLASS, day
from pacslab.cohort.recipe.texts import phrases_of, texts_of
from pacslab.cohort.recipe.traps import Trap

if TYPE_CHECKING:
    from pacslab.cohort.encoding.dataset_builder import DatasetBuilder
    from pacslab.cohort.plan.plan import InstancePlan, SeriesPlan, StudyPlan
    from pacslab.cohort.recipe.recipe import Recipe

Code = tuple[str, str, str]
"""Code value, coding scheme designator and code meaning (PS3.3 8.8)."""

_TITLES: dict[Content, tuple[Code, str]] = {
    Content.TEXT_REPORT: (("18748-4", "LN", "Diagnostic imaging report"), "2000"),
    Content.MEASUREMENTS: (("126000", "DCM", "Imaging Measurement Report"), "1500"),
    Content.DOSE_REPORT: (("113701", "DCM", "X-Ray Radiation Dose Report"), "10011"),
    Content.KEY_IMAGES: (("113000", "DCM", "Of Interest"), "2010"),
}
_PERSON, _DEVICE = ("121006", "DCM", "Person"), ("121007", "DCM", "Device")
_CONTAINS, _CONTEXT = "CONTAINS", "HAS OBS CONTEXT"


def add_series(dataset: DatasetBuilder) -> None:
    """Add the attributes that all instances of a document series share (PS3.3 C.17.1)."""
    dataset.empty_sequence("ReferencedPerformedProcedureStepSequence")


def add_content(
    dataset: DatasetBuilder, recipe: Recipe, study: StudyPlan, series: SeriesPlan, instance: InstancePlan
) -> None:
    """Add a document's general attributes and its content tree (PS3.3 C.17.2, C.17.3)."""
    content = series.content
    if content is not Content.KEY_IMAGES:
        dataset.put(CompletionFlag="COMPLETE")
        dataset.empty_sequence("PerformedProcedureCodeSequence")
        _verification(dataset, recipe, study, instance)
    if content is Content.DOSE_REPORT:
        _add_device(dataset, study)
    if content in (Content.MEASUREMENTS, Content.KEY_IMAGES) and study.images:
        _evidence(dataset, study)
    title, template = _TITLES[content]
    dataset.put(ValueType="CONTAINER", ContinuityOfContent="SEPARATE")
    dataset.code("ConceptNameCodeSequence", *title)
    dataset.item("ContentTemplateSequence").put(MappingResource="DCMR", TemplateIdentifier=template)
    {
        Content.TEXT_REPORT: _text_report,
        Content.MEASUREMENTS: _measurements,
        Content.DOSE_REPORT: _dose,
        Content.KEY_IMAGES: _key_images,
    }[content](dataset, recipe, study)


def _verification(dataset: DatasetBuilder, recipe: Recipe, study: StudyPlan, instance: InstancePlan) -> None:
    if Trap.SR_OBSERVER not in study.traps:
        dataset.put(VerificationFlag="UNVERIFIED")
        return
    dataset.put(VerificationFlag="VERIFIED")
    observer = dataset.item("VerifyingObserverSequence", Location.SR_OBSERVER)
    observer.identify("VerifyingOrganization", recipe.hospital.name, Identifier.GEOGRAPHIC, "X")
    observer.identify("VerifyingObserverName", study.reading.name, Identifier.NAME, "D")
    observer.moment("VerificationDateTime", instance.time, "D")
    observer.empty_sequence("VerifyingObserverIdentificationCodeSequence")


def _add_device(dataset: DatasetBuilder, study: StudyPlan) -> None:
    dataset.put(DeviceSerialNumber=study.serial_number)


def _evidence(dataset: DatasetBuilder, study: StudyPlan) -> None:
    """Add the referenced instances, in Current Requested Procedure Evidence Sequence (0040,A375)."""
    evidence = dataset.item("CurrentRequestedProcedureEvidenceSequence")
    evidence.put(StudyInstanceUID=study.uid)
    first, instance = study.images[0]
    referenced = evidence.item("ReferencedSeriesSequence")
    referenced.put(SeriesInstanceUID=first.uid)
    referenced.item("ReferencedSOPSequence").put(
        ReferencedSOPClassUID=SOP_CLASS[first.content], ReferencedSOPInstanceUID=instance.uid
    )


def _item(
    parent: DatasetBuilder, relationship: str, value_type: str, concept: Code, location: Location
) -> DatasetBuilder:
    item = parent.item("ContentSequence", location)
    item.put(RelationshipType=relationship, ValueType=value_type)
    item.code("ConceptNameCodeSequence", *concept)
    return item


def _container(parent: DatasetBuilder, concept: Code) -> DatasetBuilder:
    item = _item(parent, _CONTAINS, "CONTAINER", concept, Location.SR_CONTENT)
    item.put(ContinuityOfContent="SEPARATE")
    return item


def _text(parent: DatasetBuilder, relationship: str, concept: Code, text: str) -> None:
    _item(parent, relationship, "TEXT", concept, Location.SR_CONTENT).mention("TextValue", text, "D", meaning=text)


def _coded(parent: DatasetBuilder, relationship: str, concept: Code, value: Code) -> None:
    item = _item(parent, relationship, "CODE", concept, Location.SR_CONTENT)
    code = item.item("ConceptCodeSequence")
    code.content("CodeValue", value[0])
    code.put(CodingSchemeDesignator=value[1], CodeMeaning=value[2])


def _number(parent: DatasetBuilder, concept: Code, value: str, unit: Code) -> DatasetBuilder:
    item = _item(parent, _CONTAINS, "NUM", concept, Location.SR_CONTENT)
    measured = item.item("MeasuredValueSequence")
    measured.content("NumericValue", value)
    measured.code("MeasurementUnitsCodeSequence", *unit)
    return item


def _language(dataset: DatasetBuilder, recipe: Recipe) -> None:
    language = texts_of(recipe.country).language
    concept = ("121049", "DCM", "Language of Content Item and Descendants")
    _coded(dataset, "HAS CONCEPT MOD", concept, (language.code, "RFC5646", language.meaning))


def _observer(dataset: DatasetBuilder, study: StudyPlan) -> None:
    """Add the observer: the reading physician by name, or the device by its UID (PS3.16 TID 1002)."""
    kind = ("121005", "DCM", "Observer Type")
    if Trap.SR_OBSERVER in study.traps:
        _coded(dataset, _CONTEXT, kind, _PERSON)
        who = _item(dataset, _CONTEXT, "PNAME", ("121008", "DCM", "Person Observer Name"), Location.SR_OBSERVER)
        who.identify("PersonName", study.reading.name, Identifier.NAME, "D")
        return
    _coded(dataset, _CONTEXT, kind, _DEVICE)
    what = _item(dataset, _CONTEXT, "UIDREF", ("121012", "DCM", "Device Observer UID"), Location.SR_OBSERVER)
    what.identify("UID", study.frame_of_reference, Identifier.UID, "U")


def _text_report(dataset: DatasetBuilder, recipe: Recipe, study: StudyPlan) -> None:
    _language(dataset, recipe)
    _observer(dataset, study)
    person, phrases = study.person, phrases_of(recipe.country)
    findings = _container(dataset, ("121070", "DCM", "Findings"))
    words = study.finding.words
    if Trap.SR_CONTENT in study.traps:
        item = _item(findings, _CONTAINS, "TEXT", ("121071", "DCM", "Finding"), Location.SR_CONTENT)
        seen = f"{study.time:%d.%m.%Y}"
        item.mention(
            "TextValue",
            phrases.report_finding.format(
                name=f"{person.title} {person.spoken}",
                seen=seen,
                number=person.national_number,
                words=words,
                phone=person.phone,
            ),
            "D",
            (Identifier.NAME, person.spoken),
            (Identifier.DATE, day(study.time), seen),
            (Identifier.NATIONAL_NUMBER, person.national_number),
            (Identifier.PHONE, person.phone),
            meaning=words,
        )
    else:
        _text(findings, _CONTAINS, ("121071", "DCM", "Finding"), f"{words}.")
    _text(
        _container(dataset, ("121076", "DCM", "Conclusions")),
        _CONTAINS,
        ("121077", "DCM", "Conclusion"),
        phrases.conclusion,
    )


def _measurements(dataset: DatasetBuilder, recipe: Recipe, study: StudyPlan) -> None:
    _language(dataset, recipe)
    _observer(dataset, study)
    library = _container(
        _container(dataset, ("111028", "DCM", "Image Library")), ("126200", "DCM", "Image Library Group")
    )
    series, instance = study.images[0]
    image = library.item("ContentSequence")
    image.put(RelationshipType=_CONTAINS, ValueType="IMAGE")
    image.item("ReferencedSOPSequence").put(
        ReferencedSOPClassUID=SOP_CLASS[series.content], ReferencedSOPInstanceUID=instance.uid
    )
    group = _container(
        _container(dataset, ("126010", "DCM", "Imaging Measurements")), ("125007", "DCM", "Measurement Group")
    )
    tracking = _item(group, _CONTEXT_OF_GROUP, "TEXT", ("112039", "DCM", "Tracking Identifier"), Location.SR_CONTENT)
    if Trap.SR_CONTENT in study.traps:
        text = f"{study.person.family} {phrases_of(recipe.country).tracking_identifier}"
        tracking.mention("TextValue", text, "D", (Identifier.NAME, study.person.name, study.person.family))
    else:
        tracking.put(TextValue=phrases_of(recipe.country).tracking_identifier)
    unique = _item(
        group, _CONTEXT_OF_GROUP, "UIDREF", ("112040", "DCM", "Tracking Unique Identifier"), Location.SR_CONTENT
    )
    unique.identify("UID", study.frame_of_reference, Identifier.UID, "U")
    digits = "".join(char for char in study.finding.words.partition("mm")[0] if char.isdigit())
    _number(group, ("410668003", "SCT", "Length"), digits or "12", ("mm", "UCUM", "mm"))


_CONTEXT_OF_GROUP = "HAS OBS CONTEXT"


def _dose(dataset: DatasetBuilder, _recipe: Recipe, study: StudyPlan) -> None:
    tomography = study.series[0].content is Content.CT_SLICE
    procedure = (
        ("77477000", "SCT", "Computed Tomography X-Ray")
        if tomography
        else (
            "113704",
            "DCM",
            "Projection X-Ray",
        )
    )
    reported = _item(dataset, "HAS CONCEPT MOD", "CODE", ("121058", "DCM", "Procedure reported"), Location.SR_CONTENT)
    reported.code("ConceptCodeSequence", *procedure)
    _coded(reported, "HAS CONCEPT MOD", ("363703001", "SCT", "Has Intent"), ("261004008", "SCT", "Diagnostic Intent"))
    _observer(dataset, study)
    for code, meaning, when in (
        ("113809", "Start of X-Ray Irradiation", study.series[0].time),
        ("113810", "End of X-Ray Irradiation", study.series[0].instances[-1].time),
    ):
        item = _item(dataset, _CONTEXT, "DATETIME", (code, "DCM", meaning), Location.SR_CONTENT)
        item.moment("DateTime", when, "X")
    _coded(dataset, _CONTEXT, ("113705", "DCM", "Scope of Accumulation"), ("113014", "DCM", "Study"))
    if tomography:
        total = _container(dataset, ("113811", "DCM", "CT Accumulated Dose Data"))
        _number(total, ("113812", "DCM", "Total Number of Irradiation Events"), "1", ("{events}", "UCUM", "events"))
        _number(total, ("113813", "DCM", "CT Dose Length Product Total"), "310.4", ("mGy.cm", "UCUM", "mGy.cm"))
        event = _container(dataset, ("113819", "DCM", "CT Acquisition"))
    else:
        total = _container(dataset, ("113702", "DCM", "Accumulated X-Ray Dose Data"))
        _number(total, ("113722", "DCM", "Dose Area Product Total"), "0.00001", ("Gy.m2", "UCUM", "Gy.m2"))
        event = _container(dataset, ("113706", "DCM", "Irradiation Event X-Ray Data"))
    unique = _item(event, _CONTAINS, "UIDREF", ("113769", "DCM", "Irradiation Event UID"), Location.SR_CONTENT)
    unique.identify("UID", study.series[0].uid, Identifier.UID, "U")
    _coded(
        dataset,
        _CONTAINS,
        ("113854", "DCM", "Source of Dose Information"),
        ("113856", "DCM", "Automated Data Collection"),
    )


def _key_images(dataset: DatasetBuilder, recipe: Recipe, study: StudyPlan) -> None:
    _language(dataset, recipe)
    _observer(dataset, study)
    series, instance = study.images[0]
    words = study.finding.words
    item = _item(dataset, _CONTAINS, "TEXT", ("113012", "DCM", "Key Object Description"), Location.SR_CONTENT)
    if Trap.SR_CONTENT in study.traps:
        name = study.person.spoken
        text = phrases_of(recipe.country).key_image.format(words=words, name=name)
        item.mention("TextValue", text, "D", (Identifier.NAME, name), meaning=words)
    else:
        item.mention("TextValue", words, "D", meaning=words)
    image = dataset.item("ContentSequence")
    image.put(RelationshipType=_CONTAINS, ValueType="IMAGE")
    image.item("ReferencedSOPSequence").put(
        ReferencedSOPClassUID=SOP_CLASS[series.content], ReferencedSOPInstanceUID=instance.uid
    )
