"""Answers are compared by what they mean."""

import pytest

from pacslab.grading.answers import same_answer


@pytest.mark.parametrize(
    ("answer", "expected", "compare"),
    [
        (14, "14", "number"),
        ("14 ", "14", "number"),
        (1204.0, "1,204", "number"),
        ("Rao^Asha", "Asha Rao", "name"),
        ("rao, asha", "Asha Rao", "name"),
        ("Dr. Asha  RAO", "Asha Rao", "name"),
        ("+91 98765-43210", "9876543210", "digits"),
        ("archive", "ARCHIVE", "text"),
        ("Hypertrophic cardiomyopathy.", "hypertrophic  Cardiomyopathy", "text"),
    ],
)
def test_answer_in_other_words_is_right(answer, expected, compare):
    assert same_answer(answer, expected, compare)


@pytest.mark.parametrize(
    ("answer", "expected", "compare"),
    [
        (13, "14", "number"),
        ("fourteen", "14", "number"),
        ("Rao", "Asha Rao", "name"),
        ("", "Asha Rao", "name"),
        ("3210", "9876543210", "digits"),
        ("", "9876543210", "digits"),
        ("", "ARCHIVE", "text"),
        ("cardiomyopathy", "Hypertrophic cardiomyopathy", "text"),
        (["x"], "14", "number"),
    ],
)
def test_answer_that_is_wrong_is_wrong(answer, expected, compare):
    assert not same_answer(answer, expected, compare)
