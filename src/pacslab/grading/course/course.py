"""A course: which scenarios, which points, which dates, and the keys that its tickets are made with.

``course.toml`` may be shown to anybody. The secret lies beside it in a folder of its own, readable by its owner alone;
it is never printed, logged or shipped.
"""

from __future__ import annotations

import os
import re
import secrets
import tomllib
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pydantic import AwareDatetime, Field, PrivateAttr, ValidationError, model_validator

from pacslab.errors import CourseError
from pacslab.models import Model
from pacslab.scenario import Id, Scenario, describe_invalid, load_scenario

if TYPE_CHECKING:
    from collections.abc import Mapping

COURSE_FILE = "course.toml"
SECRET_FOLDER = ".course-secret"  # noqa: S105 - a folder
_COURSE_KEY, _SIGNING_KEY = "variants.key", "tickets.key"
_KEY_BYTES = 32


class Hints(Model):
    """What a hint costs: ``cost`` points each, never more than the objective is worth."""

    cost: float = Field(default=0.0, ge=0, le=100)


class Lateness(Model):
    """What a late submission loses: ``percent_per_day`` for each day begun after the due date and the grace.

    After ``days`` days it earns nothing. The share that is left is worked out in :mod:`gradebook.late_penalty`.
    """

    grace_minutes: int = Field(default=15, ge=0)
    percent_per_day: float = Field(default=10.0, ge=0, le=100)
    days: int = Field(default=7, ge=0)


class CourseScenario(Model):
    """One scenario of the course: when it is due, and points that differ from the scenario's own."""

    id: Id
    due: AwareDatetime | None = None
    points: dict[Id, Annotated[float, Field(ge=0, le=1000)]] = Field(default_factory=dict)


class Course(Model):
    """What ``course.toml`` says."""

    id: Id
    title: str = Field(min_length=1, max_length=200)
    public_key: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    counts: Literal["best", "last"] = "best"
    hints: Hints = Hints()
    late: Lateness = Lateness()
    scenarios: tuple[CourseScenario, ...] = Field(min_length=1)
    _folder: Path = PrivateAttr(default=Path())

    @model_validator(mode="after")
    def _scenarios_once(self) -> Course:
        ids = [scenario.id for scenario in self.scenarios]
        twice = {scenario_id for scenario_id in ids if ids.count(scenario_id) > 1}
        if twice:
            raise ValueError(f"the scenario {min(twice)!r} is given twice")
        return self

    @property
    def folder(self) -> Path:
        """Return the folder that holds ``course.toml``."""
        return self._folder

    def scenario(self, scenario_id: str) -> CourseScenario:
        """Return what the course says of a scenario.

        Raises
        ------
        KeyError
            If the scenario is not part of the course.

        """
        for scenario in self.scenarios:
            if scenario.id == scenario_id:
                return scenario
        raise KeyError(scenario_id)

    def course_key(self) -> bytes:
        """Return the secret that the students' variants are drawn with.

        Raises
        ------
        CourseError
            If it is not there, or anybody but its owner can read it.

        """
        return _read_secret(self._folder / SECRET_FOLDER / _COURSE_KEY)

    def signing_key(self) -> Ed25519PrivateKey:
        """Return the key that signs tickets.

        Raises
        ------
        CourseError
            If it is not there, or anybody but its owner can read it, or it is not this course's.

        """
        key = Ed25519PrivateKey.from_private_bytes(_read_secret(self._folder / SECRET_FOLDER / _SIGNING_KEY))
        if key.public_key().public_bytes_raw().hex() != self.public_key:
            raise CourseError(
                f"the keys in {self._folder / SECRET_FOLDER} are not those of {COURSE_FILE}",
                "Put back the folder that belongs to this course; tickets that were handed out stay valid then.",
            )
        return key


def _read_secret(path: Path) -> bytes:
    try:
        facts = path.stat()
        content = path.read_bytes()
    except OSError as reason:
        raise CourseError(
            f"the course's secret {path} cannot be read ({reason.strerror})",
            "Restore it from your backup: without it nobody's variant can be made again.",
        ) from None
    if facts.st_mode & 0o077:
        raise CourseError(f"others can read the course's secret {path}", f"Close it: chmod 600 {path}")
    if len(content) != _KEY_BYTES:
        raise CourseError(f"{path} is not a course's secret", "Restore it from your backup.")
    return content


def read_course(path: Path) -> Course:
    """Return the course that a file holds; a folder means its ``course.toml``.

    Raises
    ------
    CourseError
        If it is missing, not TOML or does not fit; the message names the file, the key and the remedy.

    """
    path = path / COURSE_FILE if path.is_dir() else path
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise CourseError(f"{path} does not exist", "Make a course: pacslab course init") from None
    except (OSError, UnicodeDecodeError) as reason:
        raise CourseError(f"{path} cannot be read ({reason})", "Save it as UTF-8 text.") from None
    except tomllib.TOMLDecodeError as reason:
        raise CourseError(f"{path} is not valid TOML: {reason}", "Correct that line.") from None
    try:
        course = Course.model_validate(content)
    except ValidationError as reason:
        problem, remedy = describe_invalid(reason, Course)
        raise CourseError(f"{path}: {problem}", remedy) from None
    course._folder = path.resolve().parent  # noqa: SLF001
    for entry in course.scenarios:
        _check_points(path, entry, load_scenario(entry.id))
    return course


def _check_points(path: Path, entry: CourseScenario, scenario: Scenario) -> None:
    known = [*(objective.id for objective in scenario.objectives), *(task.id for task in scenario.written)]
    stray = sorted(set(entry.points) - set(known))
    if stray:
        raise CourseError(
            f"{path}: the scenario {entry.id!r} has no objective {stray[0]!r}",
            f"Its objectives are: {', '.join(known)}.",
        )


_TEMPLATE = """\
# A course of PACS Lab. This file may be shown to anybody; the folder {secret}
# beside it may not: whoever has it can compute every student's answers.

id = "{id}"
title = "{title}"
public_key = "{public_key}"   # what tickets are checked with; never change it

# Of several submissions of a student: "best" or "last".
counts = "best"

[hints]
cost = 1.0                # points that a hint costs, never more than the objective is worth

[late]
grace_minutes = 15
percent_per_day = 10.0    # lost for each day begun after the due date
days = 7                  # later than this earns nothing
{scenarios}"""

_SCENARIO = """
[[scenarios]]
id = "{id}"
# due = 2026-11-30T23:59:00+01:00

# Points that differ from the scenario's own ({points} in all, {written} of them for written answers):
# [scenarios.points]
# {example} = 20
"""


def init_course(
    folder: Path, course_id: str, title: str, scenarios: tuple[str, ...], *, course_key: bytes | None = None
) -> Course:
    """Make a course in a folder: ``course.toml`` and its secret, which only its owner can read.

    Parameters
    ----------
    folder, course_id, title, scenarios
        Where, and what it is called and holds.
    course_key
        32 bytes that a rehearsal knows beforehand; a course draws its own.

    Raises
    ------
    CourseError
        If the folder holds a course already, or the id or title cannot be used.
    ScenarioError
        If there is no such scenario.

    """
    if (folder / COURSE_FILE).exists() or (folder / SECRET_FOLDER).exists():
        raise CourseError(
            f"{folder} holds a course already",
            "Choose another folder: with a new secret every ticket that was handed out would be void.",
        )
    if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", course_id) or len(course_id) > 48:
        raise CourseError(f"the course id {course_id[:60]!r} cannot be used", "Use small letters, digits and '-'.")
    loaded = [load_scenario(scenario_id) for scenario_id in scenarios]
    signing = Ed25519PrivateKey.generate()
    secret = folder / SECRET_FOLDER
    try:
        folder.mkdir(parents=True, exist_ok=True)
        secret.mkdir(mode=0o700)
    except OSError as reason:
        raise CourseError(f"{folder} cannot be made ({reason.strerror})", "Choose another folder.") from None
    contents: Mapping[str, bytes] = {
        _COURSE_KEY: course_key or secrets.token_bytes(_KEY_BYTES),
        _SIGNING_KEY: signing.private_bytes_raw(),
        ".gitignore": b"*\n",
    }
    for name, content in contents.items():
        with os.fdopen(os.open(secret / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(content)
    text = _TEMPLATE.format(
        id=course_id,
        title=re.sub(r'[\x00-\x1f"\\\x7f]', " ", title)[:200] or course_id,
        public_key=signing.public_key().public_bytes_raw().hex(),
        secret=SECRET_FOLDER,
        scenarios="".join(
            _SCENARIO.format(
                id=scenario.id,
                points=scenario.points + sum(task.points for task in scenario.written),
                written=sum(task.points for task in scenario.written),
                example=scenario.objectives[0].id,
            )
            for scenario in loaded
        ),
    )
    (folder / COURSE_FILE).write_text(text, encoding="utf-8")
    return read_course(folder)


def now() -> datetime:
    """Return this moment, to the second, in UTC."""
    return datetime.now(UTC).replace(microsecond=0)
