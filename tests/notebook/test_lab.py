"""``Lab`` as a student uses it: in a notebook's kernel, in a terminal, after a restart, and when something is wrong."""

import os
import re
import signal
from html import escape
from pathlib import Path

import httpx
import nbformat
import pytest
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

from pacslab import Lab
from pacslab.errors import DeploymentError, ObjectiveError, PacslabError
from pacslab.grading import read_progress
from pacslab.notebook import html_views
from pacslab.notebook.error_box import explain
from pacslab.probes import Assessment, Finding, Outcome, Side
from pacslab.session_models import CheckResult
from tests.support.servers import sessions


class Kernel:
    """A notebook's kernel that runs cell after cell; ``run`` returns the cell's outputs."""

    def __init__(self, folder, session):
        self.notebook = nbformat.v4.new_notebook()
        self.client = NotebookClient(self.notebook, timeout=120, resources={"metadata": {"path": str(folder)}})
        self.environment = {
            **os.environ,
            "PACSLAB_STUDENT": session.student,
            "PACSLAB_RUNTIME": session.status().runtime,
        }

    def __enter__(self):
        self.kernel = self.client.setup_kernel(env=self.environment)
        self.kernel.__enter__()
        return self

    def __exit__(self, *reason):
        self.kernel.__exit__(*reason)

    def run(self, code):
        self.notebook.cells.append(nbformat.v4.new_code_cell(code))
        cell = self.notebook.cells[-1]
        self.client.execute_cell(cell, len(self.notebook.cells) - 1)
        return cell.outputs

    def fails(self, code):
        """Run a cell that must fail, and return its outputs."""
        with pytest.raises(CellExecutionError):
            self.run(code)
        return self.notebook.cells[-1].outputs


@pytest.fixture(scope="module")
def in_each_runtime(module_session):
    return module_session("lab")


@pytest.fixture(scope="module")
def session(program):
    program("Orthanc")
    with sessions("process", "lab-alone") as start:
        yield start("student")


@pytest.fixture
def lab(session):
    return Lab("open-archive", student=session.student)


@pytest.fixture
def kernel(session, tmp_path):
    with Kernel(tmp_path, session) as kernel:
        yield kernel


def html(outputs):
    return "\n".join(output.get("data", {}).get("text/html", "") for output in outputs)


def text(outputs):
    return "\n".join(output.get("data", {}).get("text/plain", "") or output.get("text", "") for output in outputs)


def test_lab_in_a_new_kernel_finds_the_running_servers(in_each_runtime, tmp_path):
    session = in_each_runtime
    code = 'import os\nfrom pacslab import Lab\nlab = Lab("open-archive")\nlab.start()\nprint(lab.url, os.getpid())'
    with Kernel(tmp_path, session) as first:
        outputs = first.run(code)
        assert "✓ running" in html(outputs)
        address, process = outputs[-1].text.split()
        assert address == session.url
        os.kill(int(process), signal.SIGKILL)
    with Kernel(tmp_path, session) as second:
        assert session.url in text(second.run(code))
        assert "✓ running" in html(second.run("lab.status()"))


def test_lab_start_shows_progress_in_one_place(program, tmp_path):
    program("Orthanc")
    with sessions("process", "progress") as start:
        session = start("student")
        session.stop()
        with Kernel(tmp_path, session) as kernel:
            shown = []
            output = kernel.client.output
            kernel.client.output = lambda outs, msg, *rest: (shown.append(msg), output(outs, msg, *rest))[1]
            update = kernel.client._update_display_id
            kernel.client._update_display_id = lambda ident, msg: (shown.append(msg), update(ident, msg))[1]
            outputs = kernel.run('from pacslab import Lab\nLab("open-archive").start()')
        pages_shown = [
            cell_output["content"]["data"]["text/plain"] for cell_output in shown if "data" in cell_output["content"]
        ]
        parts = [int(found[1]) for age in pages_shown if (found := re.search(r"(\d+)%$", age))]
        assert len(parts) >= 5, pages_shown
        assert parts == sorted(parts)
        assert parts[0] < 5
        assert parts[-1] >= 80
        assert any("Starting the archive" in age for age in pages_shown)
        assert (
            len(
                {
                    cell_output["content"]["transient"]["display_id"]
                    for cell_output in shown
                    if "data" in cell_output["content"]
                }
            )
            == 1
        )
        assert len(outputs) == 1, "the bar is gone when the servers stand there"
        assert "✓ running" in html(outputs)
        assert "%" not in text(outputs)


def test_lab_calls_show_themselves_once(kernel, session):
    kernel.run('from pacslab import Lab\nlab = Lab("open-archive")')
    both = kernel.run('lab.task("archive-title")\nlab.task("patient-count")')
    assert len(both) == 2
    again = kernel.run('one = lab.check("archive-title", "x")\ntwo = 2')
    assert html(again).count("✗ not yet") == 1
    assert html(kernel.run("one")).count("✗ not yet") == 1
    assert f"of {session.scenario.points} points" in html(kernel.run("lab.score"))
    for name in ("status", "changes"):
        assert len(kernel.run(f"lab.{name}()")) == 1


def test_lab_error_is_a_box_and_stops_the_cell(kernel):
    kernel.run('from pacslab import Lab\nlab = Lab("open-archive")')
    outputs = kernel.fails('lab.check("patient-cuont", 3)\nprint("not reached")')
    assert "Did you mean" in html(outputs)
    assert "What to do:" in html(outputs)
    assert not [output for output in outputs if output.output_type in {"error", "stream"}]
    refused = kernel.fails('lab.archive().get_patients_id("nothing")')
    assert "HTTP status 404" in html(refused)
    assert "Did you mean &#39;open-archive&#39;" in html(kernel.fails('Lab("open-archiv")'))
    programming = kernel.fails("1 / 0")
    assert programming[0].output_type == "error"


def test_lab_calls_in_a_terminal_give_text(lab):
    assert "CT01" in repr(lab.status())
    assert "the archive under attack" in repr(lab)
    assert repr(lab.hint("archive-title")).startswith("Hint ")
    assert "How many patients" in repr(lab.task("patient-count"))
    wrong = lab.check("patient-count", 1)
    assert repr(wrong).startswith("✗ ")
    assert wrong.passed is False
    right = lab.check("patient-count", lab.session.key.facts["patient_count"])
    assert repr(right).startswith("✓ ")
    assert lab.earned("patient-count")
    assert not lab.earned("close-web")
    assert "Discover: 5 of 20" in repr(lab.score)


def test_lab_hints_grow_and_the_last_stays(lab):
    shown = [lab.hint("stranger-find").content for _ in range(4)]
    assert [(output.number, output.out_of) for output in shown] == [(1, 3), (2, 3), (3, 3), (3, 3)]
    assert [line.text for line in shown[:3]] == list(lab.session.scenario.objective("stranger-find").hints)
    assert lab.task("stranger-find").content.hints_left == 0


def test_lab_explanation_comes_with_the_right_answer(lab):
    explanation = lab.session.scenario.objective("number-owner").explanation
    assert not lab.check("number-owner", "Nobody^At All").content.explanation
    ending = lab.session.key.facts["asked_number_ending"]
    owner = next(patient.name for patient in lab.session.key.patients if patient.patient_id.endswith(ending))
    right = lab.check("number-owner", owner)
    assert right.content.explanation == explanation
    assert "What this means." in right._repr_html_()


def test_lab_assess_shows_both_sides(in_each_runtime):
    seen = Lab("open-archive", student=in_each_runtime.student).assess()
    assert seen.exposed
    assert not seen.broken
    assert "✗ EXPOSED" in repr(seen)
    assert "✗ open" in seen._repr_html_()
    assert "✓ works" in seen._repr_html_()
    known = seen.finding("http-anonymous-rest").registered[0]
    for words in (known.cwe, str(known.score), known.cvss, *known.controls, known.source):
        assert escape(words, quote=False) in seen._repr_html_().replace("&#39;", "'").replace("&#34;", '"')


def test_lab_practice_earns_nothing(lab):
    before = read_progress(lab.work)
    assert lab.practice(...).passed is None
    assert lab.practice(3).passed is False
    assert lab.practice("4").passed is True
    assert read_progress(lab.work) == before


def test_lab_options_are_set_in_the_students_file(lab):
    try:
        rows = lab.set_options(DicomAlwaysAllowFind=False).content
        assert [sign for sign, _, _ in rows] == ["-", "+"]
        assert '"DicomAlwaysAllowFind" : false' in (lab.work / "orthanc.json").read_text(encoding="utf-8")
        assert lab.changes().content == rows
    finally:
        lab.reset()
    assert lab.changes().content == []


def test_lab_submission_is_packed_with_a_receipt(lab, tmp_path):
    receipt = lab.submit(tmp_path)
    assert Path(receipt.path).parent == tmp_path
    assert Path(receipt.path).stat().st_size == receipt.size
    assert receipt.sha256 in repr(receipt)
    assert receipt.sha256 in receipt._repr_html_()
    assert "orthanc.json" in receipt._repr_html_()


def test_lab_show_without_anything_is_no_error(lab, capsys):
    lab.show(...)
    assert "nothing to show yet" in capsys.readouterr().out
    with pytest.raises(ObjectiveError, match="shows you nothing"):
        lab.show("no-such-identifier")
    series = next(
        series_of_ct
        for series_of_ct in lab.archive().get_series({"expand": ""})
        if series_of_ct["MainDicomTags"]["Modality"] == "CT"
    )
    lab.show(series["ID"])
    assert capsys.readouterr().out.count("CT ·") == len(series["Instances"])


def test_panel_buttons_do_what_they_say(lab):
    panel = lab.panel()
    try:
        assert panel.buttons["start"].disabled
        assert f'<a href="{lab.url}" target="_blank"' in panel.overview.value
        panel.press("assess")
        assert "ways in" in panel.message.value
        panel.press("reset")
        panel.sure.click()
        assert "as shipped" in panel.message.value
        (lab.work / "orthanc.json").write_text("{", encoding="utf-8")
        panel.press("restart")
        assert "This did not work" in panel.message.value
        assert "✓ running" in panel.overview.value
        panel.press("reset")
        panel.sure.click()
        panel.buttons["stop"].click()
        assert "not running" in panel.overview.value
        assert [name for name, button in panel.buttons.items() if not button.disabled] == ["start"]
        panel.buttons["start"].click()
        assert "✓ running" in panel.overview.value
    finally:
        panel.close()


def test_panel_buttons_are_readable_and_states_have_words():
    style = (html_views.Path(html_views.__file__).parent / "templates" / "frame.html").read_text(encoding="utf-8")
    for colour in re.findall(r"--(?:good|bad|unsure): (#[0-9a-f]{6})", style)[:3]:
        assert contrast(colour, "#f0f1f3") >= 4.5
    for colour in re.findall(r"--(?:good|bad|unsure): (#[0-9a-f]{6})", style)[3:]:
        assert contrast(colour, "#1a1d21") >= 4.5
    assert len({(style.sign, style.page_word) for style in html_views.OUTCOMES.values()}) == len(Outcome)


def contrast(image, other):
    """Return WCAG's contrast ratio of two colours."""

    def luminance(colour):
        parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    dark, light = sorted((luminance(image), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def test_markup_of_a_file_stays_text():
    evil = "<script>alert(1)</script>"
    finding = Finding(
        id="x",
        side=Side.ATTACK,
        title=evil,
        outcome=Outcome.EXPOSED,
        severity="high",
        evidence=evil,
        try_it=evil,
        explanation=evil,
        seconds=0.1,
    )
    check = CheckResult(objective="x", title=evil, passed=False, points=0, out_of=1, message=evil, reasons=(evil,))
    shown = [
        html_views.assessment(Assessment(findings=(finding,))),
        html_views.check(check),
        html_views.trouble(PacslabError(evil, evil, (evil,))),
        html_views.progress(evil, 0.5),
        html_views.changes([("+", "new", evil)], evil),
    ]
    for output in shown:
        assert "&lt;script&gt;" in output
        assert "<script>" not in output


def test_lab_stopped_says_how_to_start():
    lab = Lab("open-archive", student="never-started")
    assert "lab.start()" in lab._repr_html_()
    with pytest.raises(DeploymentError):
        lab.restart()
    problem = explain(DeploymentError("it is not running", "Start it."))
    assert problem.remedy == "Start it."


def test_association_refused_is_shown_as_a_refusal():
    text = 'HTTP code: 500, with text: {"Details" : "DicomAssociation - %s"}'
    for said in (
        r"connecting to AET \"ARCHIVE\": DUL Association Rejected",
        r"C-FIND to AET \"ARCHIVE\": Peer aborted",
    ):
        problem = explain(httpx.HTTPError(text % said))
        assert "over DICOM" in problem.problem
        assert said.rsplit(": ", 1)[1] in problem.problem
        assert "that is a success" in problem.remedy
