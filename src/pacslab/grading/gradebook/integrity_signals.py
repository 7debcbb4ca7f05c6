"""Signals of integrity: evidence for an instructor to look at, and never a verdict.

A national number or a UID belongs to the cohort of a single student, so its place shows the origin of the data. Names
can coincide, so a name counts only as an answer that is right for exactly one other student.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from pacslab.cohort import Canaries
from pacslab.grading.answers import same_answer
from pacslab.grading.gradebook.points import Signal
from pacslab.pacs import cohort_of
from pacslab.scenario import AnswerCheck, make_variant

if TYPE_CHECKING:
    from pacslab.grading.course.course import Course
    from pacslab.grading.course.roster import Student
    from pacslab.grading.replay.facts import Replay
    from pacslab.scenario import Scenario

_SHOWN = 3


def canaries_of(course: Course, scenario: Scenario, roster: tuple[Student, ...]) -> Canaries:
    """Return the owner of every national number and UID of a class; a few milliseconds a student.

    Raises
    ------
    CourseError
        If the course's secret cannot be used.

    """
    key = course.course_key()
    canaries = Canaries()
    for student in roster:
        plan = cohort_of(scenario, make_variant(scenario.id, student.id, key)).plan
        identifiers = {person.national_number for person in plan.people}
        for study in plan.studies:
            identifiers |= {study.uid, *(series.uid for series in study.series)}
            identifiers |= {instance.uid for series in study.series for instance in series.instances}
        canaries.add(
            student.id, [identifier for identifier in sorted(identifiers) if canaries.student_of(identifier) is None]
        )
    return canaries


def foreign_data(student: str, replay: Replay, canaries: Canaries) -> list[Signal]:
    """Return a signal for each student whose data turned up in a submission of somebody else."""
    places: dict[str, dict[str, str]] = defaultdict(dict)
    for where, tokens in replay.traces.items():
        for token in tokens:
            owner = canaries.student_of(token)
            if owner is not None and owner != student:
                places[owner].setdefault(where, token)
    signals = []
    for owner, found in sorted(places.items()):
        shown = "; ".join(f"{token} in {where}" for where, token in list(found.items())[:_SHOWN])
        signals.append(
            Signal(
                kind="canary",
                words=f"holds data of {owner!r}'s own patients: {shown} ({len(found)} places)",
                others=(owner,),
            )
        )
    return signals


def borrowed_answers(student: str, scenario: Scenario, replays: dict[str, list[Replay]]) -> list[Signal]:
    """Return a signal for each answer that is wrong for this student and right for exactly one other."""
    found: dict[str, list[str]] = defaultdict(list)
    checks = {
        objective.id: objective.check
        for objective in scenario.objectives
        if isinstance(objective.check, AnswerCheck) and objective.check.fact
    }
    facts = {other: kept[0].facts for other, kept in replays.items() if kept and kept[0].facts}
    for replay in replays.get(student, []):
        for name, check in checks.items():
            answer = replay.answers.get(name, "").strip()
            fact = str(check.fact)
            if check.compare not in {"name", "digits"} or not answer or fact not in replay.facts:
                continue
            if same_answer(answer, replay.facts[fact], check.compare):
                continue
            owners = [
                other
                for other, known in facts.items()
                if other != student and fact in known and same_answer(answer, known[fact], check.compare)
            ]
            if len(owners) == 1:
                found[owners[0]].append(name)
    return [
        Signal(
            kind="answer",
            words=f"gives the right answers of {owner!r}: {', '.join(sorted(set(names)))}",
            others=(owner,),
        )
        for owner, names in sorted(found.items())
    ]


def shared_secrets(replays: dict[str, list[Replay]]) -> dict[str, list[Signal]]:
    """Return for each student a signal for every password or private key that another student has, too."""
    owners: dict[str, dict[str, str]] = defaultdict(dict)
    for student, kept in replays.items():
        for replay in kept:
            for where, fingerprint in replay.fingerprints.items():
                owners[fingerprint].setdefault(student, where)
    signals: dict[str, list[Signal]] = defaultdict(list)
    for places in owners.values():
        for student, where in places.items():
            others = tuple(sorted(set(places) - {student}))
            if others:
                words = f"{where} is the same as that of {', '.join(map(repr, others[:_SHOWN]))}"
                signals[student].append(Signal(kind="secret", words=words, others=others))
    return dict(signals)


def timeline_signals(replay: Replay) -> list[Signal]:
    """Return signals for a timeline that was edited, or that cannot have been."""
    signals = [Signal(kind="time", words=words) for words in replay.timing.impossible]
    if replay.timing.broken_at is not None:
        signals.append(Signal(kind="chain", words=f"the timeline was changed at event {replay.timing.broken_at}"))
    return signals
