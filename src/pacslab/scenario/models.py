"""The models of a scenario: a story, the weaknesses of a server, and the objectives that a student reaches.

A scenario is data (``scenarios/<id>/scenario.yaml``). Probe ids, cohort facts and audit checks are only names here: the
packages that define them check them when a deployment is made.
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
    """``answer``: judged by comparison."""
    fact: Annotated[str, Field(pattern=r"^[a-z0-9_]+$")] | None = None
    """The fact of the answer key that the answer is compared with, such as ``patient_count``."""
    equals: str | None = None
    """A fixed text to compare with, in place of a fact."""
    compare: Literal["number", "name", "digits", "text", "release"] = "text"
    """How both are compared; see above."""

    @model_validator(mode="after")
    def _one_source(self) -> AnswerCheck:
        if (self.fact is None) == (self.equals is None):
            raise ValueError("give either 'fact' or 'equals', not both and not neither")
        return self


class ProbeCheck(Model):
    """These attack probes must find the way closed, while every clinic probe still works."""

    kind: Literal["probes"]
    """``probes``: judged by attacks on the running server."""
    closed: tuple[Id, ...] = Field(min_length=1)
    """Ids of attack probes; a weakness of the scenario names each of them."""


class DeidObjective(Model):
    """The de-identified copy of one study must pass these checks of the audit."""

    kind: Literal["deid"]
    """``deid``: judged by the audit."""
    study: Annotated[str, Field(pattern=r"^[a-z0-9_]+$", description="the fact that holds the study's UID")]
    """The fact that holds the study's UID, such as ``deid_study_uid``."""
    checks: tuple[Annotated[str, Field(pattern=r"^[a-z_]+$")], ...] = Field(min_length=1)
    """Ids of the audit's checks that must pass."""


class Objective(Model):
    """One thing that a student achieves, what it earns, and the help on the way."""

    id: Id
    """Its name in answers, hints and grades; unique in the scenario."""
    stage: Stage
    """The part of the lab that it belongs to."""
    title: Text
    """A heading of a few words."""
    task: Text
    """What the student has to do or to find. ``{fact}`` is replaced by that fact of the student's answer key."""
    points: int = Field(ge=1, le=100)
    """What it earns."""
    check: Annotated[AnswerCheck | ProbeCheck | DeidObjective, Field(discriminator="kind")]
    """How it is judged: an answer, probes, or the audit."""
    hints: tuple[Text, ...] = Field(max_length=3)
    """Up to three, each helping more than the one before."""
    explanation: Text
    """What the student reads once it is reached."""


class WrittenTask(Model):
    """A question that is answered in ``report.md`` and marked by a person, along the rubric's lines."""

    id: Id
    """Its name in the marking table; unique in the scenario."""
    title: Text
    """The heading in ``report.md`` below which the answer is written."""
    task: Text
    """The question."""
    points: int = Field(ge=1, le=100)
    """The most that a marker may give."""
    rubric: tuple[Text, ...] = Field(min_length=1)
    """What a good answer holds, a line each."""


class Scenario(Model):
    """One exercise."""

    id: Id
    """The folder's name."""
    title: Text
    """What a student sees in lists and headings."""
    summary: Text
    """One or two sentences for ``pacslab scenarios``."""
    story: Text
    """The situation, as the student reads it at the beginning."""
    minutes: int = Field(ge=5, le=600)
    """How long a student takes."""
    cohort: Id
    """The recipe of the hospital: a file of ``synthetic_data``, without ``.yaml``."""
    archive_ae_title: Annotated[str, Field(pattern=r"^[A-Z0-9_]{1,16}$")]
    """The archive's own AE title (PS3.5 table 6.2-1)."""
    weaknesses: tuple[Weakness, ...] = Field(min_length=1)
    """What is wrong: ids of the registry, or descriptions in full."""
    objectives: tuple[Objective, ...] = Field(min_length=1)
    """What is to be achieved, in teaching order."""
    written: tuple[WrittenTask, ...] = ()
    """Questions that a person marks."""
    references: tuple[Reference, ...] = Field(min_length=1)
    """Where the figures and rules of the story come from."""
    _folder: Path = PrivateAttr(default=Path())

    @model_validator(mode="after")
    def _consistent(self) -> Scenario:
        tasks: tuple[Objective | WrittenTask, ...] = (*self.objectives, *self.written)
        for kind, ids in (
            ("objective", [task.id for task in tasks]),
            ("weakness", [weakness.id for weakness in self.weaknesses]),
        ):
            twice = {name for name in ids if ids.count(name) > 1}
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
        """Return the sum of all objectives' points, without those of written tasks, which a person marks."""
        return sum(objective.points for objective in self.objectives)

    def objective(self, objective_id: str) -> Objective:
        """Return an objective by its id.

        Raises
        ------
        KeyError
            If the scenario has no objective of that id.

        """
        for objective in self.objectives:
            if objective.id == objective_id:
                return objective
        raise KeyError(objective_id)
