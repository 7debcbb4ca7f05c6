"""A rehearsal: a course of five invented students and what they handed in, to see what grading does before it counts.

The course's key is fixed and public, so that everybody gets the same class; no real course may use it.
"""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import replace
from typing import TYPE_CHECKING

from pacslab.grading.course.course import COURSE_FILE, init_course, read_course
from pacslab.grading.course.roster import read_roster
from pacslab.grading.selftest.edited_zips import added, replaced
from pacslab.grading.selftest.sample_submissions import SubmissionProfile, make_submission, submission_profiles
from pacslab.paths import shipped

if TYPE_CHECKING:
    from pathlib import Path

_KEY = hashlib.sha256(b"pacslab rehearsal: nobody is graded with this key").digest()
_DUE = "2026-11-20T23:59:00+01:00"
SAMPLES = "samples"


def make_rehearsal(folder: Path) -> list[Path]:
    """Make the course, its class list and the submissions in a new folder, and return the submissions.

    Excellent, partial (late, with hints, one fix and one identifier missed), broken (not JSON, nothing de-identified),
    copied (the excellent one's file, uploaded again), hostile (a ZIP file that wants to write elsewhere).

    Raises
    ------
    CourseError
        If the folder holds a course already.

    """
    init_course(folder, "rehearsal", "PACS Lab, rehearsal", ("open-archive",), course_key=_KEY)
    path = folder / COURSE_FILE
    text = path.read_text(encoding="utf-8").replace("# due = 2026-11-30T23:59:00+01:00", f"due = {_DUE}")
    path.write_text(text, encoding="utf-8")
    course = read_course(folder)
    shutil.copyfile(shipped("instructor") / SAMPLES / "roster.csv", folder / "roster.csv")
    students = {student.id: student for student in read_roster(folder / "roster.csv")}
    known = submission_profiles()
    comma = b'{\n  "Name" : "Jan Arogya District Hospital"\n  "AuthenticationEnabled" : true\n}\n'
    made: dict[str, SubmissionProfile] = {
        "ada": known["perfect"],
        "ben": replace(
            known["titles believed"],
            leak="comment",
            fails=frozenset({"free_text"}),
            hints={"prominent-patient": 2, "close-web": 1},
            wrong=frozenset({"report-phone"}),
            days_late=1.5,
        ),
        "chloe": SubmissionProfile(
            "not JSON", leak="nothing", spoil=replaced("configuration/orthanc.json", comma), started=False
        ),
        "eve": SubmissionProfile("hostile", spoil=added(("../../outside.txt", b"x")), readable=False),
    }
    submissions = folder / "submissions"
    submissions.mkdir()
    written = {
        name: make_submission(course, students[name], profile, submissions).path for name, profile in made.items()
    }
    # Dan uploads Ada's file; the learning platform names it after him.
    copied = submissions / f"weberdan_{students['dan'].lms}_77001_open-archive-ada.zip"
    shutil.copyfile(written["ada"], copied)
    return [*written.values(), copied]
