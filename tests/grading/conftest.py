"""A course with a class, in folders of its own."""

import pytest

from pacslab.grading.course.course import init_course
from pacslab.grading.course.roster import Student


@pytest.fixture(scope="session")
def course(tmp_path_factory):
    return init_course(tmp_path_factory.mktemp("course") / "c", "pacs-2026", "PACS, autumn", ("open-archive",))


@pytest.fixture
def anna():
    return Student(id="anna", name="Müller, Anna")
