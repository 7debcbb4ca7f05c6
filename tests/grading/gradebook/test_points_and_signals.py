"""From facts to points, and what an instructor is shown beside them."""

from datetime import UTC, datetime, timedelta

import pytest

from pacslab.grading.course.course import init_course
from pacslab.grading.course.roster import Student
from pacslab.grading.gradebook.gradebook import counting_marked
from pacslab.grading.gradebook.integrity_signals import (
    borrowed_answers,
    canaries_of,
    foreign_data,
    shared_secrets,
    timeline_signals,
)
from pacslab.grading.gradebook.points import Mark, grade, written_answer
from pacslab.grading.replay.collect import gather
from pacslab.grading.replay.facts import Replay, Timing
from pacslab.grading.selftest.sample_submissions import SubmissionProfile, make_submission
from pacslab.pacs import cohort_of
from pacslab.probes import Assessment, Finding, Outcome, Side, probes_for
from pacslab.scenario import load_scenario, make_variant

ROSTER = (
    Student(id="anna", name="Müller, Anna", lms="101"),
    Student(id="ben", name="O'Neil, Ben", lms="102"),
    Student(id="carla", name="Carla Rossi", lms="103"),
)


@pytest.fixture(scope="module")
def scenario():
    return load_scenario("open-archive")


def findings(scenario, **outcomes):
    made = []
    for probe in probes_for(scenario):
        usual = Outcome.CLOSED if probe.side is Side.ATTACK else Outcome.WORKS
        made.append(
            Finding(
                id=probe.id,
                side=probe.side,
                title=probe.title,
                outcome=outcomes.get(probe.id.replace("-", "_"), usual),
                severity=probe.severity,
                evidence="seen",
                try_it="",
                explanation="",
                seconds=0.0,
            )
        )
    return Assessment(findings=tuple(made))


def facts(**changes):
    return Replay(key="k", sha256="0" * 64, scenario="open-archive", student="anna", runtime="process", **changes)


def points(made):
    return {objective.id: objective.points for objective in made.objectives}


def test_points_for_an_attack_need_a_working_clinic(scenario, course):
    good = grade(ROSTER[0], scenario, course, facts(assessment=findings(scenario)))
    broken = grade(
        ROSTER[0], scenario, course, facts(assessment=findings(scenario, clinic_workstation_finds=Outcome.BROKEN))
    )
    assert points(good)["close-web"] == 10
    assert points(broken)["close-web"] == 0
    assert "the hospital cannot work" in next(
        objective.message for objective in broken.objectives if objective.id == "close-web"
    )


def test_points_are_not_lost_by_a_failure_of_the_lab(scenario, course):
    failed = facts(assessment=findings(scenario, clinic_scanner_stores=Outcome.LAB_FAILURE))
    made = grade(ROSTER[0], scenario, course, failed)
    assert made.state == "grade again"
    assert next(objective for objective in made.objectives if objective.id == "close-web").reached is None
    assert grade(ROSTER[0], scenario, course, facts(failure="no disk")).state == "grade again"


def test_points_of_a_wrong_answer_do_not_show_the_right_one(scenario, course):
    """Feedback comes before the last submission, and the best one may count."""
    replay = facts(facts={"patient_count": "4711"}, answers={"patient-count": "12"})
    given = next(
        objective
        for objective in grade(ROSTER[0], scenario, course, replay).objectives
        if objective.id == "patient-count"
    )
    assert (given.points, given.message) == (0, "'12' is not the answer.")
    assert "4711" not in given.model_dump_json()


def test_points_for_hints_stop_at_the_objectives_worth(scenario, course):
    dear = course.model_copy(update={"hints": course.hints.model_copy(update={"cost": 4.0})})
    replay = facts(assessment=findings(scenario), hints={"close-web": 3, "close-find": 1, "archive-title": 99})
    made = points(grade(ROSTER[0], scenario, dear, replay))
    assert (made["close-web"], made["close-find"], made["archive-title"]) == (0, 6, 0)


def test_points_of_written_answers_wait_for_marks(scenario, course):
    report = (
        "# The open archive\n\n## What it cost\n<!-- task -->\nThe worst was ...\n\n## A letter to the hospital\n\n"
    )
    replay = facts(written=report)
    made = grade(ROSTER[0], scenario, course, replay)
    assert [objective.points for objective in made.written] == [None, 0.0]
    assert made.written[0].text == "The worst was ..."
    assert len(made.unmarked) == 1
    marked = grade(
        ROSTER[0], scenario, course, replay, marks={"risk": Mark(points=99, comment="Good."), "x": Mark(points=1)}
    )
    assert marked.written[0].points == 10
    assert marked.points == made.points + 10
    assert written_answer("no headings at all", "What it cost") == ""


def test_points_of_a_worthless_written_answer_do_not_wait(scenario, course):
    free = course.model_copy(update={"scenarios": (course.scenarios[0].model_copy(update={"points": {"risk": 0.0}}),)})
    replay = facts(written="## What it cost\nThe worst was ...\n")
    assert len(grade(ROSTER[0], scenario, course, replay).unmarked) == 1
    assert grade(ROSTER[0], scenario, free, replay).unmarked == ()


def sent(grade_, hours, score):
    moment = datetime(2026, 11, 1, tzinfo=UTC) + timedelta(hours=hours)
    objective = grade_.objectives[0].model_copy(update={"points": score, "reached": True})
    return grade_.model_copy(update={"sent": moment, "objectives": (objective,), "file": f"{hours}.zip"})


def test_submission_best_or_last_counts(scenario, course):
    nothing = grade(ROSTER[0], scenario, course, facts())
    several = [sent(nothing, 1, 3.0), sent(nothing, 2, 5.0), sent(nothing, 3, 1.0)]
    best = [student_grade.file for student_grade in counting_marked(several, course) if student_grade.counts]
    last = [
        student_grade.file
        for student_grade in counting_marked(several, course.model_copy(update={"counts": "last"}))
        if student_grade.counts
    ]
    assert (best, last) == (["2.zip"], ["3.zip"])


def test_signal_canary_names_the_owner_of_the_data(scenario, course):
    canaries = canaries_of(course, scenario, ROSTER)
    plan = cohort_of(scenario, make_variant("open-archive", "ben", course.course_key())).plan
    number, uid = plan.people[3].national_number, plan.studies[2].uid
    replay = facts(traces={"an answer": (number,), "the output 'image-1.dcm'": (uid, "1.2.840.10008.1.2.1")})
    signals = foreign_data("anna", replay, canaries)
    assert [signal.others for signal in signals] == [("ben",)]
    assert number in signals[0].words
    assert "image-1.dcm" in signals[0].words
    assert foreign_data("ben", replay, canaries) == []


def test_signal_answers_of_another_student_are_named(scenario):
    own = {"report_phone": "+91 22 5550 0001", "prominent_name": "Asha Rao", "asked_number_owner": "B C"}
    other = {"report_phone": "+91 22 5550 9999", "prominent_name": "Ravi Das", "asked_number_owner": "D E"}
    copied = facts(facts=own, answers={"report-phone": "22 5550 9999", "prominent-patient": "Das, Ravi"})
    signals = borrowed_answers("anna", scenario, {"anna": [copied], "ben": [facts(facts=other)]})
    assert [(signal.kind, signal.others) for signal in signals] == [("answer", ("ben",))]
    assert "report-phone" in signals[0].words
    honest = facts(facts=own, answers={"report-phone": "22 5550 0001", "prominent-patient": "somebody"})
    assert borrowed_answers("anna", scenario, {"anna": [honest], "ben": [facts(facts=other)]}) == []


def test_signal_shared_password_is_shown_to_both_sides():
    mine, theirs = facts(fingerprints={"the password of 'x'": "f" * 32}), facts(fingerprints={"another": "f" * 32})
    alone = facts(fingerprints={"the password of 'x'": "a" * 32})
    signals = shared_secrets({"anna": [mine, mine], "ben": [theirs], "carla": [alone]})
    assert set(signals) == {"anna", "ben"}
    assert signals["anna"][0].others == ("ben",)


def test_signal_edited_chain_takes_no_point(scenario, course):
    replay = facts(timing=Timing(broken_at=3, impossible=("event 2 is dated before event 1",)))
    assert [signal.kind for signal in timeline_signals(replay)] == ["time", "chain"]
    honest = grade(ROSTER[0], scenario, course, facts())
    assert grade(ROSTER[0], scenario, course, replay).points == honest.points


@pytest.fixture
def handed_in(course, tmp_path):
    def make(student, name, content=None):
        path = tmp_path / "in" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        made = make_submission(course, student, SubmissionProfile("perfect", leak="nothing"), tmp_path).path
        path.write_bytes(content or made.read_bytes())
        return path

    return make


@pytest.mark.parametrize(
    ("name", "student"),
    [
        ("open-archive-anna.zip", "anna"),
        ("oneilben_102_5551212_open-archive-anna.zip", "ben"),
        ("oneilben_LATE_102_5551212_open-archive-anna.zip", "ben"),
        ("Carla Rossi_4711_assignsubmission_file_/open-archive-anna.zip", "carla"),
        ("Ben O'Neil_4711_assignsubmission_file_/x.zip", "ben"),
        ("ben/x.zip", "ben"),
        ("group a/x.zip", "anna"),
    ],
)
def test_submission_owner_is_read_from_platform_names(course, handed_in, tmp_path, name, student):
    handed_in(ROSTER[0], name)
    found = gather(tmp_path / "in", course, ROSTER)
    assert [signal.student for signal in found] == [student]
    foreign = any("with the ticket of 'anna'" in words for words in found[0].signals)
    assert foreign is (student != "anna")


def test_signal_ticket_of_another_course_is_still_graded(course, tmp_path):
    other = init_course(tmp_path / "other", "pacs-2026", "PACS, autumn", ("open-archive",))
    (tmp_path / "in").mkdir()
    make_submission(other, ROSTER[0], SubmissionProfile("perfect", leak="nothing"), tmp_path / "in")
    found = gather(tmp_path / "in", course, ROSTER)[0]
    assert (found.student, found.problem) == ("anna", "")
    assert found.signals == ["the ticket in it was not signed by this course"]


def test_submission_of_somebody_off_the_roster_is_listed(course, handed_in, tmp_path):
    handed_in(Student(id="mallory", name="Mallory"), "x.zip")
    found = gather(tmp_path / "in", course, ROSTER)[0]
    assert "not on the class list" in found.problem


def test_late_submission_follows_the_instructors_table(course, handed_in, tmp_path):
    handed_in(ROSTER[0], "x.zip")
    (tmp_path / "in" / "received.csv").write_text("file,received\nx.zip,2026-12-24T10:00:00+01:00\n")
    assert gather(tmp_path / "in", course, ROSTER)[0].sent.isoformat() == "2026-12-24T10:00:00+01:00"
    (tmp_path / "in" / "received.csv").write_text("file,received\nx.zip,yesterday\n")
    with pytest.raises(Exception, match="line 2"):
        gather(tmp_path / "in", course, ROSTER)
