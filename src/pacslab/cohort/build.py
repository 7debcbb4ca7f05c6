"""A cohort: one variant's patients as DICOM files, and the answer key.

``build_cohort`` decides who there is and what was examined; files are made while they are asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pacslab.cohort.anatomy import ecg
from pacslab.cohort.answer_key import AnswerKey, Keeping, PatientKey, PlantedIdentifier, RetainedValue
from pacslab.cohort.encoding.explicit_vr import SOURCE_AE_TITLE
from pacslab.cohort.encoding.transfer_syntaxes import encode_file, encode_frames
from pacslab.cohort.instance_facts import EncodedInstance, Image, InstanceFacts, note, study_key, syntax_of
from pacslab.cohort.objects.dataset import instance_draft, is_synthetic, series_draft
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

TOLD = (
    "asked_number_ending",
    "cover_page_patient",
    "report_patient",
    "deid_study_uid",
    "deid_patient",
)


def build_cohort(recipe: Recipe, variant: Variant) -> Cohort:
    """Return a variant's cohort: identities and plan, a few milliseconds; no pixels yet."""
    return Cohort(recipe, variant)


class Cohort:
    """One variant's patients.

    Pixels are made while :meth:`instances` is read. What they share is kept for the life of the object (about
    20 MB), so a second reading is faster.
    """

    def __init__(self, recipe: Recipe, variant: Variant) -> None:
        self.recipe = recipe
        self.variant = variant
        self.plan = make_plan(recipe, variant)
        self._studio = Renderer(recipe, variant)
        self._noted: dict[str, dict[str, InstanceFacts]] = {}

    @property
    def count(self) -> int:
        """Return the number of instances."""
        return sum(len(series.instances) for study in self.plan.studies for series in study.series)

    def instances(self, *, noting: bool = True) -> Iterator[tuple[str, bytes]]:
        """Yield (file name, Part 10 file) of every instance: the same bytes for the same variant.

        Without ``noting``, nothing is kept for the answer key, which takes a quarter of the time.
        """
        for study in self.plan.studies:
            yield from self.study_files(study, noting=noting)

    def study_files(self, study: StudyPlan, *, noting: bool = True) -> Iterator[tuple[str, bytes]]:
        """Yield (file name, Part 10 file) of every instance of one study of the plan; see :meth:`instances`."""
        source = study.mix.device.station if Trap.FILE_META in study.traps else SOURCE_AE_TITLE
        preamble = _preamble(study) if Trap.PREAMBLE in study.traps else b""
        noted = {}
        for made in self._made(study):
            if noting:
                noted[made.plan.uid] = self._noted_of(study, made)
            yield made.plan.file_name, encode_file(made.elements, made.syntax, source, preamble)
        if noting:
            self._noted[study.uid] = noted

    def follow_up(self) -> list[bytes]:
        """Return a CT study of two slices, made today, of a patient whose earlier CT is in the archive.

        It is what the scanner stores while the archive is being tested; :meth:`instances` does not hold it.
        """
        return [content for _, content in self.study_files(self.plan.follow_up)]

    def _made(self, study: StudyPlan) -> Iterator[EncodedInstance]:
        """Yield each instance of a study, ready to be written."""
        for series in study.series:
            draft = series_draft(self.recipe, study, series)
            encoded = draft.encoded()
            syntax = syntax_of(study, series)
            for instance, own, pixels, inside in self._contents(study, series):
                image = None
                if pixels is not None:
                    colour = series.content is Content.COLOUR_CINE
                    frames = encode_frames(pixels, syntax, colour=colour, bits=BITS_STORED.get(series.content, 0))
                    own.put(**frames.attributes)
                    image = Image(pixels, frames)
                yield EncodedInstance(instance, series.content, syntax, (draft, own), encoded, image, inside)

    def _noted_of(self, study: StudyPlan, made: EncodedInstance) -> InstanceFacts:
        head = self._studio.head_slices(study)[made.plan.number - 1] if made.content.head else None
        return note(study, made, head)

    def _contents(
        self, study: StudyPlan, series: SeriesPlan
    ) -> Iterator[tuple[InstancePlan, DatasetBuilder, np.ndarray | None, list[PendingIdentifier]]]:
        """Yield each instance of a series with its own attributes, its pixels, and what is planted in its content."""
        if series.content.image or series.content in (Content.COVER_PAGE, Content.LETTER):
            for instance, (pixels, burned) in zip(series.instances, self._studio.images(study, series), strict=True):
                draft = instance_draft(self.recipe, study, series, instance, pixels)
                yield instance, draft, pixels, [one.plant() for one in burned]
            return
        for instance in series.instances:
            draft = instance_draft(self.recipe, study, series, instance)
            plants: list[PendingIdentifier] = []
            if series.content is Content.REPORT:
                pdf, plants = make_report(self.recipe, study)
                draft.put(EncapsulatedDocument=pdf)
                draft.kept.append(RetainedValue(keeping=Keeping.MEANING, path="pdf page 1", text=study.finding.words))
            elif series.content is Content.ECG:
                waveform(draft, ecg.record(self.variant.stream("ecg", study.index), study.finding.shape))
            yield instance, draft, None, plants

    def answer_key(self) -> AnswerKey:
        """Return what was planted in every instance, and what every question's answer is.

        What was noted while :meth:`instances` was read is used; the other studies are made for it.
        """
        for study in self.plan.studies:
            if study.uid not in self._noted:
                self._note(study)
        return self._key(complete=True)

    def questions(self) -> AnswerKey:
        """Return the answer key with nothing planted but in the study to be de-identified: a tenth of the time."""
        if self._deid.uid not in self._noted:
            self._note(self._deid)
        return self._key(complete=all(study.uid in self._noted for study in self.plan.studies))

    def planted_in(self, study: StudyPlan) -> list[PlantedIdentifier]:
        """Return everything planted in one study of the plan; its pixels are made for it."""
        if study.uid not in self._noted:
            self._note(study)
        person = study.person.index
        return [one.of(uid, person) for uid, noted in self._noted[study.uid].items() for one in noted.planted]

    @property
    def _deid(self) -> StudyPlan:
        return self.plan.studies_of(self.plan.people[PROMINENT])[0]

    def _note(self, study: StudyPlan) -> None:
        self._noted[study.uid] = {made.plan.uid: self._noted_of(study, made) for made in self._made(study)}

    def _key(self, *, complete: bool) -> AnswerKey:
        shown = [study for study in self.plan.studies if complete or study is self._deid]
        return AnswerKey(
            scenario=self.variant.scenario,
            student=self.variant.student,
            recipe=self.recipe.id,
            origin=origin_of(self.recipe),
            complete=complete,
            patients=tuple(self._patient_key(person, shown) for person in self.plan.people),
            planted=tuple(one for study in shown for one in self.planted_in(study)),
            facts=self._facts(self._deid),
            told=TOLD,
        )

    def _patient_key(self, person: Person, shown: list[StudyPlan]) -> PatientKey:
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
                study_key(study, self._noted[study.uid] if study in shown else {})
                for study in self.plan.studies_of(person)
            ),
        )

    def _facts(self, deid: StudyPlan) -> dict[str, str]:
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
