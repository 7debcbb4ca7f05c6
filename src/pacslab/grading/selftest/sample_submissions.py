"""Invented students: submissions of which it is known how they were made, and so what they must earn.

The sample submissions for instructors are made here, and so are the classes by which the grader itself is proven.
"""

from __future__ import annotations

import io
import json
import shutil
import tempfile
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pydicom
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from pacslab.cohort import GENERATOR_VERSION
from pacslab.deid import deidentify_study
from pacslab.grading.answers import same_answer
from pacslab.grading.course.course import now
from pacslab.grading.handin.submission import (
    CONFIGURATION_FOLDER,
    DEID_FOLDER,
    REPORT_FILE,
    ObjectiveState,
    SubmissionNote,
    pack,
)
from pacslab.grading.handin.ticket import issue_ticket
from pacslab.grading.handin.timeline import chain, first_seal
from pacslab.grading.selftest.reference_fix import write_reference_fix
from pacslab.pacs import CONFIGURATION_FILE, HANDOVER_FILE, cohort_of, exercise_files, parse_configuration
from pacslab.scenario import AnswerCheck, DeidObjective, ProbeCheck, Scenario, load_scenario, make_variant
from pacslab.version import __version__

if TYPE_CHECKING:
    from collections.abc import Callable

    from pacslab.cohort import AnswerKey
    from pacslab.grading.course.course import Course
    from pacslab.grading.course.roster import Student
    from pacslab.scenario import Variant

Options = dict[str, Any]


@dataclass(frozen=True)
class SubmissionProfile:
    """How a submission is made, and what follows from it.

    ``options`` change the reference fix (a function gets the option's value there); ``exposes`` are the attack probes
    that succeed then, ``clinic`` whether the hospital still works, ``started`` whether the grader may start it.
    ``leak`` names what is spoilt in the de-identified study, ``fails`` the audit's checks that see it. ``wrong`` are
    objectives answered wrongly, ``release`` is what is chosen to be released, unless the one that is suggested.
    ``readable`` says whether the ZIP file can be read at all.
    """

    name: str
    options: Options = field(default_factory=dict)
    shipped: bool = False
    handover: str = ""
    exposes: frozenset[str] = frozenset()
    clinic: bool = True
    started: bool = True
    leak: str = ""
    fails: frozenset[str] = frozenset()
    wrong: frozenset[str] = frozenset()
    release: str = ""
    hints: dict[str, int] = field(default_factory=dict)
    days_late: float = -1.0
    copies: bool = False
    empty: bool = False
    spoil: Callable[[Path], None] | None = None
    readable: bool = True


@dataclass(frozen=True)
class SampleSubmission:
    """A submission, and the points by objective that it must earn before lateness."""

    student: Student
    profile: SubmissionProfile
    path: Path
    points: dict[str, float]


@dataclass(frozen=True)
class _Work:
    """What a student of the course has to work with."""

    key: AnswerKey
    originals: tuple[bytes, ...]
    cleaned: tuple[bytes, ...]


def make_submission(
    course: Course,
    student: Student,
    profile: SubmissionProfile,
    folder: Path,
    scenario_id: str = "open-archive",
    *,
    neighbour: Student | None = None,
    instances: int = 0,
) -> SampleSubmission:
    """Write a student's submission, made by a profile, and return it with what it must earn.

    Parameters
    ----------
    course, student, scenario_id
        Whose it is.
    profile
        How it is made.
    folder
        Where the ZIP file is written: ``<scenario>-<student>.zip``.
    neighbour
        Whose work is handed in, where the profile is to copy.
    instances
        How many de-identified instances at least; those of other studies fill up what the task's does not have.

    """
    scenario = load_scenario(scenario_id)
    key = course.course_key()
    worker = neighbour if profile.copies and neighbour else student
    work = _work(key, worker.id, scenario_id)
    target = folder / f"{scenario_id}-{student.id}.zip"
    due = course.scenario(scenario_id).due or now()
    sent = (due + timedelta(days=profile.days_late)).replace(microsecond=0)
    with tempfile.TemporaryDirectory() as place:
        files = [] if profile.empty else _files(Path(place), scenario, profile, work)
        files += _further(
            Path(place), scenario, make_variant(scenario_id, worker.id, key), instances - len(work.cleaned)
        )
        note = _note(course, student, scenario, profile, work.key, sent)
        pack(target, note, files)
    if profile.spoil is not None:
        profile.spoil(target)
    own = work if worker is student else _work(key, student.id, scenario_id)
    return SampleSubmission(
        student, profile, target, expected(course, scenario, profile, work.key.facts, own.key.facts)
    )


def expected(
    course: Course, scenario: Scenario, profile: SubmissionProfile, used: dict[str, str], own: dict[str, str]
) -> dict[str, float]:
    """Return the points by objective that follow from how a submission was made.

    ``used`` are the facts of the variant that was worked on, ``own`` those of the student's own: somebody else's
    answers earn only what happens to be the same, and somebody else's images are not the study that was given.
    """
    prices = course.scenario(scenario.id).points
    earned = {}
    for objective in scenario.objectives:
        out_of = prices.get(objective.id, float(objective.points))
        check = objective.check
        if not profile.readable or profile.empty:
            reached = False
        elif isinstance(check, AnswerCheck):
            same = check.fact is None or same_answer(used[check.fact], own[check.fact], check.compare)
            reached = objective.id not in profile.wrong and same
        elif isinstance(check, ProbeCheck):
            reached = profile.started and profile.clinic and not _exposed(profile, check)
        else:
            reached = used is own and profile.leak != "nothing" and not profile.fails.intersection(check.checks)
        taken = min(profile.hints.get(objective.id, 0), len(objective.hints))
        earned[objective.id] = max(0.0, out_of - taken * course.hints.cost) if reached else 0.0
    return earned


def _exposed(profile: SubmissionProfile, check: ProbeCheck) -> bool:
    return profile.shipped or bool(profile.exposes.intersection(check.closed))


@lru_cache(maxsize=8)
def _work(course_key: bytes, student: str, scenario_id: str) -> _Work:
    scenario = load_scenario(scenario_id)
    cohort = cohort_of(scenario, make_variant(scenario_id, student, course_key))
    key = cohort.questions()
    checks = [objective.check for objective in scenario.objectives if isinstance(objective.check, DeidObjective)]
    if not checks:
        return _Work(key, (), ())
    uid = key.facts[checks[0].study]
    study = next(study for study in cohort.plan.studies if study.uid == uid)
    images = {instance.file_name for instance in key.study(uid).instances if not instance.document}
    originals = tuple(content for name, content in cohort.study_files(study) if name in images)
    with tempfile.TemporaryDirectory() as place:
        written = deidentify_study(originals, Path(place), secret=f"secret of {student}".encode().ljust(32)).written
        return _Work(key, originals, tuple(path.read_bytes() for path in written))


def _files(place: Path, scenario: Scenario, profile: SubmissionProfile, work: _Work) -> list[tuple[str, Path]]:
    """Write what is handed in, and return (name in the ZIP, file)."""
    contents: dict[str, bytes] = {}
    if profile.shipped:
        texts = {name: (scenario.folder / name).read_text(encoding="utf-8") for name in exercise_files(scenario)}
    else:
        texts = _fixed(place / "fix", scenario)
        options = parse_configuration(texts[CONFIGURATION_FILE], CONFIGURATION_FILE)
        for option, value in profile.options.items():
            options[option] = value(options.get(option)) if callable(value) else value
        texts[CONFIGURATION_FILE] = json.dumps(options, indent=1)
        texts[HANDOVER_FILE] = profile.handover or texts[HANDOVER_FILE]
    contents |= {f"{CONFIGURATION_FOLDER}/{name}": text.encode() for name, text in texts.items()}
    if profile.leak != "nothing":
        spoilt = _LEAKS[profile.leak](work) if profile.leak else list(work.cleaned)
        contents |= {f"{DEID_FOLDER}/image-{number:04d}.dcm": content for number, content in enumerate(spoilt, start=1)}
    written = [f"## {task.title}\n\nMy answer to: {task.task}\n" for task in scenario.written]
    contents[REPORT_FILE] = "\n".join([f"# {scenario.title}\n", *written]).encode()
    files = []
    for number, (name, content) in enumerate(contents.items()):
        path = place / str(number)
        path.write_bytes(content)
        files.append((name, path))
    return files


def _fixed(folder: Path, scenario: Scenario) -> dict[str, str]:
    """Return the files of the reference fix, certificates and all, beside what the scenario ships."""
    folder.mkdir()
    for name in exercise_files(scenario):
        shutil.copyfile(scenario.folder / name, folder / name)
    write_reference_fix(scenario.id, folder)
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8") for path in files}


def _further(place: Path, scenario: Scenario, variant: Variant, count: int) -> list[tuple[str, Path]]:
    """Write so many de-identified instances of other studies."""
    if count <= 0:
        return []
    contents = [content for _, content in islice(cohort_of(scenario, variant).instances(), 3 * count)]
    written = deidentify_study(contents, place / "more", secret=b"the secret of the further images").written[:count]
    return [(f"{DEID_FOLDER}/more-{number:04d}.dcm", path) for number, path in enumerate(written)]


def _note(  # noqa: PLR0917
    course: Course, student: Student, scenario: Scenario, profile: SubmissionProfile, key: AnswerKey, sent: datetime
) -> SubmissionNote:
    states: dict[str, ObjectiveState] = {}
    steps: list[tuple[datetime, str, str | None, str]] = [(sent - timedelta(hours=3), "start", None, "")]
    for number, objective in enumerate(scenario.objectives, start=1):
        moment = sent - timedelta(hours=3) + timedelta(minutes=8 * number)
        hints = min(profile.hints.get(objective.id, 0), len(objective.hints))
        steps += [(moment, "hint", objective.id, str(taken)) for taken in range(1, hints + 1)]
        if isinstance(objective.check, AnswerCheck) and not profile.empty:
            answer = (
                "0" if objective.id in profile.wrong else objective.check.equals or key.facts[str(objective.check.fact)]
            )
            if objective.check.compare == "release" and profile.release:
                answer = profile.release
            states[objective.id] = ObjectiveState(earned=True, attempts=1, hints=hints, answer=answer)
            steps.append((moment, "check", objective.id, "reached"))
        elif hints:
            states[objective.id] = ObjectiveState(hints=hints)
    steps.append((sent, "submit", None, ""))
    variant = make_variant(scenario.id, student.id, course.course_key())
    return SubmissionNote(
        pacslab=__version__,
        generator=GENERATOR_VERSION,
        scenario=scenario.id,
        student=student.id,
        ticket=issue_ticket(course, student, sent - timedelta(days=7)),
        sent=sent,
        objectives=states,
        timeline=chain(first_seal(variant.student, variant.scenario, variant.id), steps),
    )


# What can be spoilt in a de-identified study ---------------------------------------------------------------------


def _edited(content: bytes, change: Callable[[Any], None]) -> bytes:
    dataset = pydicom.dcmread(io.BytesIO(content))
    change(dataset)
    buffer = io.BytesIO()
    pydicom.dcmwrite(buffer, dataset, enforce_file_format=True)
    return buffer.getvalue()


def _with_original(keyword: str) -> Callable[[_Work], list[bytes]]:
    def spoil(work: _Work) -> list[bytes]:
        original = pydicom.dcmread(io.BytesIO(work.originals[0]))
        first = _edited(work.cleaned[0], lambda dataset: setattr(dataset, keyword, original.get(keyword)))
        return [first, *work.cleaned[1:]]

    return spoil


def _nested_name(work: _Work) -> list[bytes]:
    def put(dataset: Dataset) -> None:
        item = Dataset()
        item.RequestedProcedureDescription = _prominent(work)
        dataset.RequestAttributesSequence = Sequence([item])

    return [_edited(work.cleaned[0], put), *work.cleaned[1:]]


def _private_name(work: _Work) -> list[bytes]:
    def put(dataset: Dataset) -> None:
        dataset.private_block(0x0009, "INVENTED", create=True).add_new(0x01, "LO", _prominent(work))

    return [_edited(work.cleaned[0], put), *work.cleaned[1:]]


def _prominent(work: _Work) -> str:
    return next(patient for patient in work.key.patients if patient.prominent).name


def _darker(dataset: Any) -> None:
    pixels = bytearray(dataset.PixelData)
    middle = len(pixels) // 2
    for index in range(middle, middle + 4000):
        pixels[index] ^= 0x55
    dataset.PixelData = bytes(pixels)


def _brighter(dataset: Any) -> None:
    dataset.PixelData = bytes(min(255, value + 20) for value in dataset.PixelData)


def _without_flags(dataset: Any) -> None:
    del dataset.PatientIdentityRemoved
    del dataset.DeidentificationMethod


_LEAKS: dict[str, Callable[[_Work], list[bytes]]] = {
    "name": _with_original("PatientName"),
    "comment": _with_original("ImageComments"),
    "date": _with_original("StudyDate"),
    "uid": _with_original("StudyInstanceUID"),
    "picture": _with_original("PixelData"),
    "nested name": _nested_name,
    "private name": _private_name,
    "spoilt anatomy": lambda work: [_edited(work.cleaned[0], _darker), *work.cleaned[1:]],
    "brighter pictures": lambda work: [_edited(content, _brighter) for content in work.cleaned],
    "no flags": lambda work: [_edited(work.cleaned[0], _without_flags), *work.cleaned[1:]],
    "an image missing": lambda work: list(work.cleaned[1:]),
    "untouched": lambda work: list(work.originals),
}


# Profiles --------------------------------------------------------------------------------------------------------


def _service(modalities: Any) -> Any:
    return {**modalities, "SERVICE": {"AET": "SERVICE", "Host": "${SERVICE_HOST}", "Port": 4242}}


def _of_weakness(scenario: Scenario, weakness: str) -> frozenset[str]:
    return frozenset(next(entry.probes for entry in scenario.weaknesses if entry.id == weakness))


def submission_profiles(scenario_id: str = "open-archive") -> dict[str, SubmissionProfile]:
    """Return the profiles of ordinary students by name: perfect, each fix missing, each clinic broken, each leak."""
    scenario = load_scenario(scenario_id)
    clinics: dict[str, Options] = {
        "web closed to everybody": {"RemoteAccessAllowed": False},
        "web switched off": {"HttpServerEnabled": False},
        "DICOM switched off": {"DicomServerEnabled": False},
        "no device listed": {"DicomModalities": {}},
        "title changed and told nobody": {"DicomAet": "HIDDEN"},
        "passwords changed and told nobody": {
            "RegisteredUsers": {"radiologist": "nobody-knows-1", "administrator": "x-2"}
        },
    }
    missing: dict[str, tuple[Options, frozenset[str]]] = {
        "no password": ({"AuthenticationEnabled": False}, _of_weakness(scenario, "web-without-password")),
        "open search": ({"DicomAlwaysAllowFind": True}, _of_weakness(scenario, "open-search")),
        "old device trusted": ({"DicomModalities": _service}, _of_weakness(scenario, "leftover-device")),
        "titles believed": ({"DicomCheckModalityHost": False}, _of_weakness(scenario, "title-as-password")),
        "open C-MOVE": ({"DicomAlwaysAllowMove": True}, frozenset({"dicom-move-stranger"})),
        "open C-GET": ({"DicomAlwaysAllowGet": True}, frozenset({"dicom-get-stranger"})),
        "known password": (
            {"RegisteredUsers": lambda users: {**users, "orthanc": "orthanc"}},
            frozenset({"http-known-password"}),
        ),
    }
    leaks = {
        "name": {"headers"},
        "comment": {"free_text"},
        "date": {"dates"},
        "uid": {"uids"},
        "picture": {"pixels"},
        "nested name": {"nested"},
        "private name": {"private"},
        "spoilt anatomy": {"anatomy"},
        "brighter pictures": {"anatomy"},
        "no flags": {"flags"},
        "an image missing": {"present"},
        "untouched": {"headers", "nested", "private", "free_text", "uids", "dates", "pixels", "flags"},
    }
    everything = [
        SubmissionProfile("perfect"),
        SubmissionProfile("everything as shipped", shipped=True),
        *(SubmissionProfile(name, options=options, exposes=exposes) for name, (options, exposes) in missing.items()),
        *(SubmissionProfile(name, options=options, clinic=False) for name, options in clinics.items()),
        *(SubmissionProfile(f"leak: {name}", leak=name, fails=frozenset(checks)) for name, checks in leaks.items()),
        SubmissionProfile("nothing de-identified", leak="nothing"),
        SubmissionProfile("wrong answers", wrong=frozenset({"prominent-patient", "report-phone", "patient-count"})),
        SubmissionProfile("another release that serves", release="dates=moved, age_band=5, sex=yes"),
        SubmissionProfile(
            "a release that names", release="sex=yes age_band=1 dates=kept", wrong=frozenset({"release"})
        ),
        SubmissionProfile("with hints", hints={"archive-title": 1, "close-web": 3, "deid-headers": 2}),
        SubmissionProfile("an hour late", days_late=1 / 24),
        SubmissionProfile("two days late", days_late=1.5),
        SubmissionProfile("a month late", days_late=30),
        SubmissionProfile("empty", empty=True, started=False),
        SubmissionProfile("copied", copies=True),
    ]
    return {profile.name: profile for profile in everything}
