"""The same student always gets the same bytes; two students never share a patient."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys

import pytest

from pacslab.cohort.answer_key_formats import Canaries
from pacslab.cohort.build import build_cohort
from pacslab.cohort.plan.draw_plan import make_plan
from pacslab.cohort.plan.patients import draw_people
from pacslab.cohort.recipe.recipe import load_recipe
from pacslab.scenario import make_variant

DIGEST = """
import hashlib
from pacslab.cohort.build import build_cohort
from pacslab.cohort.recipe.recipe import load_recipe
from pacslab.scenario.variant import make_variant
cohort = build_cohort(load_recipe("district-hospital"), make_variant("open-archive", "asha"))
digest = hashlib.sha256()
for name, content in cohort.instances():
    digest.update(name.encode() + content)
for content in cohort.follow_up():
    digest.update(content)
digest.update(cohort.answer_key().model_dump_json().encode())
print(digest.hexdigest())
"""


def test_cohort_bytes_are_the_same_with_another_hash_seed(cohort, files, key):
    digest = hashlib.sha256()
    for name, content in files.items():
        digest.update(name.encode() + content)
    for content in cohort.follow_up():
        digest.update(content)
    digest.update(key.model_dump_json().encode())
    for seed in ("4242",):
        answer = subprocess.run(
            [sys.executable, "-c", DIGEST],
            env=os.environ | {"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        )
        assert answer.stdout.strip() == digest.hexdigest()


def test_cohort_bytes_are_the_same_with_the_key_made_first(recipe, files, key):
    again = build_cohort(recipe, make_variant("open-archive", "asha"))
    assert again.answer_key() == key
    assert dict(again.instances()) == files
    assert dict(again.instances()) == files


def test_cohort_bytes_and_key_are_the_same_without_notes(recipe, files, key):
    again = build_cohort(recipe, make_variant("open-archive", "asha"))
    assert dict(again.instances(collect=False)) == files
    assert again.answer_key() == key


def test_cohort_count_is_known_before_any_file_is_made(recipe, files):
    assert build_cohort(recipe, make_variant("open-archive", "asha")).count == len(files)


HOSPITALS = ("district-hospital", "district-hospital-standard", "clinique", "community-hospital")


@pytest.mark.parametrize("name", HOSPITALS)
def test_identifiers_of_1000_students_are_disjoint(name):
    recipe, canaries, known = load_recipe(name), Canaries(), []
    for number in range(1000):
        people = draw_people(recipe, make_variant(name, f"student{number}"), recipe.most_studies)
        for person in people:
            found = person.identifiers
            assert {person.name, person.phone, person.contact_phone, person.fax, person.address} <= found
            assert {person.national_number, person.record_number, person.email, person.contact_name} <= found
        canaries.add(
            f"student{number}", [identifier for person in people for identifier in person.identifiers]
        )  # raises if shared
        known.append(people[number % len(people)])
    assert len(canaries) >= 14 * 1000 * recipe.most_studies
    for number, person in enumerate(known):
        for token in person.identifiers:
            assert canaries.student_of(token.upper()) == f"student{number}", token
    assert canaries.student_of("Nobody") is None
    with pytest.raises(ValueError, match="belongs to"):
        canaries.add("copycat", [known[0].phone])


@pytest.mark.parametrize("name", HOSPITALS)
def test_uids_of_students_are_disjoint(name):
    recipe, canaries = load_recipe(name), Canaries()
    for number in range(60):
        plan = make_plan(recipe, make_variant(name, f"student{number}"))
        canaries.add(f"student{number}", plan.canaries())
        study = plan.studies[-1]
        for found in (study.accession, study.series[0].instances[0].uid, plan.people[-1].email.upper()):
            assert canaries.student_of(found) == f"student{number}"
    assert len(canaries) > 300 * 60


@pytest.mark.parametrize("name", HOSPITALS)
def test_surname_alone_names_the_student(name):
    """Surnames are the student's own even without the given name: a series' description says no more."""
    recipe, owner = load_recipe(name), {}
    for number in range(150):
        for person in draw_people(recipe, make_variant(name, f"student{number}"), recipe.most_studies):
            assert owner.setdefault(person.family, number) == number
            assert person.native == "" or owner.setdefault(person.native.partition("^")[0], number) == number


def test_cohort_of_another_scenario_has_other_people(recipe):
    drawn = build_cohort(recipe, make_variant("open-archive", "asha")).plan.people
    other = build_cohort(recipe, make_variant("something-else", "asha")).plan.people
    assert not {person.national_number for person in drawn} & {person.national_number for person in other}
