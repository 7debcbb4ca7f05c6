"""Pages: one for each student, one for the class, one for whoever marks. They run no script and load nothing."""

from __future__ import annotations

import base64
import io
import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pacslab.grading.gradebook.points import stages_of
from pacslab.scenario import Stage, load_scenario
from pacslab.templating import html_environment

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from jinja2 import Environment

    from pacslab.grading.gradebook.gradebook import Gradebook
    from pacslab.grading.gradebook.points import Grade
    from pacslab.scenario import Scenario

_GOOD, _BAD = "#1c7c54", "#b9c4ce"


def _number(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")


def _environment() -> Environment:
    environment = html_environment("pacslab.grading.gradebook")
    environment.globals.update(number=_number, stages=stages_of, part=_part)
    return environment


def _part(stage: str) -> str:
    return "De-identify" if stage == Stage.DEIDENTIFY else stage.capitalize()


@dataclass(frozen=True)
class Plot:
    """A picture (SVG in base64) and what it shows, in words."""

    words: str
    image: str


def write_pages(folder: Path, book: Gradebook, table: str) -> None:
    """Write ``students/<id>.html``, ``class.html`` and ``marking.html`` into a folder."""
    environment = _environment()
    titles = {scenario.id: load_scenario(scenario.id).title for scenario in book.course.scenarios}
    students = folder / "students"
    students.mkdir(parents=True, exist_ok=True)
    page = environment.get_template("student.html")
    by_student: dict[str, list[Grade]] = {}
    for grade in book.grades:
        by_student.setdefault(grade.student, []).append(grade)
    for student in book.roster:
        own = sorted(by_student.get(student.id, []), key=lambda grade: (grade.scenario, not grade.counts))
        text = page.render(
            course=book.course,
            student=student.id,
            name=student.name,
            grades=own,
            titles=titles,
            replays=book.replays,
        )
        (students / f"{student.id}.html").write_text(text, encoding="utf-8")
    (folder / "class.html").write_text(_class_page(environment, book), encoding="utf-8")
    answers = [
        {"task": task, "name": grade.name, "student": grade.student, "scenario": grade.scenario}
        for grade in book.counting()
        for task in grade.written
        if task.text
    ]
    answers.sort(key=lambda answer: str(answer["task"].id))  # type: ignore[attr-defined]
    text = environment.get_template("marking.html").render(course=book.course, answers=answers, table=table)
    (folder / "marking.html").write_text(text, encoding="utf-8")


def _class_page(environment: Environment, book: Gradebook) -> str:
    counting = book.counting()
    return environment.get_template("class.html").render(
        course=book.course,
        book=book,
        counting=counting,
        sent=sum(grade.state != "missing" for grade in counting),
        unmarked=sum(len(grade.unmarked) for grade in counting),
        again=[grade.name for grade in book.grades if grade.state == "grade again"],
        signalled=[grade for grade in book.grades if grade.signals],
        scenarios=[
            _of_scenario(load_scenario(scenario.id), [grade for grade in counting if grade.scenario == scenario.id])
            for scenario in book.course.scenarios
        ],
    )


def _of_scenario(scenario: Scenario, grades: list[Grade]) -> dict[str, Any]:
    handed_in = [grade for grade in grades if grade.state != "missing"]
    points = [grade.points for grade in handed_in] or [0.0]
    out_of = grades[0].out_of if grades else float(scenario.points)
    rows = [
        {
            "title": objective.title,
            "stage": str(objective.stage),
            "reached": sum(_reached(grade, objective.id) for grade in handed_in),
            "hints": sum(part.hints for grade in handed_in for part in grade.objectives if part.id == objective.id),
        }
        for objective in scenario.objectives
    ]
    minutes = [grade.seconds_at_work / 60 for grade in handed_in if grade.seconds_at_work]
    return {
        "title": scenario.title,
        "mean": statistics.fmean(points),
        "median": statistics.median(points),
        "out_of": out_of,
        "handed_in": len(handed_in),
        "minutes": statistics.median(minutes) if minutes else 0.0,
        "hardest": sorted(rows, key=lambda row: int(row["reached"])),
        "plots": [_distribution(points, out_of), _parts(handed_in), *_times(minutes)],
    }


def _reached(grade: Grade, objective: str) -> bool:
    return any(
        objective_grade.id == objective and bool(objective_grade.reached) for objective_grade in grade.objectives
    )


def _figure(height: float) -> tuple[Any, Any]:
    import matplotlib as mpl  # noqa: PLC0415 - slow to import, and only this page needs it

    mpl.use("agg")
    mpl.rcParams["svg.hashsalt"] = "pacslab"
    from matplotlib import pyplot as plt  # noqa: PLC0415

    figure, axes = plt.subplots(figsize=(8.4, height), layout="constrained")
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes


def _drawn(figure: Any, words: str) -> Plot:
    from matplotlib import pyplot as plt  # noqa: PLC0415

    buffer = io.BytesIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None})
    plt.close(figure)
    return Plot(words, base64.b64encode(buffer.getvalue()).decode())


def _distribution(points: Sequence[float], out_of: float) -> Plot:
    figure, axes = _figure(2.6)
    step = max(out_of / 20, 0.5)
    axes.hist(points, bins=[step * number for number in range(21)], color=_GOOD, rwidth=0.92)
    axes.set(xlim=(0, out_of), xlabel=f"points, of {_number(out_of)}", ylabel="students")
    axes.yaxis.get_major_locator().set_params(integer=True)
    return _drawn(figure, "How the points are distributed")


def _parts(grades: list[Grade]) -> Plot:
    """Draw for each part of the lab how much of its points every student earned: who is stuck where."""
    shares: dict[str, list[float]] = {}
    for grade in grades:
        for stage, (earned, out_of) in stages_of(grade.objectives).items():
            shares.setdefault(_part(stage), []).append(100 * earned / out_of if out_of else 0.0)
    figure, axes = _figure(0.9 + 0.42 * len(shares))
    if shares:
        axes.boxplot(
            list(shares.values())[::-1],
            orientation="horizontal",
            widths=0.5,
            patch_artist=True,
            boxprops={"facecolor": _BAD, "edgecolor": _BAD},
            medianprops={"color": _GOOD, "linewidth": 3},
            whiskerprops={"color": _BAD},
            capprops={"color": _BAD},
            flierprops={"marker": "o", "markersize": 4, "markerfacecolor": _BAD, "markeredgecolor": _BAD},
        )
        axes.set_yticks(range(1, len(shares) + 1), list(shares)[::-1])
    axes.set(xlabel="per cent of the part's points; the line is the median student", xlim=(-3, 103))
    return _drawn(figure, "Where the class stands in each part")


def _times(minutes: list[float]) -> list[Plot]:
    if not minutes:
        return []
    figure, axes = _figure(2.2)
    axes.hist(minutes, bins=min(20, max(5, len(minutes) // 3)), color=_GOOD, rwidth=0.92)
    axes.set(xlabel="minutes at work (pauses of more than 20 minutes left out)", ylabel="students")
    axes.yaxis.get_major_locator().set_params(integer=True)
    return [_drawn(figure, "How long students worked")]
