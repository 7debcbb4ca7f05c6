"""Variants: the same inputs give the same values, other inputs give others, odd ids are refused."""

import pytest

from pacslab.errors import ScenarioError
from pacslab.scenario.variant import make_variant


def test_variant_values_are_fixed():
    stream = make_variant("open-archive", "asha").stream("people", 3)
    assert stream.bytes(8).hex() == "c2b163cf53c9e86c"


def test_variant_differs_by_student_scenario_and_key():
    draws = {
        make_variant(scenario, student, key).stream("x").bytes(16)
        for scenario in ("open-archive", "other")
        for student in ("asha", "ravi")
        for key in (b"one", b"two")
    }
    assert len(draws) == 8


def test_variant_student_and_scenario_are_kept_apart():
    assert make_variant("bc", "a").seed != make_variant("c", "ab").seed


@pytest.mark.parametrize("student", ["", "a/b", "../x", "a b", "-a", "a" * 65, "å", "a\n", "a;rm"])
def test_variant_odd_student_id_is_refused_with_the_rule(student):
    with pytest.raises(ScenarioError, match="letters, digits"):
        make_variant("open-archive", student)


@pytest.mark.parametrize("student", ["a", "asha.k@example.org", "21-0042_b"])
def test_variant_usual_student_id_is_taken(student):
    assert make_variant("open-archive", student).student == student


def test_variant_below_covers_its_range():
    stream = make_variant("s", "s").stream("range")
    assert {stream.below(5) for _ in range(400)} == set(range(5))
