"""What the instructors' guide says to type can be typed: each command, option, file and name in it exists."""

import re
import shlex

import click
import pytest

from pacslab.cli.main import cli
from pacslab.grading import COURSE_FILE, init_course, read_course, read_roster, write_tickets
from pacslab.paths import shipped
from pacslab.scenario import load_scenario
from tests.support.instructor_guide import GUIDE

TYPED = re.findall(r"(?:^ {4,}|`)(pacslab [a-z][^`\n]*)", GUIDE, re.MULTILINE)
EXAM = GUIDE.partition("## An exam")[2].partition("\n## ")[0]


@pytest.mark.parametrize("line", sorted(set(TYPED)))
def test_guide_commands_exist_with_their_options(line):
    command, words = cli, shlex.split(line)[1:]
    while isinstance(command, click.Group):
        assert words[0] in command.commands, line
        command, words = command.commands[words[0]], words[1:]
    if any(word.startswith("-") for word in words):
        command.make_context("pacslab", words).close()


def test_guide_has_commands_to_type():
    assert len(set(TYPED)) > 8


@pytest.mark.parametrize("name", sorted(set(re.findall(r"`((?:samples|rubrics|fixes|solutions)/[\w./-]*)`", GUIDE))))
def test_guide_files_exist(name):
    assert (shipped("instructor") / name).exists()


@pytest.mark.parametrize("lab", sorted(set(re.findall(r"`(0\d_\w+)`", GUIDE))))
def test_guide_labs_exist(lab):
    assert (shipped("labs") / f"{lab}.ipynb").is_file()


def test_guide_exam_settings_are_settings_of_a_course(tmp_path):
    """As an instructor types them from the page, and nothing then waits for marking."""
    init_course(tmp_path, "exam-2026", "Exam", ("open-archive",))
    path = tmp_path / COURSE_FILE
    text = path.read_text(encoding="utf-8")
    for setting in ("counts", "cost", "grace_minutes"):
        (value,) = re.findall(rf"`({setting} = [^`]+)`", EXAM)
        text, times = re.subn(rf"^{setting} = \S+", value, text, flags=re.MULTILINE)
        assert times == 1
    marks = re.findall(r"`((?:risk|disclosure-letter) = 0)`", EXAM)
    path.write_text(text + "\n".join(["[scenarios.points]", *marks]) + "\n", encoding="utf-8")
    course = read_course(tmp_path)
    assert (course.counts, course.hints.cost, course.late.grace_minutes) == ("last", 3.0, 5)
    written = {objective.id for objective in load_scenario("open-archive").written}
    assert course.scenarios[0].points == dict.fromkeys(written, 0.0)


def test_guide_late_enrolment_changes_nobodys_patients(tmp_path):
    course = init_course(tmp_path / "c", "pacs-2026", "PACS", ("open-archive",))
    roster = tmp_path / "roster.csv"
    roster.write_bytes((shipped("instructor") / "samples" / "roster.csv").read_bytes())
    before = write_tickets(course, roster, tmp_path / "tickets")
    seeds = {student: _seeds(path) for student, path in before.items()}
    roster.write_text(roster.read_text("utf-8") + '"Late, Fay",106,S-106,fay,Morning\n', encoding="utf-8")
    after = write_tickets(course, roster, tmp_path / "tickets")
    assert set(after) == {*before, "fay"} == {student.id for student in read_roster(roster)}
    assert {student: _seeds(after[student]) for student in before} == seeds


def _seeds(path):
    from pacslab.grading import read_ticket  # noqa: PLC0415

    return read_ticket(path.read_text(encoding="utf-8").strip()).seeds
