"""What a student has achieved so far, kept beside the work.

This is what a self-paced learner sees. A course's grade is not read from here: it is made again from the work itself.
"""

from __future__ import annotations

import fcntl
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pydantic import BaseModel, ValidationError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pacslab.scenario import Scenario

_FILE = ".progress.json"


class ObjectiveProgress(BaseModel):
    """One objective: reached or not, how often it was tried, how many hints were taken, the answer that counts.

    ``answer`` is the right one where there is one, else the last that was given.
    """

    earned: bool = False
    attempts: int = 0
    hints: int = 0
    answer: str | None = None


class Progress(BaseModel):
    """Every objective that was touched."""

    objectives: dict[str, ObjectiveProgress] = {}

    def of(self, objective: str) -> ObjectiveProgress:
        """Return one objective's progress; it is added where it is new."""
        return self.objectives.setdefault(objective, ObjectiveProgress())


class ObjectiveScore(BaseModel):
    """Points of one objective."""

    id: str
    stage: str
    title: str
    points: int
    out_of: int
    attempts: int
    hints: int


class Score(BaseModel):
    """Points in all and of each objective."""

    points: int
    out_of: int
    objectives: tuple[ObjectiveScore, ...]

    def stage(self, stage: str) -> tuple[int, int]:
        """Return the points of one stage, and what it is out of."""
        of_stage = [score for score in self.objectives if score.stage == stage]
        return sum(score.points for score in of_stage), sum(score.out_of for score in of_stage)


def read_progress(folder: Path) -> Progress:
    """Return the progress kept in a work folder; a missing or damaged file means none."""
    try:
        return Progress.model_validate_json((folder / _FILE).read_bytes())
    except (FileNotFoundError, ValidationError):
        return Progress()


@contextmanager
def changing_progress(folder: Path) -> Iterator[Progress]:
    """Yield the progress to be changed, and write it whole afterwards; one program at a time."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / f"{_FILE}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        progress = read_progress(folder)
        yield progress
        fresh = folder / f"{_FILE}.{os.getpid()}"
        fresh.write_text(progress.model_dump_json(indent=1), encoding="utf-8")
        fresh.replace(folder / _FILE)


def score_progress(scenario: Scenario, progress: Progress) -> Score:
    """Return the points that a progress is worth."""
    objectives = []
    for objective in scenario.objectives:
        done = progress.objectives.get(objective.id, ObjectiveProgress())
        objectives.append(
            ObjectiveScore(
                id=objective.id,
                stage=objective.stage,
                title=objective.title,
                points=objective.points if done.earned else 0,
                out_of=objective.points,
                attempts=done.attempts,
                hints=done.hints,
            )
        )
    return Score(points=sum(score.points for score in objectives), out_of=scenario.points, objectives=tuple(objectives))
