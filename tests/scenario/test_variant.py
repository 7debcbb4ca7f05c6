"""Variants: the same inputs give the same values, other inputs give others, odd ids are refused."""

import pytest

from pacslab.errors import ScenarioError
from pacslab.scenario.variant import make_variant


def test_the_values_are_fixed_for_ever():
    stream = make_variant("open-archive", "asha").stream("people", 3)
    assert stream.bytes(8).hex() == "c2b163cf53c9e86c"


def test_students_scenarios_and_keys_differ():
    draws = {
        make_variant(scenario, student, key).stream("x").bytes(16)
        for scenario in ("open-archive", "other")
        for student in ("asha", "ravi")
        for key in (b"one", b"two")
    }
    assert len(draws) == 8


def test_student_and_scenario_cannot_be_shifted_into_each_other():
    assert make_variant("bc", "a").seed != make_variant("c", "ab").seed


@pytest.mark.parametrize("student", ["", "a/b", "../x", "a b", "-a", "a" * 65, "å", "a\n", "a;rm"])
def test_odd_student_ids_are_refused_with_the_rule(student):
    with pytest.raises(ScenarioError, match="letters, digits"):
        make_variant("open-archive", student)


@pytest.mark.parametrize("student", ["a", "asha.k@example.org", "21-0042_b"])
def test_usual_student_ids_are_taken(student):
    assert make_variant("open-archive", student).student == student


def test_below_stays_in_its_range_and_reaches_all_of_it():
    stream = make_variant("s", "s").stream("range")
    assert {stream.below(5) for _ in range(400)} == set(range(5))
