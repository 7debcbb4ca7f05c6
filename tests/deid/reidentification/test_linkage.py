"""Each attack finds people in a weak output, and none of them in the reference output."""

from __future__ import annotations

import hashlib
import io
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import pydicom
import pytest
from PIL import Image

from pacslab.deid.deidentify.pseudonyms import Pseudonyms
from pacslab.deid.deidentify.study import deidentify_study
from pacslab.deid.reidentification.attacks import (
    Link,
    follow_the_news,
    join_with_admissions,
    match_pictures,
    numbers_of,
    smallest_crowd,
    smallest_group,
    undo_date_shifts,
    undo_hashes,
)
from pacslab.deid.reidentification.background_knowledge import Admission, admissions, background_knowledge, newspaper
from pacslab.deid.reidentification.faces import (
    CITY_HOSPITAL,
    Face,
    city_hospital,
    heads_of,
    match_faces,
    portraits_around,
    relief,
    render_faces,
    side_by_side,
    unlike,
)
from pacslab.deid.reidentification.records import picture_digest, read_records
from pacslab.deid.reidentification.tradeoff import CROWD, Choices, Dates, read_choices, weigh
from pacslab.deid.reidentification.weak_releases import Mistake, release_badly
from pacslab.errors import DeidError
from pacslab.grading import judge_release
from pacslab.scenario import make_variant
from tests.support.cohorts import whole
from tests.support.outputs import SECRET

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from pacslab.deid.reidentification.records import LinkageRecord

KEY = whole().key


@cache
def listed() -> tuple[Admission, ...]:
    return admissions(KEY)


def light() -> list[bytes]:
    """One image of each study: what the attacks read is alike in all of them."""
    chosen = {study.study_instance_uid: "" for study in KEY.studies()}
    for study in KEY.studies():
        chosen[study.study_instance_uid] = next(
            instance.file_name for instance in study.instances if not instance.document
        )
    return [whole().files[name] for name in chosen.values()]


@pytest.fixture(scope="module")
def weak(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Mistake], list[LinkageRecord]]:
    @cache
    def made(mistake: Mistake) -> list[LinkageRecord]:
        folder = tmp_path_factory.mktemp("weak")
        assert release_badly(light(), folder, mistake) == len(KEY.studies())
        return read_records(folder)

    return made


@pytest.fixture(scope="module")
def reference(everything: Path) -> list[LinkageRecord]:
    return read_records(everything)


def people_behind(mistake: Mistake) -> dict[str, str]:
    """Return who is behind the pseudonyms of a weak output."""
    behind = {}
    for patient in KEY.patients:
        number = patient.record_number.encode()
        if mistake is Mistake.NUMBER_HASHED:
            behind[hashlib.sha256(number).hexdigest()] = patient.spoken_name
        else:
            behind["R" + hashlib.blake2b(number, key=b"kept at home", digest_size=5).hexdigest()] = patient.spoken_name
    return behind


def right(links: Iterable[Link], behind: dict[str, str]) -> set[str]:
    return {link.person for link in links if behind.get(link.pseudonym) == link.person}


def reference_people() -> dict[str, str]:
    pseudonyms = Pseudonyms(SECRET)
    return {pseudonyms.patient(person.patient_id): person.spoken_name for person in KEY.patients}


def test_linkage_by_age_and_sex_alone_finds_nobody() -> None:
    for real in (listed_person for listed_person in listed() if listed_person.patient is not None):
        same = [
            listed_person
            for listed_person in listed()
            if (listed_person.sex, listed_person.age, listed_person.department) == (real.sex, real.age, real.department)
        ]
        assert len({person.name for person in same}) > 1
    assert len(listed()) > 15 * len(KEY.studies())
    assert listed() == admissions(KEY)


def test_admissions_join_finds_people_by_kept_dates(
    weak: Callable[[Mistake], list[LinkageRecord]], reference: list[LinkageRecord]
) -> None:
    found = right(join_with_admissions(weak(Mistake.DATES_KEPT), listed()), people_behind(Mistake.DATES_KEPT))
    assert len(found) > 0.8 * len(KEY.patients)
    assert not right(join_with_admissions(reference, listed()), reference_people())


@pytest.mark.parametrize("mistake", [Mistake.DATES_KEPT, Mistake.OCCUPATION_KEPT])
def test_news_story_finds_its_patient(
    weak: Callable[[Mistake], list[LinkageRecord]], reference: list[LinkageRecord], mistake: Mistake
) -> None:
    story = newspaper(KEY)
    star = next(patient.spoken_name for patient in KEY.patients if patient.prominent)
    assert star in story.text
    assert right(follow_the_news(weak(mistake), story), people_behind(mistake)) == {star}
    assert not right(follow_the_news(reference, story), reference_people())


def test_hashed_numbers_are_undone(
    weak: Callable[[Mistake], list[LinkageRecord]], reference: list[LinkageRecord]
) -> None:
    """Whoever knows how the hospital writes its numbers tries all of them: here a million."""
    victim = KEY.patients[0]
    form = victim.record_number[:-6] + "######"
    undone = undo_hashes(weak(Mistake.NUMBER_HASHED), numbers_of(form))
    assert undone[hashlib.sha256(victim.record_number.encode()).hexdigest()] == victim.record_number
    known = [listed_person.number for listed_person in listed()]
    assert len(undo_hashes(weak(Mistake.NUMBER_HASHED), known)) == len(KEY.patients)
    assert not undo_hashes(reference, known)
    assert not undo_hashes(reference, (patient.patient_id for patient in KEY.patients))


@pytest.mark.parametrize("name", ["md5", "sha1", "sha256"])
def test_hashed_numbers_of_every_common_hash_are_undone(
    weak: Callable[[Mistake], list[LinkageRecord]], name: str
) -> None:
    record = weak(Mistake.DATES_KEPT)[0]
    hashed = hashlib.new(name, b"JA11-000042").hexdigest()
    record = type(record)(**{**vars(record), "pseudonym": hashed.upper()})
    assert undo_hashes([record], numbers_of("JA11-0000##")) == {hashed: "JA11-000042"}


def test_dates_shifted_by_md5_of_the_number_are_undone(
    weak: Callable[[Mistake], list[LinkageRecord]], reference: list[LinkageRecord]
) -> None:
    mistake = Mistake.DATES_FROM_MD5
    assert not right(join_with_admissions(weak(mistake), listed()), people_behind(mistake))
    found = right(undo_date_shifts(weak(mistake), listed()), people_behind(mistake))
    assert len(found) > 0.8 * len(KEY.patients)
    assert not right(undo_date_shifts(reference, listed()), reference_people())


def test_known_images_find_their_patients(
    weak: Callable[[Mistake], list[LinkageRecord]], reference: list[LinkageRecord]
) -> None:
    """The ultrasound pictures were seen while the archive was open, banner and all."""
    known = {}
    for patient in KEY.patients:
        for study in patient.studies:
            for instance in study.instances:
                if instance.modality == "US":
                    dataset = pydicom.dcmread(io.BytesIO(whole().files[instance.file_name]))
                    known[picture_digest(dataset)] = patient.spoken_name
    found = right(match_pictures(weak(Mistake.DATES_KEPT), known), people_behind(Mistake.DATES_KEPT))
    assert found == set(known.values())
    assert match_pictures(reference, known) == []


def test_known_image_that_never_changes_is_always_found(reference: list[LinkageRecord]) -> None:
    """What no recipe can help: a slice without burned-in text is the same picture before and after."""
    name = next(instance.file_name for instance in KEY.instances() if instance.modality == "CT")
    known = {picture_digest(pydicom.dcmread(io.BytesIO(whole().files[name]))): "somebody"}
    assert len(match_pictures(reference, known)) == 1


def test_smallest_group_grows_as_less_is_released(
    weak: Callable[[Mistake], list[LinkageRecord]], reference: list[LinkageRecord]
) -> None:
    records = weak(Mistake.DATES_KEPT)
    assert smallest_group(records) == 1
    assert smallest_group(records, ("modality",)) >= smallest_group(records, ("modality", "sex"))
    assert smallest_group([], ("sex",)) == 0
    assert smallest_group(records, ("device",)) < smallest_group(reference, ("device",)) == len(reference)


def test_smallest_group_of_everybody_hides_everybody(
    weak: Callable[[Mistake], list[LinkageRecord]], reference: list[LinkageRecord]
) -> None:
    """Whoever has the list narrows some down to one person; moved days fit nobody, and what is left fits several."""
    assert smallest_crowd(weak(Mistake.DATES_KEPT), listed()) == 1
    assert smallest_crowd(reference, listed()) == 0
    moved = [replace(record, day=None) for record in reference]
    assert smallest_crowd(moved, listed()) > 1
    assert not right(join_with_admissions(moved, listed()), reference_people())


RELEASES = {
    "everything": (Choices(), False, True),
    "exact age, dates moved": (Choices(dates=Dates.MOVED), False, True),
    "five years, dates moved": (Choices(age_band=5, dates=Dates.MOVED), True, True),
    "ten years, dates moved": (Choices(age_band=10, dates=Dates.MOVED), True, True),
    "ten years, dates kept": (Choices(age_band=10), False, True),
    "twenty years": (Choices(age_band=20, dates=Dates.MOVED), True, False),
    "no dates": (Choices(age_band=10, dates=Dates.REMOVED), True, False),
    "no sex": (Choices(sex=False, age_band=10, dates=Dates.MOVED), True, False),
    "nothing": (Choices(sex=False, age_band=0, dates=Dates.REMOVED), True, False),
}


@pytest.mark.parametrize(("choices", "safe", "useful"), RELEASES.values(), ids=RELEASES.keys())
def test_tradeoff_weighs_risk_against_utility(
    weak: Callable[[Mistake], list[LinkageRecord]], choices: Choices, safe: bool, useful: bool
) -> None:
    """Neither telling everything nor telling nothing passes; what lies between does."""
    result = weigh(weak(Mistake.DATES_KEPT), choices, listed())
    assert (result.crowd >= CROWD) is safe, str(result)
    assert (not result.lacking) is useful, str(result)
    assert result.passed is (safe and useful)
    assert ("does both." in str(result)) is result.passed


def test_tradeoff_without_a_release_is_refused() -> None:
    with pytest.raises(DeidError, match="no study"):
        weigh([], Choices(), listed())


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("sex=yes age_band=5 dates=moved", Choices(age_band=5, dates=Dates.MOVED)),
        (str(Choices(sex=False, age_band=0, dates=Dates.REMOVED)), Choices(sex=False, age_band=0, dates=Dates.REMOVED)),
        ("sex: no, age_band: 10, dates: kept", Choices(sex=False, age_band=10)),
        ("sex=yes age_band=500 dates=moved", None),
        ("sex=maybe age_band=5 dates=moved", None),
        ("sex=yes dates=moved", None),
        ("everything", None),
        ("", None),
    ],
)
def test_choices_as_people_write_them_are_read(text: str, read: Choices | None) -> None:
    assert read_choices(text) == read


def test_release_is_judged_by_what_it_does() -> None:
    assert judge_release("sex=yes age_band=5 dates=moved", KEY).reached
    assert judge_release(Choices(age_band=10, dates=Dates.MOVED), KEY).reached
    told = judge_release("sex=yes age_band=1 dates=kept", KEY)
    assert not told.reached
    assert any("Found by name" in reason for reason in told.reasons)
    assert any("gone" in reason for reason in judge_release("sex=no age_band=10 dates=moved", KEY).reasons)
    assert "is no release" in judge_release("all of it", KEY).message


def test_background_knowledge_does_not_name_members() -> None:
    people, story = background_knowledge(KEY)
    assert {person.patient for person in people} == {None}
    assert story.patient == -1


@pytest.fixture(scope="module")
def heads(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Face]]:
    """Return the faces rendered from the city's heads, in a release with clean headers and in the reference output."""
    contents = heads_of(city_hospital(make_variant("open-archive", "student")))
    places = {name: tmp_path_factory.mktemp(name) for name in ("weak", "reference")}
    release_badly(contents, places["weak"], Mistake.FACES_KEPT)
    deidentify_study(contents, places["reference"], secret=SECRET)
    return {name: render_faces(place) for name, place in places.items()}


@cache
def portraits() -> tuple[object, ...]:
    return portraits_around(city_hospital(make_variant("open-archive", "student")))


def test_face_rendered_from_a_head_finds_its_portrait(heads: dict[str, list[Face]]) -> None:
    """Headers are clean and dates are gone; the picture is enough to find everybody, and after the recipe nobody."""
    cohort = city_hospital(make_variant("open-archive", "student"))
    patients = {study.person.spoken for study in cohort.plan.studies if study.kind == "brain-mr"}
    numbers = {study.person.record_number.encode(): study.person.spoken for study in cohort.plan.studies}
    behind = {
        "R" + hashlib.blake2b(number, key=b"kept at home", digest_size=5).hexdigest(): name
        for number, name in numbers.items()
    }
    found = right(match_faces(heads["weak"], portraits()), behind)
    assert found == patients
    assert len(heads["reference"]) == len(heads["weak"]) == len(patients) >= 2
    assert match_faces(heads["reference"], portraits()) == []


def test_face_of_somebody_without_a_portrait_is_not_found(heads: dict[str, list[Face]]) -> None:
    """The next best face is not taken for the patient's."""
    for face in heads["weak"]:
        best = min(portraits(), key=lambda portrait: unlike(face.depth, portrait.depth))
        assert match_faces([face], [portrait for portrait in portraits() if portrait is not best]) == []
    assert match_faces(heads["weak"], []) == []


def test_faces_of_two_people_differ_more_than_two_of_one(heads: dict[str, list[Face]]) -> None:
    """Forty people, every pair of them."""
    known = portraits()
    same = [min(unlike(face.depth, word.depth) for word in known) for face in heads["weak"]]
    assert len(known) >= 40
    apart = [unlike(image.depth, other.depth) for number, image in enumerate(known) for other in known[:number]]
    assert min(apart) > 1.2 * max(same)
    assert np.median(apart) > 1.5


def test_face_relief_is_an_image(heads: dict[str, list[Face]]) -> None:
    """A relief in slanting light on black; where the face was taken out it is another picture."""
    whole, gone = (Image.open(io.BytesIO(heads[name][0].picture)) for name in ("weak", "reference"))
    assert whole.size == gone.size
    pixels = np.asarray(whole)
    assert pixels[:4, :4].max() == 0
    assert 40 < pixels[pixels > 0].mean() < 250
    sheet = Image.open(io.BytesIO(side_by_side([heads["weak"][0].picture, relief(portraits()[0].depth)])))
    assert sheet.width == 2 * whole.width
    assert np.abs(pixels.astype(int) - np.asarray(gone)).mean() > 10
    assert CITY_HOSPITAL.startswith("district-hospital")
