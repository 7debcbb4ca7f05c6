"""The facts that a replay finds in a submission, without points, and the name under which they are kept."""

from __future__ import annotations

import hashlib
from datetime import datetime  # noqa: TC003  (pydantic reads it)
from typing import TYPE_CHECKING

from pydantic import BaseModel

from pacslab.cohort import GENERATOR_VERSION
from pacslab.deid import DeidReport  # noqa: TC001  (pydantic reads it)
from pacslab.grading.judging import Verdict  # noqa: TC001  (pydantic reads it)
from pacslab.pacs import exercise_files
from pacslab.paths import shipped
from pacslab.probes import Assessment  # noqa: TC001  (pydantic reads it)
from pacslab.scenario import AnswerCheck, DeidObjective

if TYPE_CHECKING:
    from pacslab.scenario import Scenario, Variant

GRADER_VERSION = 3
"""Goes up whenever the same submission would give other facts."""


class Timing(BaseModel):
    """Seconds at work by the timeline, where its chain breaks (None: nowhere), and what cannot have happened so."""

    seconds: float = 0.0
    events: int = 0
    broken_at: int | None = None
    impossible: tuple[str, ...] = ()


class Replay(BaseModel):
    """The facts of one submission.

    ``unreadable`` says why nothing of it could be used; ``server_problem`` and ``deid_problem`` why one part could not.
    ``failure`` is the lab's own fault and never the student's. ``fingerprints`` are hashes of secrets by where they
    stood, ``traces`` identifiers found by where they stood. ``strangers`` says of a study why it is not the one that
    the student was given; ``releases`` holds what a chosen release measures, by objective. ``seconds`` is how long the
    replay took.
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
    """Return the name of a result: 40 hexadecimal digits of a SHA-256 over all that the facts depend on.

    Other words, hints or points in the scenario leave it as it is.
    """
    parts = [sha256, scenario.id, variant.id, runtime, str(GRADER_VERSION), GENERATOR_VERSION]
    parts += [
        scenario.archive_ae_title,
        repr([(weakness.id, weakness.probes) for weakness in scenario.weaknesses]),
    ]
    parts += [repr(sorted(deid_studies(scenario))), repr(sorted(release_objectives(scenario)))]
    digest = hashlib.sha256("\x00".join(parts).encode())
    own = [scenario.folder / name for name in exercise_files(scenario)]
    for path in (*own, shipped("synthetic_data") / f"{scenario.cohort}.yaml"):
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:40]


def deid_studies(scenario: Scenario) -> set[str]:
    """Return the facts that name the studies which a student de-identifies."""
    return {objective.check.study for objective in scenario.objectives if isinstance(objective.check, DeidObjective)}


def release_objectives(scenario: Scenario) -> set[str]:
    """Return the ids of the objectives that ask for a release."""
    return {
        objective.id
        for objective in scenario.objectives
        if isinstance(objective.check, AnswerCheck) and objective.check.compare == "release"
    }
