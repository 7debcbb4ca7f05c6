"""A class of invented students: how each submission was made, and the grade that follows from it."""

import json
import re
from multiprocessing import active_children
from pathlib import Path

from pacslab.grading.course.course import COURSE_FILE, init_course, read_course
from pacslab.grading.course.roster import Student
from pacslab.grading.gradebook.gradebook import GradingRequest, grade_class
from pacslab.grading.selftest.sample_submissions import make_submission, submission_profiles
from pacslab.pacs import lab_id, ready_runtimes
from tests.support.hostile_submissions import hostile_profiles

DUE = "2026-11-20T23:59:00+01:00"


def new_course(folder, **changes):
    init_course(folder, "pacs-2026", "PACS, autumn", ("open-archive",))
    path = folder / COURSE_FILE
    text = path.read_text(encoding="utf-8").replace("# due = 2026-11-30T23:59:00+01:00", f"due = {DUE}")
    for before, after in changes.items():
        text = text.replace(before, after)
    path.write_text(text, encoding="utf-8")
    return read_course(folder)


class Class:
    """Students, one for each profile, and what they handed in."""

    def __init__(self, folder, names):
        known = {**submission_profiles(), **hostile_profiles()}
        self.course = new_course(folder)
        self.roster = tuple(
            Student(id=f"s{number:02}", name=f"Student, {name}") for number, name in enumerate(names, start=1)
        )
        self.submissions = folder / "submissions"
        self.submissions.mkdir()
        self.folder = folder
        self.made = {
            student.id: make_submission(self.course, student, known[name], self.submissions, neighbour=self.roster[0])
            for student, name in zip(self.roster, names, strict=True)
        }

        self.passwords = Path("/etc/passwd").read_bytes()

    def grade(self, runtime, to="grades", course=None, **options):
        return grade_class(
            GradingRequest(
                self.submissions, course or self.course, self.roster, self.folder / to, runtime=runtime, **options
            )
        )

    def wrong(self, book):
        """Return by profile every objective whose points are not those that follow from how the work was made."""
        found = {}
        for grade in book.counting():
            made = self.made[grade.student]
            for objective in grade.objectives:
                if objective.points != made.points[objective.id]:
                    reasons = (objective.message, *objective.reasons, *grade.problems)
                    found[f"{made.profile.name}: {objective.id}"] = (
                        made.points[objective.id],
                        objective.points,
                        reasons,
                    )
        return found

    def left_by(self, to="grades"):
        """Return what grading has left: servers, workers, scratch files, and what hostile ones wrote elsewhere."""
        scratch = self.folder / to / "scratch"
        left = [scratch] if scratch.exists() else []
        labs = [lab_id((scratch / str(number) / "state").resolve()) for number in range(8)]
        left += [deployment for runtime in ready_runtimes() for lab in labs for deployment in runtime.deployments(lab)]
        left += active_children()
        places = {Path("/"), Path("/etc"), Path("/tmp"), Path.cwd(), Path.home(), self.folder.parent}
        left += [found for place in places for found in place.glob("*outside*") if found.is_file()]
        left += list(self.folder.rglob("*outside*"))
        changed = Path("/etc/passwd").read_bytes() != self.passwords
        return left + ["/etc/passwd"] * changed


def everything_but_time(book):
    """Return all that a grade says but how long looking took."""
    return json.dumps([grade.model_dump(mode="json") for grade in book.grades], sort_keys=True, default=str)


def seen_of(book, students):
    """Return, as lines of JSON, the grades of some students and all that was seen of their work.

    What differs from one deployment to the next is left out: how long it took, and the address of the loopback network.
    Signals, too: they compare a submission with those that were handed in beside it.
    """
    grades = [grade for grade in book.counting() if grade.student in students]
    seen = [grade.model_dump(mode="json", exclude={"signals"}) for grade in grades]
    seen += [book.replays[grade.key].model_dump(mode="json") for grade in grades if grade.key]
    text = json.dumps([_without_times(record) for record in seen], sort_keys=True, indent=1)
    return re.sub(r"\b127(?:\.\d{1,3}){3}\b", "ADDRESS", text).splitlines()


def _without_times(content):
    if isinstance(content, dict):
        return {name: _without_times(value) for name, value in content.items() if name != "seconds"}
    return [_without_times(item) for item in content] if isinstance(content, list) else content
