"""A class of invented students: how each submission was made, and the grade that follows from it."""

import json

from pacslab.grading.classroom import make_submission, manners
from pacslab.grading.course import COURSE_FILE, init_course, read_course
from pacslab.grading.gradebook import grade_class
from pacslab.grading.hostile import hostile_manners
from pacslab.grading.roster import Student

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
    """Students, one for each manner, and what they handed in."""

    def __init__(self, folder, names):
        known = {**manners(), **hostile_manners()}
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

    def grade(self, runtime, to="grades", course=None, **options):
        return grade_class(
            self.submissions, course or self.course, self.roster, self.folder / to, runtime=runtime, **options
        )

    def wrong(self, book):
        """Return by manner every objective whose points are not those that follow from how the work was made."""
        found = {}
        for grade in book.counting():
            made = self.made[grade.student]
            for one in grade.objectives:
                if one.points != made.points[one.id]:
                    reasons = (one.message, *one.reasons, *grade.problems)
                    found[f"{made.manner.name}: {one.id}"] = (made.points[one.id], one.points, reasons)
        return found


def points_of(book):
    return {one.student: (one.points, one.state) for one in book.counting()}


def everything_but_time(book):
    """Return all that a grade says but how long looking took."""
    return json.dumps([one.model_dump(mode="json") for one in book.grades], sort_keys=True, default=str)
