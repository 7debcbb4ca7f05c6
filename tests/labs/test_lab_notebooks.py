"""Every lab from top to bottom: solved, it earns all its points; untouched, it earns none and nothing ugly appears.

Any source in ``labs/source`` is taken, in order, by one student who solves everything and one who only runs cells.
"""

import os

import nbformat
import pytest
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

from pacslab.notebook import build, fill_workspace, sources
from pacslab.paths import workspace
from pacslab.probes import PROBES
from pacslab.scenario import load_scenario
from pacslab.session import Session
from tests.support.places import ROOT

SOURCES = sources(ROOT / "labs" / "source")
NAMES = [source.stem for source in SOURCES]
BUILT = {source.stem: build(source) for source in SOURCES}
SCENARIO = {source.stem: source.read_text(encoding="utf-8").split('Lab("')[1].split('"')[0] for source in SOURCES}


def labs_of(scenario):
    """Return a scenario's labs, in teaching order."""
    return [name for name in NAMES if SCENARIO[name] == scenario]


def displayed(output):
    """Return what an output says to somebody who reads it as text."""
    return str(output.get("text") or output.get("data", {}).get("text/plain", ""))


def run_cells(notebook, environment):
    """Run a notebook's cells; where one fails, tell with it what it and those before it displayed."""
    folder = {"metadata": {"path": str(workspace() / "labs")}}
    try:
        NotebookClient(notebook, timeout=200, resources=folder).execute(env=environment)
    except CellExecutionError as failure:
        ran = [cell for cell in notebook.cells if cell.cell_type == "code" and cell.execution_count]
        told = [f">>> {cell.source}\n{''.join(map(displayed, cell.outputs))}" for cell in ran]
        pytest.fail("\n".join([*told, str(failure)]), pytrace=False)


def by_reader(params):
    """Return the worker group of a test: one reader works through the labs of a scenario, in order."""
    scenario = params.get("scenario") or SCENARIO[params.get("name", "05_harden")]
    return f"{scenario} read by {params.get('runtime', 'a beginner')}"


pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200), pytest.mark.worker_group.with_args(by_reader)]


class Reader:
    """A student who runs every cell of the labs: the notebooks with their outputs, and the points after each.

    A lab is read when it is first asked for, after those before it of the same scenario; a scenario's servers end with
    its last lab.
    """

    def __init__(self, student, runtime, kind):
        self.student = student
        self.kind = kind
        self.notebooks = {}
        self.points = {}
        self._environment = {**os.environ, "PACSLAB_STUDENT": student, "PACSLAB_RUNTIME": runtime}
        fill_workspace()

    def read(self, name):
        """Return a lab's notebook with its outputs."""
        labs = labs_of(SCENARIO[name])
        for lab in labs[: labs.index(name) + 1]:
            if lab not in self.notebooks:
                self._run(lab)
        if name == labs[-1]:
            self.session(SCENARIO[name]).stop()
        return self.notebooks[name]

    def _run(self, name):
        notebook = nbformat.reads(getattr(BUILT[name], self.kind), as_version=4)
        run_cells(notebook, self._environment)
        self.notebooks[name] = notebook
        self.points[name] = self.session(SCENARIO[name]).score.points

    def leave(self):
        """End every server."""
        for scenario in set(SCENARIO.values()):
            self.session(scenario).stop()

    def session(self, scenario):
        return Session(scenario, student=self.student)

    def outputs(self, name):
        cells = self.read(name).cells
        return [output for cell in cells if cell.cell_type == "code" for output in cell.outputs]

    def said(self, name):
        """Return everything that a notebook's outputs say, as one text."""
        return "\n".join(
            str(text)
            for output in self.outputs(name)
            for text in (output.get("text", ""), *output.get("data", {}).values())
        )


@pytest.fixture(scope="module")
def solver(runtime):
    student = Reader(f"solver-{runtime}", runtime, "instructor")
    yield student
    student.leave()


@pytest.fixture(scope="module")
def beginner(program):
    program("Orthanc")
    student = Reader("beginner", "process", "student")
    yield student
    student.leave()


def worth(name):
    """Return what a lab's graded cells are worth together."""
    cells = nbformat.reads(BUILT[name].student, as_version=4).cells
    return sum(cell.metadata.get("nbgrader", {}).get("points", 0) for cell in cells)


def test_notebook_cell_that_fails_shows_what_came_before():
    fill_workspace()
    cells = ["from pacslab import Lab\nLab('open-archive').score", "print('as good', 'as done')", "assert 1 > 2"]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    with pytest.raises(pytest.fail.Exception) as failure:
        run_cells(notebook, dict(os.environ))
    for told in ("0 of", "as good as done", "assert 1 > 2", "AssertionError"):
        assert told in str(failure.value)


@pytest.mark.parametrize("name", NAMES)
def test_notebook_solved_earns_all_its_points(solver, name):
    labs = labs_of(SCENARIO[name])
    assert not [output for output in solver.outputs(name) if output.output_type == "error"]
    assert solver.points[name] == sum(worth(lab) for lab in labs[: labs.index(name) + 1])


WEB = {f"http-anonymous-{interface}" for interface in ("rest", "dicomweb", "wado")} | {
    f"http-{kind}-password" for kind in ("known", "derived", "blank")
}
PEOPLE = {"clinic-radiologist-views", "clinic-dicomweb-views", "clinic-administrator-works"}
STEPS = [
    {},
    {"Closed": WEB, "Broken": PEOPLE},  # nobody connects from outside
    {"Open": WEB, "Working again": PEOPLE},  # taken back
    {"Closed": WEB, "Broken": PEOPLE},  # passwords, and nobody was told
    {"Working again": PEOPLE},  # told
    {"Closed": {"dicom-find-stranger"}},
    {"Closed": {"dicom-move-stranger", "dicom-get-stranger"}},
    {"Closed": {"dicom-old-device", "dicom-borrowed-title"}},
    {},
]


def turned(output):
    """Return what an assessment's output says has turned since the last one: the probes by the word for it."""
    by_title = {probe.title: probe.id for probe in PROBES.values()}
    lines = [
        line.split(" since the last look: ") for line in displayed(output).splitlines() if " since the last" in line
    ]
    return {words: {by_title[title] for title in titles.removesuffix(".").split("; ")} for words, titles in lines}


def test_notebook_on_hardening_shows_each_change(solver):
    looks = [output for output in solver.outputs("05_harden") if "A stranger tries to" in displayed(output)]
    assert [turned(output) for output in looks] == STEPS


@pytest.mark.worker_group.with_args(lambda params: by_reader({**params, "name": "02_dicom_network"}))
def test_notebook_on_the_network_shows_nmap_and_refusals(solver, program):
    program("nmap")
    said = solver.said("02_dicom_network")
    assert said.index("Any AET is accepted") < said.index("Called AET check enabled")
    assert "ROGUE  calls ARCHIVE  rejected: Calling AE title not recognised" in said
    assert "'192.0.2.17' is not an address of a lab network on this machine, and nothing was sent to it" in said


@pytest.mark.parametrize("scenario", sorted(set(SCENARIO.values())))
def test_notebooks_of_a_scenario_earn_all_its_points(solver, scenario):
    solver.read(labs_of(scenario)[-1])
    score = solver.session(scenario).score
    assert [objective.id for objective in score.objectives if objective.points < objective.out_of] == []
    assert score.points == score.out_of == load_scenario(scenario).points


@pytest.mark.parametrize("name", NAMES)
def test_notebook_untouched_runs_and_earns_nothing(beginner, name):
    said = beginner.said(name)
    assert beginner.points[name] == 0
    for ugly in ("Traceback", "Error:", "This did not work", "Exception"):
        assert ugly not in said
    assert not [output for output in beginner.outputs(name) if output.output_type in {"error", "stderr"}]
    assert not [output for output in beginner.outputs(name) if output.get("name") == "stderr"]


@pytest.mark.parametrize("name", [scenario_name for scenario_name in NAMES if worth(scenario_name)])
def test_notebook_untouched_says_what_is_missing(beginner, name):
    checks = [cell for cell in beginner.read(name).cells if cell.metadata.get("nbgrader", {}).get("grade")]
    assert checks
    for cell in checks:
        html = "".join(output.get("data", {}).get("text/html", "") for output in cell.outputs)
        assert "✗ not yet" in html or "… open" in html
