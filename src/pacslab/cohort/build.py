"""A cohort: one variant's patients as DICOM files, and the answer key.

``build_cohort`` draws patients and studies; files are generated on demand.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pacslab.cohort.anatomy import ecg
from pacslab.cohort.answer_key import AnswerKey, Keeping, PatientKey, PlantedIdentifier, RetainedValue
from pacslab.cohort.encoding.explicit_vr import SOURCE_AE_TITLE
from pacslab.cohort.encoding.transfer_syntaxes import encode_file, encode_frames
from pacslab.cohort.instance_facts import EncodedInstance, Image, InstanceFacts, collect_facts, study_key, syntax_of
from pacslab.cohort.objects.dataset import build_instance, build_series, is_synthetic
from pacslab.cohort.objects.image_modules import waveform
from pacslab.cohort.objects.pdf_report import make_report
from pacslab.cohort.plan.draw_plan import make_plan
from pacslab.cohort.plan.instance_kinds import Content
from pacslab.cohort.plan.patients import PROMINENT, plain_ascii
from pacslab.cohort.plan.sop_classes import BITS_STORED
from pacslab.cohort.provenance import GENERATOR_VERSION, origin_of
from pacslab.cohort.recipe.traps import Trap
from pacslab.cohort.render.renderer import Renderer

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np

    from pacslab.cohort.encoding.dataset_builder import DatasetBuilder, PendingIdentifier
    from pacslab.cohort.plan.patients import Person
    from pacslab.cohort.plan.plan import InstancePlan, SeriesPlan, StudyPlan
    from pacslab.cohort.recipe.recipe import Recipe
    from pacslab.scenario import Variant

__all__ = ["GENERATOR_VERSION", "Cohort", "build_cohort", "is_synthetic"]

TOLD_FACTS = (
    "asked_number_ending",
    "cover_page_patient",
    "report_patient",
    "deid_study_uid",
    "deid_patient",
)
"""Facts that a question's text may mention (``AnswerKey.told``)."""


def build_cohort(recipe: Recipe, variant: Variant) -> Cohort:
    """Draw a variant's patients and plan; takes a few milliseconds, as no pixels are generated.

    Returns
    -------
    Cohort
        The same patients, files and answer key for the same recipe and variant, on every machine.

    Examples
    --------
    >>> from pacslab.cohort import load_recipe
    >>> from pacslab.scenario import make_variant
    >>> cohort = build_cohort(load_recipe("district-hospital"), make_variant("open-archive", "asha"))
    >>> cohort.count == sum(len(series.instances) for study in cohort.plan.studies for series in study.series)
    True

    """
    return Cohort(recipe, variant)


class Cohort:
    """One variant's patients, studies and images.

    Pixels are generated while :meth:`instances` is iterated. What all images share is cached in the object (about
    20 MB), so a second iteration is faster.
    """

    def __init__(self, recipe: Recipe, variant: Variant) -> None:
        self.recipe = recipe
        self.variant = variant
        self.plan = make_plan(recipe, variant)
        self._renderer = Renderer(recipe, variant)
        self._facts: dict[str, dict[str, InstanceFacts]] = {}

    @property
    def count(self) -> int:
        """Return the number of instances."""
        return sum(len(series.instances) for study in self.plan.studies for series in study.series)

    def instances(self, *, collect: bool = True) -> Iterator[tuple[str, bytes]]:
        """Yield (file name, Part 10 file) of every instance: the same bytes for the same variant.

        Parameters
        ----------
        collect
            Whether to collect facts for the answer key on the way; without them it takes a quarter less time.

        """
        for study in self.plan.studies:
            yield from self.study_files(study, collect=collect)

    def study_files(self, study: StudyPlan, *, collect: bool = True) -> Iterator[tuple[str, bytes]]:
        """Yield (file name, Part 10 file) of every instance of a study of the plan; see :meth:`instances`."""
        source = study.mix.device.station if Trap.FILE_META in study.traps else SOURCE_AE_TITLE
        preamble = _preamble(study) if Trap.PREAMBLE in study.traps else b""
        facts = {}
        for encoded in self._encoded_instances(study):
            if collect:
                facts[encoded.plan.uid] = self._collect(study, encoded)
            yield encoded.plan.file_name, encode_file(encoded.elements, encoded.syntax, source, preamble)
        if collect:
            self._facts[study.uid] = facts

    def follow_up(self) -> list[bytes]:
        """Return a CT study of two slices, of today, for a patient with an earlier CT in the archive.

        The scanner stores it while the archive is being tested; :meth:`instances` does not include it.
        """
        return [content for _, content in self.study_files(self.plan.follow_up)]

    def _encoded_instances(self, study: StudyPlan) -> Iterator[EncodedInstance]:
        """Yield each instance of a study with its elements encoded."""
        for series in study.series:
            shared = build_series(self.recipe, study, series)
            shared_elements = shared.encoded()
            syntax = syntax_of(study, series)
            for instance, dataset, pixels, planted in self._contents(study, series):
                image = None
                if pixels is not None:
                    colour = series.content is Content.COLOUR_CINE
                    frames = encode_frames(pixels, syntax, colour=colour, bits=BITS_STORED.get(series.content, 0))
                    dataset.put(**frames.attributes)
                    image = Image(pixels, frames)
                yield EncodedInstance(
                    plan=instance,
                    content=series.content,
                    syntax=syntax,
                    series_dataset=shared,
                    series_elements=shared_elements,
                    dataset=dataset,
                    image=image,
                    content_identifiers=planted,
                )

    def _collect(self, study: StudyPlan, encoded: EncodedInstance) -> InstanceFacts:
        head = self._renderer.head_slices(study)[encoded.plan.number - 1] if encoded.content.head else None
        return collect_facts(study, encoded, head)

    def _contents(
        self, study: StudyPlan, series: SeriesPlan
    ) -> Iterator[tuple[InstancePlan, DatasetBuilder, np.ndarray | None, list[PendingIdentifier]]]:
        """Yield each instance of a series: plan, own attributes, pixels, and identifiers planted in its content."""
        if series.content.image or series.content in (Content.COVER_PAGE, Content.LETTER):
            for instance, (pixels, burned) in zip(series.instances, self._renderer.images(study, series), strict=True):
                dataset = build_instance(self.recipe, study, series, instance, pixels)
                yield instance, dataset, pixels, [text.pending() for text in burned]
            return
        for instance in series.instances:
            dataset = build_instance(self.recipe, study, series, instance)
            planted: list[PendingIdentifier] = []
            if series.content is Content.REPORT:
                pdf, planted = make_report(self.recipe, study)
                dataset.put(EncapsulatedDocument=pdf)
                dataset.kept.append(RetainedValue(keeping=Keeping.MEANING, path="pdf page 1", text=study.finding.words))
            elif series.content is Content.ECG:
                waveform(dataset, ecg.record(self.variant.stream("ecg", study.index), study.finding.shape))
            yield instance, dataset, None, planted

    def answer_key(self) -> AnswerKey:
        """Return the complete answer key: the identifiers of every instance, and the answer to every question.

        Studies that :meth:`instances` has not collected facts of are generated for it.
        """
        return self._key(self.plan.studies)

    def questions(self) -> AnswerKey:
        """Return an answer key with planted identifiers of the de-identification study only: a tenth of the time.

        It is complete if facts of every study have been collected before.
        """
        self._facts_of(self._deid_study)
        collected = all(study.uid in self._facts for study in self.plan.studies)
        return self._key(self.plan.studies if collected else (self._deid_study,))

    def planted_in(self, study: StudyPlan) -> list[PlantedIdentifier]:
        """Return the identifiers planted in a study of the plan, generating its pixels if necessary."""
        person = study.person.index
        return [
            identifier.of(uid, person) for uid, facts in self._facts_of(study).items() for identifier in facts.planted
        ]

    def kept_in(self, study: StudyPlan) -> list[RetainedValue]:
        """Return the values in a study of the plan that must survive de-identification."""
        return [value for facts in self._facts_of(study).values() for value in facts.kept]

    def _facts_of(self, study: StudyPlan) -> dict[str, InstanceFacts]:
        """Return the facts of a study's instances by SOP Instance UID, generating the study once."""
        if study.uid not in self._facts:
            self._facts[study.uid] = {
                encoded.plan.uid: self._collect(study, encoded) for encoded in self._encoded_instances(study)
            }
        return self._facts[study.uid]

    @property
    def _deid_study(self) -> StudyPlan:
        return self.plan.studies_of(self.plan.people[PROMINENT])[0]

    def _key(self, studies: tuple[StudyPlan, ...]) -> AnswerKey:
        """Return an answer key with the facts of these studies."""
        return AnswerKey(
            scenario=self.variant.scenario,
            student=self.variant.student,
            recipe=self.recipe.id,
            origin=origin_of(self.recipe),
            complete=len(studies) == len(self.plan.studies),
            patients=tuple(self.patient_key(person, studies) for person in self.plan.people),
            planted=tuple(identifier for study in studies for identifier in self.planted_in(study)),
            facts=self._question_facts(self._deid_study),
            told=TOLD_FACTS,
        )

    def patient_key(self, person: Person, studies: tuple[StudyPlan, ...]) -> PatientKey:
        """Return what the answer key holds of a patient with these studies of the plan."""
        return PatientKey(
            index=person.index,
            name=person.name,
            spoken_name=person.spoken,
            patient_id=person.patient_id,
            native_name=person.native,
            other_ids=(person.second_id,) if person.second_id else (),
            national_number=person.national_number,
            birth_date=person.birth_date.strftime("%Y%m%d"),
            sex=person.sex,
            address=person.address,
            phone=person.phone,
            diagnosis=person.diagnosis,
            prominent=person.prominent,
            record_number=person.record_number,
            email=person.email,
            roles=person.roles,
            studies=tuple(
                study_key(study, self._facts_of(study) if study in studies else {})
                for study in self.plan.studies_of(person)
            ),
        )

    def _question_facts(self, deid: StudyPlan) -> dict[str, str]:
        """Return the answer to every question of a scenario, by the fact's name."""
        plan = self.plan
        asked, cover, report = (
            plan.people[index] for index in (plan.asked_number, plan.asked_cover_page, plan.asked_report)
        )
        prominent = deid.person
        clinic = plan.studies[plan.clinic_study]
        return {
            "patient_count": str(len(plan.people)),
            "study_count": str(len(plan.studies)),
            "instance_count": str(self.count),
            "prominent_name": prominent.spoken,
            "prominent_occupation": prominent.occupation,
            "prominent_diagnosis": prominent.diagnosis,
            "asked_number_ending": asked.national_number[-4:],
            "asked_number_owner": asked.spoken,
            "cover_page_patient": cover.spoken,
            "cover_page_diagnosis": cover.diagnosis,
            "report_patient": report.spoken,
            "report_phone": report.contact_phone,
            "deid_study_uid": deid.uid,
            "deid_patient": prominent.spoken,
            "deid_meaning": deid.finding.words,
            "clinic_study_uid": clinic.uid,
            "clinic_study_instances": str(sum(len(series.instances) for series in clinic.series)),
        }


def _preamble(study: StudyPlan) -> bytes:
    person = study.person
    return f"PATIENT {plain_ascii(person.given)} {plain_ascii(person.family)} {person.national_number}".encode()
