"""What an exercise is: a story, the weaknesses of a server, and the objectives that a student reaches.

A scenario is data (``scenarios/<id>/scenario.yaml``); these models say what may stand in it. Probe ids, cohort facts
and audit checks are only names here: the packages that know them check them when a deployment is made.
"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, PrivateAttr, model_validator

from pacslab.models import Model
from pacslab.scenario.weaknesses import Change, Id, PartialFix, Reference, Severity, Text, Weakness

__all__ = [
    "AnswerCheck",
    "Change",
    "DeidObjective",
    "Id",
    "Model",
    "Objective",
    "PartialFix",
    "ProbeCheck",
    "Reference",
    "Scenario",
    "Severity",
    "Stage",
    "Text",
    "Weakness",
]


class Stage(StrEnum):
    """The four parts of a lab, in teaching order."""

    DISCOVER = "discover"
    READ = "read"
    HARDEN = "harden"
    DEIDENTIFY = "deidentify"


class AnswerCheck(Model):
    """The student's answer is compared with a fact of the variant's answer key, or with a fixed text.

    ``compare`` is ``number``, ``name`` (any order of the parts of a person's name, ``^`` or spaces), ``digits``
    (everything but digits ignored), ``text`` (case and spaces ignored) or ``release`` (what a release for research
    tells, measured on both sides; ``equals`` is one that passes).
    """

    kind: Literal["answer"]
    fact: Annotated[str, Field(pattern=r"^[a-z0-9_]+$")] | None = None
    equals: str | None = None
    compare: Literal["number", "name", "digits", "text", "release"] = "text"

    @model_validator(mode="after")
    def _one_source(self) -> AnswerCheck:
        if (self.fact is None) == (self.equals is None):
            raise ValueError("give either 'fact' or 'equals', not both and not neither")
        return self


class ProbeCheck(Model):
    """These attack probes must find the way closed, while every clinic probe still works."""

    kind: Literal["probes"]
    closed: tuple[Id, ...] = Field(min_length=1)


class DeidObjective(Model):
    """The de-identified copy of one study must pass these checks of the audit."""

    kind: Literal["deid"]
    study: Annotated[str, Field(pattern=r"^[a-z0-9_]+$", description="the fact that holds the study's UID")]
    checks: tuple[Annotated[str, Field(pattern=r"^[a-z_]+$")], ...] = Field(min_length=1)


class Objective(Model):
    """One thing that a student achieves, what it earns, and the help on the way."""

    id: Id
    stage: Stage
    title: Text
    task: Text
    points: int = Field(ge=1, le=100)
    check: Annotated[AnswerCheck | ProbeCheck | DeidObjective, Field(discriminator="kind")]
    hints: tuple[Text, ...] = Field(max_length=3)
    explanation: Text


class WrittenTask(Model):
    """A question that is answered in ``report.md`` and marked by a person, along the rubric's lines."""

    id: Id
    title: Text
    task: Text
    points: int = Field(ge=1, le=100)
    rubric: tuple[Text, ...] = Field(min_length=1)


class Scenario(Model):
    """One exercise."""

    id: Id
    title: Text
    summary: Text
    story: Text
    minutes: int = Field(ge=5, le=600)
    cohort: Id
    archive_ae_title: Annotated[str, Field(pattern=r"^[A-Z0-9_]{1,16}$")]
    weaknesses: tuple[Weakness, ...] = Field(min_length=1)
    objectives: tuple[Objective, ...] = Field(min_length=1)
    written: tuple[WrittenTask, ...] = ()
    references: tuple[Reference, ...] = Field(min_length=1)
    _folder: Path = PrivateAttr(default=Path())

    @model_validator(mode="after")
    def _consistent(self) -> Scenario:
        tasks: tuple[Objective | WrittenTask, ...] = (*self.objectives, *self.written)
        for kind, ids in (
            ("objective", [one.id for one in tasks]),
            ("weakness", [one.id for one in self.weaknesses]),
        ):
            twice = {one for one in ids if ids.count(one) > 1}
            if twice:
                raise ValueError(f"{kind} id {min(twice)!r} is given twice")
        known = {probe for weakness in self.weaknesses for probe in weakness.probes}
        for objective in self.objectives:
            if isinstance(objective.check, ProbeCheck):
                stray = set(objective.check.closed) - known
                if stray:
                    raise ValueError(
                        f"objective {objective.id!r} closes {min(stray)!r}, which no weakness lists in 'probes'"
                    )
        return self

    @property
    def folder(self) -> Path:
        """Return the folder that holds ``scenario.yaml``, ``orthanc.json``, ``handover.yaml`` and ``network.yaml``."""
        return self._folder

    @property
    def points(self) -> int:
        """Return the sum of all objectives' points; written tasks, which a person marks, come on top."""
        return sum(one.points for one in self.objectives)

    def objective(self, objective_id: str) -> Objective:
        """Return one objective.

        Raises
        ------
        KeyError
            If the scenario has no objective of that id.

        """
        for one in self.objectives:
            if one.id == objective_id:
                return one
        raise KeyError(objective_id)
