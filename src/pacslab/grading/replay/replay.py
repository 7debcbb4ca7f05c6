"""Replay one submission: a clean deployment of the student's variant with the student's configuration and handover.

What comes out are facts - what the probes saw, what the audit found, what was answered - and no points: a change of the
rubric judges the same facts anew and starts nothing.
"""

from __future__ import annotations

import hashlib
import os
import re
import resource
import shutil
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime  # noqa: TC003  (pydantic reads it)
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel

from pacslab.cohort import GENERATOR_VERSION
from pacslab.deid import DeidReport, audit_study
from pacslab.errors import ConfigurationError, PacslabError, ServerStartError, SubmissionError, UnsafeAddressError
from pacslab.grading.handin.timeline import broken_at, first_seal, hints_of, impossibilities, time_spent
from pacslab.grading.judging import Verdict, judge_release
from pacslab.grading.replay.config_allowlist import replayable, secrets_in
from pacslab.grading.replay.disk_guard import DiskGuard
from pacslab.grading.replay.study_ownership import strangers_study
from pacslab.grading.replay.unpack import UnpackedSubmission, unpack
from pacslab.pacs import (
    CONFIGURATION_FILE,
    HANDOVER_FILE,
    Deployment,
    cohort_of,
    end_lab,
    exercise_files,
    parse_configuration,
    ready_runtimes,
)
from pacslab.paths import shipped
from pacslab.probes import Assessment, assess
from pacslab.scenario import AnswerCheck, DeidObjective, Variant, load_scenario

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pacslab.cohort import AnswerKey
    from pacslab.scenario import Scenario

    Say = Callable[[str], None]

GRADER_VERSION = 3
"""Goes up whenever the same submission would give other facts."""

SERVER, DEID = "server", "deid"
_HOURS = 0.25
_MOST_TRACES = 4000
_LARGEST_WRITTEN_FILE = 256 << 20
_MOST_WRITTEN = 1 << 30
_AUDIT_MEMORY = 4 << 30
_LOOKED_AT = 96 << 10
_STUDENT_FAULTS = (ConfigurationError, ServerStartError, UnsafeAddressError, SubmissionError)
_NUMBER = re.compile(rb"(?<![0-9])[0-9]{12}(?![0-9])")
_UID = re.compile(rb"(?<![0-9.])[12](?:\.[0-9]{1,39}){4,20}(?![0-9.])")
_SHORTEST = len("1.2.3.4.5")
_FIGURES = bytes(byte if byte in b"0123456789." else ord(" ") for byte in range(256))


@dataclass(frozen=True)
class ReplayJob:
    """One submission to replay, as plain data that goes to a worker.

    ``seed`` is the variant's, made again from the course's secret; ``skip`` names parts that ended a worker before, and
    why. ``key`` names the result.
    """

    path: str
    sha256: str
    key: str
    scenario: str
    student: str
    seed: str
    runtime: str
    scratch: str
    issued: datetime | None = None
    skip: dict[str, str] = field(default_factory=dict)


class Timing(BaseModel):
    """What the timeline says: seconds at work, where the chain breaks (None: whole), and what cannot be."""

    seconds: float = 0.0
    events: int = 0
    broken_at: int | None = None
    impossible: tuple[str, ...] = ()


class Replay(BaseModel):
    """The facts of one submission.

    ``unreadable`` says why nothing of it could be used; ``server_problem`` and ``deid_problem`` why one part could not.
    ``failure`` is the lab's own fault and never the student's. ``fingerprints`` are hashes of secrets by where they
    stood, ``traces`` identifiers found by where they stood. ``strangers`` says of a study why it is not the one that
    the student was given; ``releases`` holds what a chosen release measures, by objective.
    """

    key: str
    sha256: str
    scenario: str
    student: str
    runtime: str
    sent: datetime | None = None
    unreadable: str = ""
    failure: str = ""
    assessment: Assessment | None = None
    server_problem: str = ""
    server_details: tuple[str, ...] = ()
    reports: dict[str, DeidReport] = {}
    strangers: dict[str, str] = {}
    deid_problem: str = ""
    releases: dict[str, Verdict] = {}
    facts: dict[str, str] = {}
    answers: dict[str, str] = {}
    attempts: dict[str, int] = {}
    hints: dict[str, int] = {}
    written: str = ""
    timing: Timing = Timing()
    fingerprints: dict[str, str] = {}
    traces: dict[str, tuple[str, ...]] = {}
    notes: tuple[str, ...] = ()
    seconds: float = 0.0

    @property
    def certain(self) -> bool:
        """Return whether the lab saw all that it wanted to see, so that the result may be kept."""
        return not self.failure and not (self.assessment and self.assessment.failures)


def replay_key(sha256: str, scenario: Scenario, variant: Variant, runtime: str) -> str:
    """Return the name of a result: other words, hints or points in the scenario leave it as it is."""
    parts = [sha256, scenario.id, variant.id, runtime, str(GRADER_VERSION), GENERATOR_VERSION]
    parts += [scenario.archive_ae_title, repr([(one.id, one.probes) for one in scenario.weaknesses])]
    parts += [repr(sorted(_studies(scenario))), repr(sorted(_releases(scenario)))]
    digest = hashlib.sha256("\x00".join(parts).encode())
    own = [scenario.folder / name for name in exercise_files(scenario)]
    for path in (*own, shipped("synthetic_data") / f"{scenario.cohort}.yaml"):
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:40]


def _studies(scenario: Scenario) -> set[str]:
    return {one.check.study for one in scenario.objectives if isinstance(one.check, DeidObjective)}


def _releases(scenario: Scenario) -> set[str]:
    return {
        one.id for one in scenario.objectives if isinstance(one.check, AnswerCheck) and one.check.compare == "release"
    }


def sandbox_ready() -> bool:
    """Return whether a Docker engine answers, in which a configuration that runs code may be replayed."""
    return any(one.name == "docker" for one in ready_runtimes())


def replay(task: ReplayJob, say: Say = lambda _stage: None) -> Replay:
    """Return the facts of a submission. Nothing of it is left running or lying about afterwards.

    Parameters
    ----------
    task
        What to replay.
    say
        Called with the part that begins, so that whoever waits knows what ended this process, should it end.

    """
    started = time.perf_counter()
    result = Replay(
        key=task.key, sha256=task.sha256, scenario=task.scenario, student=task.student, runtime=task.runtime
    )
    scratch = Path(task.scratch)
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    for name in ("HOME", "STATE"):
        os.environ[f"PACSLAB_{name}"] = str(scratch / name.lower())
    try:
        say("reading")
        handed = unpack(Path(task.path), scratch / "handed")
        _replay(task, handed, result, say)
    except SubmissionError as reason:
        result.unreadable = str(reason)
    except PacslabError as reason:
        result.failure = str(reason)
    except Exception as reason:  # noqa: BLE001 - one submission is never the end of the others
        result.failure = f"the grader itself failed ({type(reason).__name__}: {str(reason)[:200]})"
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    result.seconds = round(time.perf_counter() - started, 3)
    return result


def _replay(task: ReplayJob, handed: UnpackedSubmission, result: Replay, say: Say) -> None:
    scenario = load_scenario(task.scenario)
    variant = Variant(task.scenario, task.student, bytes.fromhex(task.seed))
    note = handed.submission
    result.sent = note.sent
    result.notes = tuple(handed.notes)
    if note.generator not in ("", GENERATOR_VERSION):
        made = f"generator {note.generator} made the student's patients, and the grader has {GENERATOR_VERSION}"
        what = f"Grade with pacslab {note.pacslab}, or ask for the work to be done again."
        result.notes += (f"{made}: they are other patients. {what}",)
    result.answers = {name: one.answer for name, one in note.objectives.items() if one.answer is not None}
    result.attempts = {name: one.attempts for name, one in note.objectives.items()}
    told = hints_of(note.timeline)
    result.hints = {
        name: max(told.get(name, 0), note.objectives[name].hints if name in note.objectives else 0)
        for name in {*told, *note.objectives}
    }
    result.written = handed.report[:100_000]
    result.timing = Timing(
        seconds=time_spent(note.timeline).total_seconds(),
        events=len(note.timeline),
        broken_at=broken_at(note.timeline, first_seal(variant.student, variant.scenario, variant.id)),
        impossible=tuple(impossibilities(note.timeline, task.issued, note.sent)),
    )
    result.fingerprints = _fingerprints(handed.configuration, scenario)
    result.traces = dict(_traces(handed))
    say(SERVER)
    key = _replay_server(task, scenario, variant, handed, result)
    result.facts = dict(key.facts)
    result.releases = _weighed(scenario, variant, key, result.answers)
    say(DEID)
    _audit(task, scenario, variant, key, handed, result)


def _replay_server(
    task: ReplayJob, scenario: Scenario, variant: Variant, handed: UnpackedSubmission, result: Replay
) -> AnswerKey:
    """Fill in what the probes saw of the student's server, and return the variant's answer key."""
    deployment: Deployment | None = None
    try:
        if SERVER in task.skip:
            raise ConfigurationError(task.skip[SERVER])
        ready = replayable(handed.configuration, scenario.folder)
        runtime = task.runtime
        if ready.sandbox and runtime != "docker":
            runtime = "docker"
            if not sandbox_ready():
                raise ConfigurationError(
                    f"{'; '.join(ready.sandbox)}, so it is replayed only in the Docker sandbox, and no engine answers"
                )
        result.runtime = runtime
        deployment = Deployment(scenario, variant, runtime, _HOURS)
        _put(handed.configuration, ready.text, deployment.work.path)
        state = Path(os.environ["PACSLAB_STATE"])
        with DiskGuard(state, _MOST_WRITTEN, lambda: end_lab(state.resolve())) as guard:
            try:
                with _bounded(resource.RLIMIT_FSIZE, _LARGEST_WRITTEN_FILE):
                    deployment.start()
                seen = assess(deployment)
            except PacslabError:
                if not guard.tripped:
                    raise
        if guard.tripped:
            raise ConfigurationError(
                f"the server wrote more than {_MOST_WRITTEN >> 20} MB, and was ended", "Let it keep what it is sent."
            )
        result.assessment = seen
        key = deployment.answer_key
    except (*_STUDENT_FAULTS, RecursionError) as reason:
        result.server_problem = str(reason) or "the handover cannot be read: it is nested too deeply"
        if isinstance(reason, PacslabError):
            result.server_details = tuple(line[:300] for line in reason.details[-8:])
        # The whole key knows the pictures of other studies, which would have to be searched without it.
        cohort = cohort_of(scenario, variant)
        key = cohort.answer_key() if _studies(scenario) else cohort.questions()
    finally:
        if deployment is not None:
            deployment.stop()
    return key


def _put(source: Path, configuration: str, work: Path) -> None:
    """Copy the configuration's files into the work folder; ``orthanc.json`` as it was understood, not as it came."""
    work.mkdir(parents=True)
    for path in sorted(source.rglob("*")):
        if path.is_file() and not path.is_symlink() and path.name != CONFIGURATION_FILE:
            target = work / path.relative_to(source)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
    (work / CONFIGURATION_FILE).write_text(configuration, encoding="utf-8")
    if not (work / HANDOVER_FILE).exists():
        raise ConfigurationError("there is no handover.yaml", "Hand in what the staff have been told.")


def _weighed(scenario: Scenario, variant: Variant, key: AnswerKey, answers: dict[str, str]) -> dict[str, Verdict]:
    """Return what each chosen release measures: it is held against the whole town, so the key must be whole."""
    given = {name: answers[name] for name in sorted(_releases(scenario)) if answers.get(name, "").strip()}
    if given and not key.complete:
        key = cohort_of(scenario, variant).answer_key()
    return {name: judge_release(answer, key) for name, answer in given.items()}


def _audit(  # noqa: PLR0917
    task: ReplayJob, scenario: Scenario, variant: Variant, key: AnswerKey, handed: UnpackedSubmission, result: Replay
) -> None:
    if DEID in task.skip:
        result.deid_problem = task.skip[DEID]
        return
    if not any(handed.deid.glob("*")):
        return
    try:
        with _bounded(resource.RLIMIT_AS, _AUDIT_MEMORY):
            for study in sorted(_studies(scenario)):
                report = result.reports[study] = audit_study(handed.deid, key, key.facts[study])
                why = strangers_study(handed.deid, report, cohort_of(scenario, variant))
                result.strangers |= {study: why} if why else {}
    except (PacslabError, MemoryError, RecursionError) as reason:
        result.deid_problem = str(reason) or f"the files ask for more than {_AUDIT_MEMORY >> 30} GB of memory"


@contextmanager
def _bounded(what: int, limit: int) -> Iterator[None]:
    """Hold this process, and what it starts meanwhile, to a limit."""
    soft, hard = resource.getrlimit(what)
    low = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
    resource.setrlimit(what, (low, hard))
    try:
        yield
    finally:
        resource.setrlimit(what, (soft, hard))


def _fingerprints(folder: Path, scenario: Scenario) -> dict[str, str]:
    """Return hashes of the secrets that a student chose; what the scenario ships is nobody's."""
    own: set[str] = set()
    with suppress(PacslabError, OSError):
        text = (scenario.folder / CONFIGURATION_FILE).read_text(encoding="utf-8-sig")
        own = {str(one) for one in parse_configuration(text, CONFIGURATION_FILE).get("RegisteredUsers", {}).values()}
    found = {}
    for where, value in secrets_in(folder):
        if len(value) >= 8 and value not in own:
            found[where] = hashlib.sha256(b"pacslab fingerprint\x00" + value.encode("utf-8", "replace")).hexdigest()[
                :32
            ]
    return found


def _traces(handed: UnpackedSubmission) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield where numbers and UIDs stand that might be somebody's; whose they are is asked later."""
    left = _MOST_TRACES
    told = "\n".join(one.answer or "" for one in handed.submission.objectives.values())
    places: list[tuple[str, bytes]] = [
        ("an answer", re.sub(r"(?<=\d)[ -](?=\d)", "", told).encode("utf-8", "replace")),
        ("the report", handed.report.encode("utf-8", "replace")),
    ]
    files = [path for path in sorted(handed.deid.rglob("*")) if path.is_file()]
    places += [(f"the output {path.name[:60]!r}", path.name.encode() + b"\n" + _ends(path)) for path in files]
    for where, content in places:
        # Most of it is pixels, in which nothing has to be looked for twice.
        figures = b" ".join(run for run in content.translate(_FIGURES).split() if len(run) >= _SHORTEST)
        found = sorted({one.decode() for pattern in (_NUMBER, _UID) for one in pattern.findall(figures)})[:left]
        left -= len(found)
        if found:
            yield where, tuple(found)


def _ends(path: Path) -> bytes:
    """Return the beginning and the end of a file: what stands between is pixels."""
    with path.open("rb") as file:
        begin = file.read(_LOOKED_AT)
        file.seek(max(len(begin), path.stat().st_size - _LOOKED_AT))
        return begin + b"\n" + file.read(_LOOKED_AT)
