"""Grading: a submission of the open archive against ``nbgrader autograde`` and otter on a notebook of one cell.

nbgrader and otter are installed into an environment of their own, once. Submissions hold a configuration, answers
and 40 de-identified instances; seconds are those of the whole batch divided by its submissions.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from ratio import Ratio

if TYPE_CHECKING:
    from collections.abc import Iterator

GRADERS = Path(__file__).parents[2] / ".build" / "bench-graders"
PER_ROUND = 20  # submissions; five rounds are the hundred of a class
INSTANCES = 40
NOTEBOOKS = 4
_GIGABYTE = 1 << 30
_TWO_CORES = 2

_GRADE = """
import json, os, sys, time
os.sched_setaffinity(0, set(json.loads(sys.argv[5])))
from pathlib import Path
from pacslab.grading.course.course import read_course
from pacslab.grading.gradebook.gradebook import GradingRequest, grade_class
from pacslab.grading.course.roster import read_roster

if __name__ == "__main__":
    course, submissions, results, roster = map(Path, sys.argv[1:5])
    started = time.perf_counter()
    book = grade_class(GradingRequest(submissions, read_course(course), read_roster(roster), results, "process"))
    points = [grade.points for grade in book.counting()]
    assert book.certain and len(set(points)) == 1, points
    print(time.perf_counter() - started)
"""


def measure(rounds: int) -> Iterator[Ratio]:
    """Yield seconds a submission against nbgrader's and otter's, peak memory, and what a second core brings."""
    cores = sorted(os.sched_getaffinity(0))[:_TWO_CORES]
    count = PER_ROUND * rounds
    with tempfile.TemporaryDirectory(prefix="pacslab-bench-grading-") as place:
        folder = Path(place)
        _make_class(folder, count)
        nbgrader, otter = _nbgrader(folder / "nbgrader"), _otter(folder / "otter")
        both, memory = _grade(folder, "both", cores)
        note = f"{count} submissions of {INSTANCES} instances"
        yield Ratio("a submission graded", both / count, nbgrader, 2 / 3, "nbgrader autograde of one cell", note=note)
        if otter is not None:
            yield Ratio("a submission graded", both / count, otter, 2.0, "otter run of one cell", note=note)
        yield Ratio("memory of a batch", memory / _GIGABYTE, 1.0, 1.0, "a gigabyte", unit="GB")
        if len(cores) == _TWO_CORES:
            alone, _ = _grade(folder, "one", cores[:1])
            yield Ratio("a second core", alone / both, 2.0, 0.8, "twice as fast", unit="x", at_least=True)


def _make_class(folder: Path, count: int) -> None:
    from pacslab.grading import (  # noqa: PLC0415
        Student,
        init_course,
        make_submission,
        submission_profiles,
    )

    course = init_course(folder / "course", "bench", "Bench", ("open-archive",))
    (folder / "in").mkdir()
    names = [f"s{number:03}" for number in range(count)]
    (folder / "roster.csv").write_text("student\n" + "\n".join(names) + "\n", encoding="utf-8")
    profile = submission_profiles()["perfect"]
    for name in names:
        make_submission(course, Student(id=name, name=name), profile, folder / "in", instances=INSTANCES)


def _grade(folder: Path, to: str, cores: list[int]) -> tuple[float, int]:
    """Return the seconds of a whole batch with an empty cache, and the most memory that its processes held together."""
    script = folder / "grade.py"
    script.write_text(_GRADE, encoding="utf-8")
    environment = {**os.environ, "PACSLAB_CACHE": str(folder / f"cache-{to}")}
    command = [sys.executable, str(script), *(str(folder / name) for name in ("course", "in", to, "roster.csv"))]
    process = subprocess.Popen(
        [*command, json.dumps(cores)], stdout=subprocess.PIPE, text=True, env=environment, start_new_session=True
    )
    peak, over = [0], threading.Event()
    watcher = threading.Thread(target=_watch, args=(process.pid, peak, over))
    watcher.start()
    try:
        output, _ = process.communicate()
    finally:
        process.send_signal(signal.SIGINT)  # ends the batch's servers, too; nothing where it is over
        process.wait()
        over.set()
        watcher.join()
    if process.returncode:
        raise SystemExit("the batch failed")
    return float(output), peak[0]


def _watch(root: int, peak: list[int], over: threading.Event) -> None:
    while not over.wait(0.5):
        peak[0] = max(peak[0], sum(_held(process) for process in _family(root)))


def _family(root: int) -> set[int]:
    """Return a process and all below it, and the servers that it started (which are sessions of their own)."""
    parents = {}
    for entry in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            fields = entry.read_text().rsplit(")", 1)[1].split()
            parents[int(entry.parent.name)] = int(fields[1])
    family = {root}
    while more := {pid for pid, parent in parents.items() if parent in family} - family:
        family |= more
    return family


def _held(pid: int) -> int:
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    return 0


# What runs beside it ---------------------------------------------------------------------------------------------

_CONFIG = "c = get_config()\nc.CourseDirectory.course_id = 'bench'\n"


def _environment() -> Path:
    """Return the folder of programs of the environment that nbgrader and otter live in."""
    programs = GRADERS / "bin"
    if not (programs / "nbgrader").exists() or not (programs / "otter").exists():
        uv = [sys.executable, "-m", "uv"]
        subprocess.run([*uv, "venv", "-q", "--clear", str(GRADERS)], check=True)
        install = [
            "pip",
            "install",
            "-q",
            "--python",
            str(programs / "python"),
            "nbgrader",
            "otter-grader",
            "ipykernel",
        ]
        subprocess.run([*uv, *install], check=True)
    return programs


def _cell(kind: str, source: str, **metadata: object) -> dict[str, object]:
    more = {"outputs": [], "execution_count": None} if kind == "code" else {}
    return {
        "cell_type": kind,
        "metadata": metadata,
        "source": source,
        "id": f"cell-{abs(hash(source)) % 10**8}",
        **more,
    }


def _notebook(cells: list[dict[str, object]]) -> str:
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    content = {"cells": cells, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(content)


def _run(folder: Path, *command: str) -> float:
    programs = _environment()
    environment = {**os.environ, "PATH": f"{programs}:{os.environ['PATH']}", "PYTHONPATH": "", "HOME": str(folder)}
    started = time.perf_counter()
    result = subprocess.run(
        [str(programs / command[0]), *command[1:]],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{result.stdout[-800:]}\n{result.stderr[-2000:]}")
    return time.perf_counter() - started


def _nbgrader(folder: Path) -> float:
    """Return the seconds that ``nbgrader autograde`` takes for one notebook with one graded cell."""
    grade = {"schema_version": 3, "grade": True, "grade_id": "one", "locked": False, "solution": True, "points": 1}
    source = folder / "source" / "lab" / "one.ipynb"
    source.parent.mkdir(parents=True)
    (folder / "nbgrader_config.py").write_text(_CONFIG)
    source.write_text(_notebook([_cell("code", "assert 1 + 1 == 2", nbgrader={**grade, "task": False})]))
    _run(folder, "nbgrader", "generate_assignment", "lab", "--create")
    released = (folder / "release" / "lab" / "one.ipynb").read_bytes()
    for number in range(NOTEBOOKS):
        copy = folder / "submitted" / f"s{number}" / "lab" / "one.ipynb"
        copy.parent.mkdir(parents=True)
        copy.write_bytes(released)
    return _run(folder, "nbgrader", "autograde", "lab", "--create") / NOTEBOOKS


def _otter(folder: Path) -> float | None:
    """Return the seconds that ``otter run`` takes for a notebook with one test; None where it does not run here."""
    folder.mkdir(parents=True)
    head = "# ASSIGNMENT CONFIG\ngenerate: true\nexport_cell: false\ninit_cell: true\nrun_tests: false\n"
    cells = [
        _cell("raw", head),
        _cell("raw", "# BEGIN QUESTION\nname: one\npoints: 1\n"),
        _cell("raw", "# BEGIN SOLUTION"),
        _cell("code", "x = 2 # SOLUTION"),
        _cell("raw", "# END SOLUTION"),
        _cell("raw", "# BEGIN TESTS"),
        _cell("code", "assert x == 2"),
        _cell("raw", "# END TESTS"),
        _cell("raw", "# END QUESTION"),
    ]
    (folder / "one.ipynb").write_text(_notebook(cells))
    try:
        _run(folder, "otter", "assign", "one.ipynb", "dist", "--no-run-tests")
        package = next((folder / "dist" / "autograder").glob("*.zip"))
        notebook = folder / "dist" / "autograder" / "one.ipynb"
        return min(_run(folder, "otter", "run", "-a", str(package), str(notebook)) for _ in range(2))
    except (SystemExit, StopIteration) as reason:
        print(f"- otter does not run here: {str(reason)[-400:]}", file=sys.stderr)
        return None
