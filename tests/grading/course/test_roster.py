"""Class lists as learning platforms and spreadsheets write them."""

import pytest

from pacslab.errors import CourseError
from pacslab.grading.course.roster import read_roster

CANVAS = (
    'Student,ID,SIS User ID,SIS Login ID,Section,"Lab 1 (4711)"\r\n'
    "    Points Possible,,,,,100\r\n"
    '"Müller, José",101,S-9,jose.mueller,"A, morning",\r\n'
    '"O\'Neil, Zoë",102,S-10,zoe,B,\r\n'
    '"Student, Test",103,,abcdef0123,A,\r\n'
)
MOODLE = (
    '"First name","Last name","ID number","Email address",Username\n'
    'José,"Müller, Dr.",S-9,jose@example.edu,jose.mueller\n'
)


@pytest.mark.parametrize(
    ("content", "encoding", "students"),
    [
        (CANVAS, "utf-8", [("jose.mueller", "Müller, José"), ("zoe", "O'Neil, Zoë")]),
        (CANVAS, "utf-8-sig", [("jose.mueller", "Müller, José"), ("zoe", "O'Neil, Zoë")]),
        (MOODLE, "utf-8-sig", [("jose.mueller", "José Müller, Dr.")]),
        (MOODLE.replace(",", ";").replace("; Dr.", ", Dr."), "utf-8", [("jose.mueller", "José Müller, Dr.")]),
        ("student;name\nanna;Åsa Öst\n\nben;Ben\n", "cp1252", [("anna", "Åsa Öst"), ("ben", "Ben")]),
        ("student\tname\nanna\tÅsa\n", "utf-16", [("anna", "Åsa")]),
        ('name,email\n"Li, Wei",wei@example.edu\n', "utf-8", [("wei@example.edu", "Li, Wei")]),
        ('student,name\nanna,"two\nlines"\n', "utf-8", [("anna", "two\nlines")]),
    ],
)
def test_roster_of_every_platform_gives_the_same_students(tmp_path, content, encoding, students):
    path = tmp_path / "roster.csv"
    path.write_bytes(content.encode(encoding))
    assert [(student.id, student.name) for student in read_roster(path)] == students


def test_roster_keeps_the_platforms_names(tmp_path):
    path = tmp_path / "roster.csv"
    path.write_text(CANVAS, encoding="utf-8")
    first = read_roster(path)[0]
    assert (first.lms, first.sis, first.login, first.section) == ("101", "S-9", "jose.mueller", "A, morning")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "is empty"),
        ("student,name\n", "holds no students"),
        ("colour,size\nred,3\n", "no column that names the students"),
        ("student,name\n../x,Eve\n", "line 2: the student id '../x' cannot be used"),
        ("student\nanna\nANNA\n", "line 3: the student 'ANNA' is there twice"),
    ],
)
def test_roster_error_names_the_line(tmp_path, content, words):
    path = tmp_path / "roster.csv"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(CourseError, match=words):
        read_roster(path)


def test_roster_missing_is_reported(tmp_path):
    with pytest.raises(CourseError, match="cannot be read"):
        read_roster(tmp_path / "no.csv")
