"""Drawing a cohort's plan from its recipe and its variant's streams.

Cheap, because everything that a question can be about is decided here, before any pixel is made.
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

_CONTENTS: dict[Kind, tuple[tuple[Content, str], ...]] = {
    Kind.CHEST_CT: ((Content.CT_SLICE, ""),),
    Kind.CHEST_RADIOGRAPH: ((Content.RADIOGRAPH, ""),),
    Kind.DIGITAL_CHEST: ((Content.DIGITAL_RADIOGRAPH, ""),),
    Kind.ABDOMINAL_ULTRASOUND: ((Content.ULTRASOUND, ""),),
    Kind.BRAIN_MR: ((Content.MR_T1, "T1 AXIAL"), (Content.MR_T2, "T2 AXIAL")),
    Kind.MAMMOGRAPHY: ((Content.MAMMOGRAM, ""),),
    Kind.ELECTROCARDIOGRAM: ((Content.ECG, ""),),
}
"""The series of each kind of study, with their descriptions where the study's own does not serve."""

_EXTRAS: dict[Extra, tuple[Content, str]] = {
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


def make_plan(recipe: Recipe, variant: Variant) -> CohortPlan:
    """Return the plan of one variant: no pixels, a few milliseconds."""
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
        papers = [
            content for content, those in ((Content.COVER_PAGE, covers), (Content.REPORT, reports)) if index in those
        ]
        visit = _Visit(index, kinds[:index].count(kind), owners[:index].count(owner), owners.count(owner))
        studies.append(_study(recipe, variant, visit, kind, people[owner], papers=papers, traps=traps[index]))
    return CohortPlan(
        people=tuple(people),
        studies=tuple(studies),
        follow_up=_follow_up(
            recipe, variant, stream.choice([one for one in studies if one.kind is recipe.clinic_kind])
        ),
        **_questions(stream, recipe, studies, people),
    )


@dataclass(frozen=True)
class _Visit:
    """The how-manieth study it is: of the cohort, of its kind, of its patient; and how many the patient has."""

    index: int
    of_kind: int
    of_patient: int
    visits: int


def _owners(stream: Stream, kinds: list[Kind], prominent_kind: Kind, patients: int) -> list[int]:
    """Return the patient's index for each study: the prominent one has one study of a kind, some others have two."""
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
    """Return the traps of each study; one that is not set in all is set in the prominent patient's first."""
    chosen: list[set[Trap]] = [set() for _ in range(count)]
    for trap in Trap:
        wanted = min(recipe.studies_with(trap), count)
        others = variant.stream("trap", trap).sample([one for one in range(count) if one != prominent], count - 1)
        for index in [prominent, *others][:wanted]:
            chosen[index].add(trap)
    return [frozenset(traps) for traps in chosen]


def _with_documents(stream: Stream, recipe: Recipe, kinds: list[Kind], owners: list[int]) -> tuple[set[int], set[int]]:
    """Return which studies have a cover page and which a report; at most one of each for a patient."""
    prominent = owners.index(PROMINENT)
    firsts = [index for index in range(len(kinds)) if owners.index(owners[index]) == index and index != prominent]

    def some(count: int, pool: list[int]) -> set[int]:
        return {prominent, *stream.sample(pool, min(count - 1, len(pool)))}

    covers = some(stream.between(recipe.cover_pages.least, recipe.cover_pages.most), firsts)
    without = [index for index in firsts if index not in covers]
    pool = without if len(without) >= recipe.reports.most - 1 else firsts
    return covers, some(stream.between(recipe.reports.least, recipe.reports.most), pool)


def _questions(stream: Stream, recipe: Recipe, studies: list[StudyPlan], people: list[Person]) -> dict[str, int]:
    """Return whom the questions ask about: different people as far as the cohort allows, never the prominent one."""
    asked: set[int] = {PROMINENT}

    def somebody(pool: list[int]) -> int:
        chosen = stream.choice([one for one in pool if one not in asked] or [one for one in pool if one != PROMINENT])
        asked.add(chosen)
        return chosen

    cover = somebody([one.person.index for one in studies if one.has(Content.COVER_PAGE)])
    report = somebody([one.person.index for one in studies if one.has(Content.REPORT)])
    clinic = stream.choice([one.index for one in studies if one.kind is recipe.clinic_kind])
    return {
        "asked_cover_page": cover,
        "asked_report": report,
        "asked_number": somebody([one.index for one in people]),
        "clinic_study": clinic,
    }


def _study(
    recipe: Recipe,
    variant: Variant,
    visit: _Visit,
    kind: Kind,
    person: Person,
    *,
    papers: list[Content],
    traps: frozenset[Trap],
) -> StudyPlan:
    stream = variant.stream("study", visit.index)
    days = (recipe.period.last - recipe.period.first).days
    mix = recipe.mix(kind)
    contents = [(content, mix.images, words or mix.description) for content, words in _CONTENTS[kind]]
    for content, words in (_EXTRAS[extra] for extra in Extra if extra in mix.extras):
        contents.append((content, mix.images if content.head else 1, words))
    titles = {Content.COVER_PAGE: "SCANNED DOCUMENTS", Content.REPORT: "REPORT"}
    contents += [(content, 1, titles[content]) for content in papers]
    findings = mix.findings
    if person.prominent:  # a finding that free text can mention and research wants to keep
        findings = tuple(one for one in findings if one.shape != "normal") or findings
    turn = stream.below(len(findings))
    day = recipe.period.first + timedelta(days=stream.between(0, days))
    if visit.visits > 1 and visit.of_patient == 0 and recipe.prior_years.most:
        day -= timedelta(days=365 * stream.between(recipe.prior_years.least, recipe.prior_years.most))
    second = person.second_id and visit.of_patient > 0
    return _draw_study(
        recipe,
        variant,
        stream,
        index=visit.index,
        person=person,
        patient_id=person.second_id if second else person.patient_id,
        mix=mix,
        day=day,
        findings=findings[turn:] + findings[:turn],
        contents=contents,
        folder=f"{visit.index:02d}-{mix.kind.value}",
        traps=traps,
        syntax=SYNTAXES[mix.encodings[visit.of_kind % len(mix.encodings)]],
    )


def _follow_up(recipe: Recipe, variant: Variant, earlier: StudyPlan) -> StudyPlan:
    """Return today's study of a patient who was examined like that before: two images where the kind has as many."""
    stream = variant.stream("follow-up")
    content, _ = _CONTENTS[earlier.kind][0]
    name = "CT THORAX" if earlier.kind is Kind.CHEST_CT else earlier.mix.description
    return _draw_study(
        recipe,
        variant,
        stream,
        index=999,
        person=earlier.person,
        patient_id=earlier.patient_id,
        mix=earlier.mix,
        day=recipe.today,
        findings=earlier.findings,
        contents=[(content, min(2, MOST_IMAGES[earlier.kind]), f"{name} FOLLOW-UP")],
        folder="follow-up",
        traps=earlier.traps & {Trap.REQUEST, Trap.BANNER, Trap.PRIVATE},
        syntax=Syntax.EXPLICIT_LITTLE,
    )


def _draw_study(
    recipe: Recipe,
    variant: Variant,
    stream: Stream,
    *,
    index: int,
    person: Person,
    patient_id: str,
    mix: StudyMix,
    day: date,
    findings: tuple[ReportedFinding, ...],
    contents: list[tuple[Content, int, str]],
    folder: str,
    traps: frozenset[Trap],
    syntax: Syntax,
) -> StudyPlan:
    start = datetime.combine(day, time(stream.between(8, 16), stream.between(0, 59), stream.between(0, 59)))
    study_uid = uid(stream)
    series = []
    if Trap.FILE_NAMES in traps:
        folder = f"{folder}-{file_name_of(person)}"
    for number, (content, count, description) in enumerate(contents, start=1):
        begun = start + timedelta(minutes=4 * number)
        instances = tuple(
            InstancePlan(
                uid=uid(stream),
                number=one,
                file_name=f"{folder}/{content.value}-{one:03d}.dcm",
                time=begun + timedelta(seconds=(1 if count > 12 else 35) * one),
            )
            for one in range(1, count + 1)
        )
        series.append(SeriesPlan(uid(stream), number, content, description, begun, instances))
    referring, reading = stream.sample(recipe.physicians, 2)
    return StudyPlan(
        index=index,
        person=person,
        patient_id=patient_id,
        traps=traps,
        syntax=syntax,
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
        findings=findings,
        series=tuple(series),
        day_uid=dated_uid(variant.stream("dated UID", index), day),
        ward=stream.choice(recipe.wards) if recipe.wards else "",
    )


def file_name_of(person: Person) -> str:
    """Return how a person's name and number stand in the name of a file."""
    return f"{plain_ascii(person.family)}_{plain_ascii(person.given)}_{plain_ascii(person.national_number)}"
