from .answers import same_answer
from .course.course import COURSE_FILE, SECRET_FOLDER, init_course, read_course
from .course.roster import Student, read_roster
from .gradebook.gradebook import GradingRequest, find_roster, grade_class
from .gradebook.nbgrader_otter import write_otter_tests, write_to_nbgrader
from .gradebook.outputs import write_outputs
from .handin.progress import Score, changing_progress, read_progress, score_progress
from .handin.submission import Receipt, write_submission
from .handin.ticket import find_ticket, read_ticket, variant_for, write_tickets
from .handin.timeline import first_seal, record_event
from .judging import (
    Verdict,
    audit_output,
    judge_answer,
    judge_deid,
    judge_probes,
    judge_release,
    objectives_of,
)
from .replay.config_allowlist import replayable
from .replay.configuration_files import read_configuration_files
from .selftest.reference_fix import write_reference_fix
from .selftest.rehearsal import make_rehearsal
from .selftest.sample_submissions import make_submission, submission_profiles

__all__ = [
    "COURSE_FILE",
    "SECRET_FOLDER",
    "GradingRequest",
    "Receipt",
    "Score",
    "Student",
    "Verdict",
    "audit_output",
    "changing_progress",
    "find_roster",
    "find_ticket",
    "first_seal",
    "grade_class",
    "init_course",
    "judge_answer",
    "judge_deid",
    "judge_probes",
    "judge_release",
    "make_rehearsal",
    "make_submission",
    "objectives_of",
    "read_configuration_files",
    "read_course",
    "read_progress",
    "read_roster",
    "read_ticket",
    "record_event",
    "replayable",
    "same_answer",
    "score_progress",
    "submission_profiles",
    "variant_for",
    "write_otter_tests",
    "write_outputs",
    "write_reference_fix",
    "write_submission",
    "write_tickets",
    "write_to_nbgrader",
]
