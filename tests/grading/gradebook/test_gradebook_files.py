"""Tables that no spreadsheet computes, pages that run nothing, files that learning platforms take as they are."""

import csv
import json
import re
from datetime import UTC, datetime
from html.parser import HTMLParser

import pytest

from pacslab.errors import CourseError
from pacslab.grading.course.csv_cells import cell, read_cell
from pacslab.grading.course.roster import Student, read_roster
from pacslab.grading.gradebook.gradebook import Gradebook
from pacslab.grading.gradebook.marking import read_marks, write_marking_table
from pacslab.grading.gradebook.outputs import write_outputs
from pacslab.grading.gradebook.points import Signal, grade
from pacslab.grading.replay.facts import Replay, Timing
from pacslab.scenario import load_scenario

EVIL = "<script>alert(1)</script>\"><img src=x onerror=alert(2)>=cmd|'/c calc'!A1\x00\u202e"
ROSTER = (
    Student(id="anna", name="Müller, José", lms="101", sis="S-1", login="jose", email="j@example.edu", section="A"),
    Student(id="ben", name='=HYPERLINK("http://192.0.2.1","x")', lms="102"),
    Student(id="carla", name=EVIL, lms="103"),
)


@pytest.fixture(scope="module")
def written(course, tmp_path_factory):
    scenario = load_scenario("open-archive")
    grades, replays = [], {}
    for number, member in enumerate(ROSTER[:2]):
        replay = Replay(
            key=f"k{number}",
            sha256="0" * 64,
            scenario="open-archive",
            student=member.id,
            runtime="process",
            sent=datetime(2026, 11, 1, tzinfo=UTC),
            server_problem=EVIL,
            answers={"archive-title": "ARCHIVE" if number else EVIL},
            facts={},
            written=f"## What it cost\n{EVIL}\n+1+1",
            timing=Timing(seconds=3600),
            notes=(EVIL,),
        )
        replays[replay.key] = replay
        made = grade(member, scenario, course, replay)
        grades.append(made.model_copy(update={"file": EVIL, "signals": (Signal(kind="canary", words=EVIL),)}))
    grades.append(grade(ROSTER[2], scenario, course, None))
    folder = tmp_path_factory.mktemp("out")
    book = Gradebook(course, ROSTER, tuple(grades), {EVIL: EVIL}, replays)
    assert write_outputs(folder, book) == 2
    return folder


def rows(path):
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.reader(file))


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1+1", "@SUM(A1)", "\t=1", "  =1", "|calc", "\uff1d1", "\r\n=1", "%x"])
def test_gradebook_cell_never_becomes_a_formula(text):
    assert cell(text).startswith("'")
    assert read_cell(cell(text)).strip() == text.strip()


@pytest.mark.parametrize("text", ["12.5", "-3", "Müller", "", "a=b", "O'Neil"])
def test_gradebook_ordinary_cells_stay_as_they_are(text):
    assert cell(text) == text
    assert read_cell(cell(text)) == text


@pytest.mark.parametrize("name", ["gradebook.csv", "canvas.csv", "moodle.csv", "nbgrader.csv", "marking.csv"])
def test_gradebook_tables_are_whole_and_compute_nothing(written, name):
    table = rows(written / name)
    assert len({len(row) for row in table}) == 1
    for row in table:
        for text in row:
            assert not re.match(r"\s*[=+@\t\r|%]", text)
            assert not re.match(r"-(?![0-9.]+$)", text)
            assert "\x00" not in text
            assert "\u202e" not in text


def test_gradebook_canvas_and_moodle_keep_their_columns(written):
    canvas = rows(written / "canvas.csv")
    assert canvas[0] == ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", "open-archive"]
    assert canvas[1][0].strip() == "Points Possible"
    assert float(canvas[1][5]) == 180
    assert canvas[2][:5] == ["Müller, José", "101", "S-1", "jose", "A"]
    moodle = rows(written / "moodle.csv")
    assert moodle[0][:3] == ["Username", "ID number", "Email address"]
    assert moodle[1][:3] == ["jose", "S-1", "j@example.edu"]
    students = read_roster(written / "canvas.csv")
    assert [student.id for student in students][:1] == ["jose"]


class Tags(HTMLParser):
    def __init__(self):
        super().__init__()
        self.found, self.attributes = set(), set()

    def handle_starttag(self, tag, attrs):
        self.found.add(tag)
        self.attributes |= {name for name, _ in attrs}
        for name, value in attrs:
            assert name not in {"src", "href"} or (value or "").startswith(("data:image/svg+xml;base64,", "students/"))


@pytest.mark.parametrize("name", ["class.html", "marking.html", "students/anna.html", "students/carla.html"])
def test_gradebook_pages_escape_what_was_written(written, name):
    text = (written / name).read_text(encoding="utf-8")
    parser = Tags()
    parser.feed(text)
    assert not parser.found & {"script", "iframe", "object", "link", "form", "svg"}
    assert not {attribute for attribute in parser.attributes if attribute.startswith("on")}
    assert "<script>alert" not in text
    if name != "students/carla.html":
        assert "&lt;script&gt;alert(1)" in text


def test_gradebook_class_page_shows_plots_and_signals(written):
    text = (written / "class.html").read_text(encoding="utf-8")
    assert text.count("data:image/svg+xml") == 3
    assert "None of them is a verdict" in text
    assert "Hardest first" in text


def test_gradebook_student_page_shows_nobody_else(written):
    text = (written / "students" / "anna.html").read_text(encoding="utf-8")
    assert "What is still open" in text
    assert "canary" not in text
    assert "HYPERLINK" not in text
    assert "Nothing was handed in" in (written / "students" / "carla.html").read_text(encoding="utf-8")


def test_gradebook_json_holds_everything(written, course):
    content = json.loads((written / "results.json").read_text(encoding="utf-8"))
    assert [grade["student"] for grade in content["grades"]] == ["anna", "ben", "carla"]
    assert content["grades"][0]["signals"][0]["kind"] == "canary"
    secret = (course.folder / ".course-secret" / "variants.key").read_bytes()
    assert secret.hex() not in json.dumps(content)


def test_marks_are_kept_when_the_table_is_written_again(written, tmp_path, course):
    table = rows(written / "marking.csv")
    assert [(row[0], row[3]) for row in table[1:]] == [("anna", "risk"), ("ben", "risk")]
    path = tmp_path / "marking.csv"
    table[1][5], table[1][6] = "7,5", "-1 for style"
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(table)
    marks = read_marks(path)
    assert marks[("anna", "open-archive")]["risk"].points == 7.5
    scenario = load_scenario("open-archive")
    replay = Replay(
        key="k", sha256="0" * 64, scenario="open-archive", student="anna", runtime="x", written="## What it cost\nText"
    )
    made = grade(ROSTER[0], scenario, course, replay, marks=marks[("anna", "open-archive")])
    assert write_marking_table(path, [made]) == 0
    assert read_marks(path)[("anna", "open-archive")]["risk"].comment == "-1 for style"
    path.write_text("student,scenario,task,points\nanna,open-archive,risk,many\n")
    with pytest.raises(Exception, match="line 2"):
        read_marks(path)


@pytest.mark.parametrize(
    ("mark", "text"),
    [
        ("utf-8-sig", "student;scenario;task;points;comment\nanna;open-archive;risk;7,5;Gut, und größer\n"),
        ("cp1252", 'student;scenario;task;points;comment\nanna;open-archive;risk;7.5;"Gut, und größer"\n'),
        ("utf-16", "student\tscenario\ttask\tpoints\tcomment\nanna\topen-archive\trisk\t7.5\tGut, und größer\n"),
    ],
)
def test_marks_are_read_in_other_countries_spreadsheets(tmp_path, mark, text):
    """A mark that was not understood would be lost: the table is written anew after each grading."""
    (tmp_path / "marking.csv").write_bytes(text.encode(mark))
    mark = read_marks(tmp_path / "marking.csv")[("anna", "open-archive")]["risk"]
    assert (mark.points, mark.comment) == (7.5, "Gut, und größer")


def test_marks_table_without_its_columns_is_refused(tmp_path):
    (tmp_path / "marking.csv").write_text("name,points\nAnna,7\n", encoding="utf-8")
    with pytest.raises(CourseError, match="has no column 'student'"):
        read_marks(tmp_path / "marking.csv")


def test_gradebook_reason_for_several_objectives_stands_once(written):
    text = (written / "students" / "anna.html").read_text(encoding="utf-8")
    doors = sum(objective.stage == "harden" for objective in load_scenario("open-archive").objectives)
    assert text.count("for the reason above") == doors > 3
    top, _, rest = text.partition("What is still open")
    assert "calc" in top
    assert "calc" not in rest.partition("No reading without a password")[2].partition("</div>")[0]


def test_marking_page_uses_the_names_of_the_table(written):
    text = (written / "marking.html").read_text(encoding="utf-8")
    asked = {(row[0], row[3]) for row in rows(written / "marking.csv")[1:]}
    assert asked
    for student, task in asked:
        assert f"({student}, open-archive, {task})" in text
