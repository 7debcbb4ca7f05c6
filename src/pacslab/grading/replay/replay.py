"""Replay one submission: a clean deployment of the student's variant with the student's configuration and handover.

What comes out are facts - what the probes saw, what the audit found, what was answered - and no points: a change of the
rubric judges the same facts anew and starts nothing.
"""

from __future__ import annotations

import resource
import shutil
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pacslab.cohort import GENERATOR_VERSION
from pacslab.deid import audit_study
from pacslab.errors import ConfigurationError, PacslabError, ServerStartError, SubmissionError, UnsafeAddressError
from pacslab.grading.handin.timeline import broken_at, first_seal, hints_of, impossibilities, time_spent
from pacslab.grading.judging import Verdict, judge_release
from pacslab.grading.replay.config_allowlist import Replayable, replayable
from pacslab.grading.replay.configuration_files import ConfigurationFiles, read_configuration_files
from pacslab.grading.replay.disk_guard import DiskGuard
from pacslab.grading.replay.facts import Replay, Timing, deid_studies, release_objectives
from pacslab.grading.replay.study_ownership import strangers_study
from pacslab.grading.replay.traces import fingerprints, identifier_traces
from pacslab.grading.replay.unpack import SubmissionFile, UnpackedSubmission, unpack
from pacslab.pacs import (
    CONFIGURATION_FILE,
    HANDOVER_FILE,
    Deployment,
    cohort_of,
    end_lab,
    ready_runtimes,
)
from pacslab.paths import LabFolders, use_folders
from pacslab.probes import Assessment, assess
from pacslab.scenario import Scenario, Variant, load_scenario

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime
    from pathlib import Path

    from pacslab.cohort import AnswerKey

    OnStage = Callable[[str], None]

READING, SERVER, DEID = "reading", "server", "deid"
"""The parts of a replay, in their order."""
_HOURS = 0.25
_LARGEST_WRITTEN_FILE = 256 << 20
_MOST_WRITTEN = 1 << 30
_AUDIT_MEMORY = 4 << 30
_LONGEST_REPORT = 100_000
_STUDENT_FAULTS = (ConfigurationError, ServerStartError, UnsafeAddressError, SubmissionError)


@dataclass(frozen=True)
class ReplayJob:
    """One submission to replay, as plain data that goes to a worker.

    Parameters
    ----------
    file
        The submission's ZIP file, read before.
    variant
        The student's variant of the scenario, made again from the course's secret.
    key
        The name of the result.
    runtime
        Where its servers run: ``docker`` or ``process``.
    issued
        When the student's ticket was issued.
    skip
        Parts that ended a worker before, and how.

    """

    file: SubmissionFile
    variant: Variant
    key: str
    runtime: str
    issued: datetime | None = None
    skip: dict[str, str] = field(default_factory=dict)

    def result(self) -> Replay:
        """Return a result in which nothing was found yet."""
        return Replay(
            key=self.key,
            sha256=self.file.sha256,
            scenario=self.variant.scenario,
            student=self.variant.student,
            runtime=self.runtime,
        )


@dataclass(frozen=True)
class _Work:
    """A submission on the grader's disk: its files, each read once, and the ``state`` folder of its servers."""

    job: ReplayJob
    scenario: Scenario
    files: UnpackedSubmission
    submitted: ConfigurationFiles
    shipped: ConfigurationFiles
    state: Path


def sandbox_ready() -> bool:
    """Return whether a Docker engine answers, in which a configuration that runs code may be replayed."""
    return any(runtime.name == "docker" for runtime in ready_runtimes())


def unpack_folder(scratch: Path) -> Path:
    """Return where a submission is unpacked in a worker's scratch folder."""
    return scratch / "handed"


def lab_folders(scratch: Path) -> LabFolders:
    """Return where a replay's servers have their files and their state in a worker's scratch folder."""
    return LabFolders(workspace=scratch / "home", state=scratch / "state")


def replay(job: ReplayJob, scratch: Path, on_stage: OnStage = lambda _stage: None) -> Replay:
    """Return the facts of a submission. Nothing of it is left running or lying about afterwards.

    Parameters
    ----------
    job
        What to replay.
    scratch
        The folder in which it is unpacked and its servers keep their state; emptied before, removed afterwards.
    on_stage
        Called with the part that begins, so that whoever waits knows what ended this process, should it end.

    """
    started = time.perf_counter()
    result = job.result()
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    folders = lab_folders(scratch)
    try:
        on_stage(READING)
        with use_folders(folders):
            files = unpack(job.file, unpack_folder(scratch))
            scenario = load_scenario(job.variant.scenario)
            submitted, shipped = map(read_configuration_files, (files.configuration, scenario.folder))
            _replay(_Work(job, scenario, files, submitted, shipped, folders.state.resolve()), result, on_stage)
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


def _replay(work: _Work, result: Replay, on_stage: OnStage) -> None:
    _note_claims(work, result)
    result.fingerprints = fingerprints(work.submitted, work.shipped)
    result.traces = dict(identifier_traces(work.files))
    on_stage(SERVER)
    key = _assess_server(work, result)
    result.facts = dict(key.facts)
    result.releases = _weighed(work, key, result.answers)
    on_stage(DEID)
    _audit(work, key, result)


def _note_claims(work: _Work, result: Replay) -> None:
    """Fill in what the submission's note and report say: answers, hints, timeline."""
    note, variant = work.files.note, work.job.variant
    result.sent = note.sent
    result.notes = work.files.left_out
    if note.generator not in ("", GENERATOR_VERSION):
        made = f"generator {note.generator} made the student's patients, and the grader has {GENERATOR_VERSION}"
        what = f"Grade with pacslab {note.pacslab}, or ask for the work to be done again."
        result.notes += (f"{made}: they are other patients. {what}",)
    result.answers = {name: state.answer for name, state in note.objectives.items() if state.answer is not None}
    result.attempts = {name: state.attempts for name, state in note.objectives.items()}
    in_timeline = hints_of(note.timeline)
    result.hints = {
        name: max(in_timeline.get(name, 0), note.objectives[name].hints if name in note.objectives else 0)
        for name in dict.fromkeys((*in_timeline, *note.objectives))
    }
    result.written = work.files.report[:_LONGEST_REPORT]
    result.timing = Timing(
        seconds=time_spent(note.timeline).total_seconds(),
        events=len(note.timeline),
        broken_at=broken_at(note.timeline, first_seal(variant.student, variant.scenario, variant.id)),
        impossible=tuple(impossibilities(note.timeline, work.job.issued, note.sent)),
    )


def _assess_server(work: _Work, result: Replay) -> AnswerKey:
    """Fill in what the probes saw of the student's server, and return the variant's answer key."""
    scenario, variant = work.scenario, work.job.variant
    deployment: Deployment | None = None
    try:
        if SERVER in work.job.skip:
            raise ConfigurationError(work.job.skip[SERVER])
        ready = replayable(work.submitted, work.shipped)
        result.runtime = _runtime_for(ready, work.job.runtime)
        deployment = Deployment(scenario, variant, result.runtime, _HOURS)
        _put(work.files.configuration, ready.text, deployment.work.path)
        result.assessment = _assessed(deployment, work.state)
        key = deployment.answer_key
    except (*_STUDENT_FAULTS, RecursionError) as reason:
        result.server_problem = str(reason) or "the handover cannot be read: it is nested too deeply"
        if isinstance(reason, PacslabError):
            result.server_details = tuple(line[:300] for line in reason.details[-8:])
        # The whole key knows the pictures of other studies, which would have to be searched without it.
        cohort = cohort_of(scenario, variant)
        key = cohort.answer_key() if deid_studies(scenario) else cohort.questions()
    finally:
        if deployment is not None:
            deployment.stop()
    return key


def _runtime_for(ready: Replayable, wanted: str) -> str:
    """Return where a configuration is replayed: in the runtime of the batch, or in the sandbox."""
    if not ready.sandbox or wanted == "docker":
        return wanted
    if not sandbox_ready():
        raise ConfigurationError(
            f"{'; '.join(ready.sandbox)}, so it is replayed only in the Docker sandbox, and no engine answers"
        )
    return "docker"


def _assessed(deployment: Deployment, state: Path) -> Assessment:
    """Return what the probes saw of a deployment, which may write so much and no more."""
    assessment: Assessment | None = None
    with DiskGuard(state, _MOST_WRITTEN, lambda: end_lab(state)) as guard:
        try:
            with _bounded(resource.RLIMIT_FSIZE, _LARGEST_WRITTEN_FILE):
                deployment.start()
            assessment = assess(deployment)
        except PacslabError:
            if not guard.tripped:
                raise
    if guard.tripped or assessment is None:
        raise ConfigurationError(
            f"the server wrote more than {_MOST_WRITTEN >> 20} MB, and was ended", "Let it keep what it is sent."
        )
    return assessment


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


def _weighed(work: _Work, key: AnswerKey, answers: dict[str, str]) -> dict[str, Verdict]:
    """Return what each chosen release measures: it is held against the whole town, so the key must be whole."""
    given = {name: answers[name] for name in sorted(release_objectives(work.scenario)) if answers.get(name, "").strip()}
    if given and not key.complete:
        key = cohort_of(work.scenario, work.job.variant).answer_key()
    return {name: judge_release(answer, key) for name, answer in given.items()}


def _audit(work: _Work, key: AnswerKey, result: Replay) -> None:
    """Fill in what the audit found in the de-identified files, and whose study they are."""
    output = work.files.deid
    if DEID in work.job.skip:
        result.deid_problem = work.job.skip[DEID]
        return
    if not any(output.glob("*")):
        return
    try:
        with _bounded(resource.RLIMIT_AS, _AUDIT_MEMORY):
            for study in sorted(deid_studies(work.scenario)):
                report = result.reports[study] = audit_study(output, key, key.facts[study])
                why = strangers_study(output, report, cohort_of(work.scenario, work.job.variant))
                result.strangers |= {study: why} if why else {}
    except (PacslabError, MemoryError, RecursionError) as reason:
        result.deid_problem = str(reason) or f"the files ask for more than {_AUDIT_MEMORY >> 30} GB of memory"


@contextmanager
def _bounded(resource_kind: int, limit: int) -> Iterator[None]:
    """Hold this process, and what it starts meanwhile, to a limit."""
    soft, hard = resource.getrlimit(resource_kind)
    low = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
    resource.setrlimit(resource_kind, (low, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource_kind, (soft, hard))
