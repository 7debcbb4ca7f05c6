"""Draw a cohort's plan from its recipe and its variant's streams.

Everything that a question can ask about is decided here, before any pixel is generated.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING

from pacslab.cohort.encoding.transfer_syntaxes import Syntax
from pacslab.cohort.plan.instance_kinds import Content
from pacslab.cohort.plan.patients import PROMINENT, Person, draw_people, plain_ascii
from pacslab.cohort.plan.plan import CohortPlan, InstancePlan, SeriesPlan, StudyPlan
from pacslab.cohort.recipe.fictional import dated_uid, digits, uid
from pacslab.cohort.recipe.sections import MOST_IMAGES, SYNTAXES, Extra, Kind
from pacslab.cohort.recipe.traps import Trap

if TYPE_CHECKING:
    from pacslab.cohort.recipe.recipe import Recipe
    from pacslab.cohort.recipe.sections import ReportedFinding, StudyMix
    from pacslab.scenario import Stream, Variant

_SERIES_OF_KIND: dict[Kind, tuple[tuple[Content, str], ...]] = {
    Kind.CHEST_CT: ((Content.CT_SLICE, ""),),
    Kind.CHEST_RADIOGRAPH: ((Content.RADIOGRAPH, ""),),
    Kind.DIGITAL_CHEST: ((Content.DIGITAL_RADIOGRAPH, ""),),
    Kind.ABDOMINAL_ULTRASOUND: ((Content.ULTRASOUND, ""),),
    Kind.BRAIN_MR: ((Content.MR_T1, "T1 AXIAL"), (Content.MR_T2, "T2 AXIAL")),
    Kind.MAMMOGRAPHY: ((Content.MAMMOGRAM, ""),),
    Kind.ELECTROCARDIOGRAM: ((Content.ECG, ""),),
}
"""Content and series description of the series in each kind of study; '' stands for the study's description."""

_SERIES_OF_EXTRA: dict[Extra, tuple[Content, str]] = {
    Extra.CINE: (Content.CINE, "CINE LOOP"),
    Extra.COLOUR_CINE: (Content.COLOUR_CINE, "COLOUR DOPPLER LOOP"),
    Extra.FLAIR: (Content.MR_FLAIR, "FLAIR AXIAL"),
    Extra.LETTER: (Content.LETTER, "REFERRAL LETTER"),
    Extra.TEXT_REPORT: (Content.TEXT_REPORT, "REPORT TEXT"),
    Extra.MEASUREMENTS: (Content.MEASUREMENTS, "MEASUREMENTS"),
    Extra.DOSE_REPORT: (Content.DOSE_REPORT, "RADIATION DOSE"),
    Extra.KEY_IMAGES: (Content.KEY_IMAGES, "KEY IMAGES"),
    Extra.PRESENTATION: (Content.PRESENTATION, "ANNOTATED"),
}
"""Content and series description of each extra series."""


def make_plan(recipe: Recipe, variant: Variant) -> CohortPlan:
    """Draw the plan of a variant; takes a few milliseconds.

    Returns
    -------
    CohortPlan
        Patients, studies, series and instances with their UIDs, and the patients that the questions ask about.

    """
    stream = variant.stream("plan")
    kinds = [mix.kind for mix in recipe.studies for _ in range(stream.between(mix.studies.least, mix.studies.most))]
    returning = stream.between(recipe.returning.least, recipe.returning.most)
    owners = _owners(stream, kinds, recipe.prominent_kind, len(kinds) - returning)
    women = {owner for kind, owner in zip(kinds, owners, strict=True) if kind is Kind.MAMMOGRAPHY}
    twice = [owner for owner in set(owners) if owners.count(owner) > 1]
    people = draw_people(recipe, variant, len(kinds) - returning, women, twice)
    covers, reports = _with_documents(stream, recipe, kinds, owners)
    traps = _traps(recipe, variant, len(kinds), owners.index(PROMINENT))
    studies = []
    for index, (kind, owner) in enumerate(zip(kinds, owners, strict=True)):
        visit = _Visit(
            index=index,
            kind=kind,
            person=people[owner],
            of_kind=kinds[:index].count(kind),
            of_patient=owners[:index].count(owner),
            visits=owners.count(owner),
            documents=tuple(
                content
                for content, holders in ((Content.COVER_PAGE, covers), (Content.REPORT, reports))
                if index in holders
            ),
            traps=traps[index],
        )
        studies.append(_study(recipe, variant, visit))
    clinic_studies = [study for study in studies if study.kind is recipe.clinic_kind]
    return CohortPlan(
        people=tuple(people),
        studies=tuple(studies),
        follow_up=_follow_up(recipe, variant, stream.choice(clinic_studies)),
        **_questions(stream, recipe, studies, people),
    )


@dataclass(frozen=True)
class _Visit:
    """A patient's examination, before its study is drawn.

    ``index`` is its number in the cohort, ``of_kind`` among the studies of its kind and ``of_patient`` among its
    patient's, all from 0; ``visits`` is how many studies the patient has. ``documents`` are a cover page and a report.
    """

    index: int
    kind: Kind
    person: Person
    of_kind: int
    of_patient: int
    visits: int
    documents: tuple[Content, ...]
    traps: frozenset[Trap]


@dataclass(frozen=True)
class _StudyRequest:
    """A study whose UIDs, times and numbers are still to be drawn.

    ``contents`` are content, number of instances and series description of each series; ``folder`` is where its files
    lie in the cohort's folder.
    """

    index: int
    person: Person
    patient_id: str
    mix: StudyMix
    day: date
    findings: tuple[ReportedFinding, ...]
    contents: tuple[tuple[Content, int, str], ...]
    folder: str
    traps: frozenset[Trap]
    syntax: Syntax


def _owners(stream: Stream, kinds: list[Kind], prominent_kind: Kind, patients: int) -> list[int]:
    """Return the patient's index for each study.

    The prominent patient has a single study, of the prominent kind; some of the others have two.
    """
    candidates = [index for index, kind in enumerate(kinds) if kind is prominent_kind]
    prominent = stream.choice(candidates)
    others = stream.sample([index for index in range(len(kinds)) if index != prominent], len(kinds) - 1)
    owners = [PROMINENT] * len(kinds)
    first = others[: patients - 1]
    for person, study in enumerate(first, start=1):
        owners[study] = person
    twice = stream.sample(range(1, patients), len(kinds) - patients)
    for person, study in zip(twice, others[patients - 1 :], strict=True):
        owners[study] = person
    return owners


def _traps(recipe: Recipe, variant: Variant, count: int, prominent: int) -> list[frozenset[Trap]]:
    """Return the traps of each study; a trap of only some studies is always set in the prominent patient's."""
    chosen: list[set[Trap]] = [set() for _ in range(count)]
    for trap in Trap:
        wanted = min(recipe.studies_with(trap), count)
        others = variant.stream("trap", trap).sample([index for index in range(count) if index != prominent], count - 1)
        for index in [prominent, *others][:wanted]:
            chosen[index].add(trap)
    return [frozenset(traps) for traps in chosen]


def _with_documents(stream: Stream, recipe: Recipe, kinds: list[Kind], owners: list[int]) -> tuple[set[int], set[int]]:
    """Return the indices of the studies with a cover page and with a report; each patient has at most one of each."""
    prominent = owners.index(PROMINENT)
    firsts = [index for index in range(len(kinds)) if owners.index(owners[index]) == index and index != prominent]

    def with_prominent(count: int, pool: list[int]) -> set[int]:
        return {prominent, *stream.sample(pool, min(count - 1, len(pool)))}

    covers = with_prominent(stream.between(recipe.cover_pages.least, recipe.cover_pages.most), firsts)
    without = [index for index in firsts if index not in covers]
    pool = without if len(without) >= recipe.reports.most - 1 else firsts
    return covers, with_prominent(stream.between(recipe.reports.least, recipe.reports.most), pool)


def _questions(stream: Stream, recipe: Recipe, studies: list[StudyPlan], people: list[Person]) -> dict[str, int]:
    """Return the patients and the study that the questions ask about, as fields of :class:`CohortPlan`.

    The patients differ from each other as far as the cohort allows, and none is the prominent patient.
    """
    asked: set[int] = {PROMINENT}

    def draw_patient(pool: list[int]) -> int:
        fresh = [patient for patient in pool if patient not in asked]
        chosen = stream.choice(fresh or [patient for patient in pool if patient != PROMINENT])
        asked.add(chosen)
        return chosen

    cover = draw_patient([study.person.index for study in studies if study.has(Content.COVER_PAGE)])
    report = draw_patient([study.person.index for study in studies if study.has(Content.REPORT)])
    clinic = stream.choice([study.index for study in studies if study.kind is recipe.clinic_kind])
    return {
        "asked_cover_page": cover,
        "asked_report": report,
        "asked_number": draw_patient([person.index for person in people]),
        "clinic_study": clinic,
    }


def _study(recipe: Recipe, variant: Variant, visit: _Visit) -> StudyPlan:
    stream = variant.stream("study", visit.index)
    person, mix = visit.person, recipe.mix(visit.kind)
    findings = mix.findings
    if person.prominent:  # a finding that free text can mention and research wants to keep
        findings = tuple(finding for finding in findings if finding.shape != "normal") or findings
    turn = stream.below(len(findings))
    day = recipe.period.first + timedelta(days=stream.between(0, (recipe.period.last - recipe.period.first).days))
    if visit.visits > 1 and visit.of_patient == 0 and recipe.prior_years.most:
        day -= timedelta(days=365 * stream.between(recipe.prior_years.least, recipe.prior_years.most))
    uses_second_id = person.second_id and visit.of_patient > 0
    request = _StudyRequest(
        index=visit.index,
        person=person,
        patient_id=person.second_id if uses_second_id else person.patient_id,
        mix=mix,
        day=day,
        findings=findings[turn:] + findings[:turn],
        contents=_contents(mix, visit.documents),
        folder=f"{visit.index:02d}-{mix.kind.value}",
        traps=visit.traps,
        syntax=SYNTAXES[mix.encodings[visit.of_kind % len(mix.encodings)]],
    )
    return _draw_study(recipe, variant, stream, request)


def _contents(mix: StudyMix, documents: tuple[Content, ...]) -> tuple[tuple[Content, int, str], ...]:
    """Return content, number of instances and description of each series of a study."""
    contents = [(content, mix.images, words or mix.description) for content, words in _SERIES_OF_KIND[mix.kind]]
    for content, words in (_SERIES_OF_EXTRA[extra] for extra in Extra if extra in mix.extras):
        contents.append((content, mix.images if content.head else 1, words))
    titles = {Content.COVER_PAGE: "SCANNED DOCUMENTS", Content.REPORT: "REPORT"}
    return (*contents, *((content, 1, titles[content]) for content in documents))


def _follow_up(recipe: Recipe, variant: Variant, earlier: StudyPlan) -> StudyPlan:
    """Return today's study of a patient with an earlier one of the kind: two images, or one if the kind has no more."""
    stream = variant.stream("follow-up")
    content, _ = _SERIES_OF_KIND[earlier.kind][0]
    name = "CT THORAX" if earlier.kind is Kind.CHEST_CT else earlier.mix.description
    request = _StudyRequest(
        index=999,
        person=earlier.person,
        patient_id=earlier.patient_id,
        mix=earlier.mix,
        day=recipe.today,
        findings=earlier.findings,
        contents=((content, min(2, MOST_IMAGES[earlier.kind]), f"{name} FOLLOW-UP"),),
        folder="follow-up",
        traps=earlier.traps & {Trap.REQUEST, Trap.BANNER, Trap.PRIVATE},
        syntax=Syntax.EXPLICIT_LITTLE,
    )
    return _draw_study(recipe, variant, stream, request)


def _draw_study(recipe: Recipe, variant: Variant, stream: Stream, request: _StudyRequest) -> StudyPlan:
    start = datetime.combine(request.day, time(stream.between(8, 16), stream.between(0, 59), stream.between(0, 59)))
    study_uid = uid(stream)
    series = _draw_series(stream, request, start)
    referring, reading = stream.sample(recipe.physicians, 2)
    mix = request.mix
    return StudyPlan(
        index=request.index,
        person=request.person,
        patient_id=request.patient_id,
        traps=request.traps,
        syntax=request.syntax,
        mix=mix,
        uid=study_uid,
        frame_of_reference=uid(stream),
        time=start,
        accession=f"{recipe.record_prefix}{digits(stream, 14)}",
        study_id=f"S{digits(stream, 13)}",
        order=f"RQ{digits(stream, 14)}",
        step=f"PS{digits(stream, 14)}",
        referring=referring,
        reading=reading,
        operator=stream.choice(recipe.technicians),
        serial_number=f"{mix.device.serial_prefix}-{digits(variant.stream('device', mix.kind), 10)}",
        findings=request.findings,
        series=series,
        day_uid=dated_uid(variant.stream("dated UID", request.index), request.day),
        ward=stream.choice(recipe.wards) if recipe.wards else "",
    )


def _draw_series(stream: Stream, request: _StudyRequest, start: datetime) -> tuple[SeriesPlan, ...]:
    """Return the series of a study, four minutes apart; their file names carry the patient's where a trap asks."""
    folder = request.folder
    if Trap.FILE_NAMES in request.traps:
        folder = f"{folder}-{file_name_of(request.person)}"
    series = []
    for number, (content, count, description) in enumerate(request.contents, start=1):
        begun = start + timedelta(minutes=4 * number)
        instances = tuple(
            InstancePlan(
                uid=uid(stream),
                number=instance_number,
                file_name=f"{folder}/{content.value}-{instance_number:03d}.dcm",
                time=begun + timedelta(seconds=(1 if count > 12 else 35) * instance_number),
            )
            for instance_number in range(1, count + 1)
        )
        series.append(SeriesPlan(uid(stream), number, content, description, begun, instances))
    return tuple(series)


def file_name_of(person: Person) -> str:
    """Return a person's name and national number as a part of a file name."""
    return f"{plain_ascii(person.family)}_{plain_ascii(person.given)}_{plain_ascii(person.national_number)}"
