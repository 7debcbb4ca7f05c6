"""The report: the same result as words, as a table and as JSON, and the checks that the scenario asks for."""

from __future__ import annotations

import base64
import html
import io
import json
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image
from rich.console import Console

from pacslab.cohort import Identifier, Location
from pacslab.deid.audit.report.model import CheckId, DeidReport, check_of
from pacslab.deid.audit.report.thumbnail import FRAME
from pacslab.grading import judge_deid
from pacslab.scenario import DeidObjective, load_scenario
from tests.support.cohorts import original

if TYPE_CHECKING:
    from tests.support.outputs import Output


def printed(report: DeidReport) -> str:
    console = Console(width=160)
    with console.capture() as capture:
        console.print(report)
    return capture.get()


def test_report_of_a_clean_output_says_so(output: Output) -> None:
    report = output.audit()
    assert report.passed
    assert report.files_expected == report.files_found == 4
    assert report.leaks == ()
    assert "FAIL" not in report.summary()
    assert "✘" not in printed(report)


def test_report_of_a_leak_names_it_in_words(output: Output) -> None:
    output.edit_all(lambda dataset: setattr(dataset, "PatientName", original().key.patients[0].name))
    report = output.audit()
    sentence = "the patient's name is in PatientName (0010,0010) (image-0001.dcm and 3 more)"
    assert report.check("headers").worst == (sentence,)
    assert sentence in report.summary()
    assert "the patient's name is in PatientName (0010,0010)" in printed(report)


def test_report_lists_the_worst_first(output: Output) -> None:
    for path, content in zip(output.paths, original().images, strict=True):
        path.write_bytes(content)
    worst = output.audit().check("headers").worst
    assert worst[0].startswith("the patient's name")
    assert worst[-1].startswith("and ")


def test_report_prints_file_names_as_they_are(output: Output) -> None:
    """Square brackets in them are no style of the table."""
    (output.folder / "a[").mkdir()
    (output.folder / "a[" / "red]b.txt").write_text("hello")
    output.edit(lambda dataset: setattr(dataset, "PatientName", original().key.patients[0].name))
    output.paths[0].rename(output.folder / "[bold]1.dcm")
    said = printed(output.audit())
    assert "a[/red]b.txt is not a DICOM file" in said
    assert "(0010,0010)" in said
    assert "[bold]1.dcm" in said


def test_report_frames_the_image_of_a_burned_in_name(output: Output) -> None:
    source = output.source()
    output.edit(lambda dataset: setattr(dataset, "PixelData", source.PixelData))
    report = output.audit()
    (name,) = {image.file for image in report.pictures}
    assert name == "image-0001.dcm"
    shown = next(image for image in report.pictures if "name" in image.words)
    picture = np.asarray(Image.open(io.BytesIO(base64.b64decode(shown.png))).convert("RGB"))
    scale = picture.shape[1] / source.Columns
    boxes = [
        identifier.box
        for identifier in original().key.planted_in({source.SOPInstanceUID})
        if identifier.path == "pixels" and identifier.kind is Identifier.NAME
    ]
    for box in filter(None, boxes):
        rows = [int(edge * scale) for edge in (box.row, box.row + box.height)]
        columns = [int(edge * scale) for edge in (box.column, box.column + box.width)]
        for row in rows:
            assert (picture[row, columns[0] : columns[1]] == FRAME).all(axis=-1).mean() > 0.9
        for column in columns:
            assert (picture[rows[0] : rows[1], column] == FRAME).all(axis=-1).mean() > 0.9
    assert any(boxes)
    for page in (report.html(), report._repr_html_()):
        assert f'src="data:image/png;base64,{shown.png}"' in page
        assert shown.words in html.unescape(page)


def test_report_json_holds_the_same_result(output: Output) -> None:
    output.edit(lambda dataset: setattr(dataset, "PatientID", original().key.patients[0].national_number))
    report = output.audit()
    read = json.loads(json.dumps(report.to_dict()))
    assert read["passed"] is False
    assert read["leaks"][0]["place"] == "(0010,0020)"
    assert 0 < read["leak_recall"] < 1
    assert read["utility"] == 1


def test_report_html_shows_leaks_beside_utility(output: Output) -> None:
    output.edit(lambda dataset: setattr(dataset, "PatientName", original().key.patients[0].name))
    output.edit(lambda dataset: setattr(dataset, "PatientSex", ""), number=1)
    report = output.audit()
    removed = {tally.name: tally.total - tally.good for tally in report.removed}
    kept = {tally.name: tally.total - tally.good for tally in report.kept}
    assert [name for name, lost in removed.items() if lost] == ["header attributes"]
    assert removed["header attributes"] == 1
    assert [name for name, lost in kept.items() if lost] == ["patient and modality"]


def test_report_checks_of_the_scenario_exist() -> None:
    objectives = [
        objective
        for objective in load_scenario("open-archive").objectives
        if isinstance(objective.check, DeidObjective)
    ]
    asked = {check for objective in objectives for check in objective.check.checks}
    assert asked == {str(check) for check in CheckId}


def test_report_of_the_reference_output_earns_the_points(output: Output) -> None:
    report = output.audit()
    for objective in load_scenario("open-archive").objectives:
        if isinstance(objective.check, DeidObjective):
            assert judge_deid(objective.check, report).reached


def test_report_has_a_check_for_every_identifier() -> None:
    assert check_of(Location.HEADER, Identifier.NAME) == "headers"
    assert check_of(Location.NESTED, Identifier.DATE) == "dates"
    assert check_of(Location.PRIVATE, Identifier.UID) == "private"
    assert check_of(Location.FILE_META, Identifier.UID) == "uids"
