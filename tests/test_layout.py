"""The names and places of code and tests: a reader finds a file by its folder, and a test by its first words."""

from __future__ import annotations

import ast
import importlib
import re
import subprocess
import sys
from collections import Counter
from functools import cache

import pytest

from tests.support.places import ROOT

SOURCE, TESTS = ROOT / "src" / "pacslab", ROOT / "tests"
MOST_FILES = 15
LONGEST_NAME = 60
STILL_INSIDE = {
    "cohort/test_other_version.py: pacslab.pacs.archive",
    "cohort/encoding/test_external_decoders.py: pacslab.deid.benchmark",
    "deid/benchmark/test_league.py: pacslab.pacs.runtimes.process",
    "docs/test_project_pages.py: pacslab.probes.attack",
}
"""Imports that replace a part of another package, which its facade does not name."""
FACADES = sorted(path.parent.name for path in SOURCE.glob("*/__init__.py"))


@cache
def _tree(path):
    return ast.parse(path.read_text(encoding="utf-8"))


def _python_files(*folders):
    return [path for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))]


def _assigned(tree):
    """Return the names that a file binds: variables, loop variables and parameters."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif isinstance(node, ast.arg):
            yield node.arg


def test_names_of_tests_have_at_most_60_characters():
    names = [
        name
        for path in TESTS.rglob("test_*.py")
        for name in re.findall(r"^def (test_\w+)", path.read_text(), re.MULTILINE)
    ]
    assert [name for name in names if len(name) > LONGEST_NAME] == []


def test_folders_hold_at_most_15_files():
    counts = Counter(path.parent for path in _python_files("src/pacslab", "tests") if path.name != "__init__.py")
    assert {str(folder): count for folder, count in counts.items() if count > MOST_FILES} == {}


def test_variable_one_is_in_no_test():
    files = _python_files("tests")
    assert [str(path.relative_to(ROOT)) for path in files if "one" in _assigned(_tree(path))] == []


def test_class_names_that_are_public_are_unique():
    names = Counter(
        node.name
        for path in _python_files("src/pacslab")
        for node in _tree(path).body
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_")
    )
    assert [name for name, count in names.items() if count > 1] == []


@pytest.mark.parametrize("package", FACADES)
def test_facade_names_are_sorted_and_importable(package):
    module = importlib.import_module(f"pacslab.{package}")
    names = getattr(module, "__all__", [])
    assert len(set(names)) == len(names)
    assert [name for name in names if not hasattr(module, name)] == []


@pytest.mark.parametrize(
    ("module", "late"),
    [
        ("pacslab.cli.main", {"docker", "httpx", "jupyterlab", "matplotlib", "numpy", "pandas", "pydicom", "scipy"}),
        ("pacslab.session", {"IPython", "jupyterlab", "matplotlib", "pandas", "scipy"}),
    ],
)
def test_import_leaves_large_packages_for_later(module, late):
    """A command answers at once: the facades import what is asked for, and it is asked for where it is used."""
    program = f"import sys, {module}; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert late & set(loaded.split()) == set()


@pytest.mark.parametrize("package", [name for name in FACADES if name != "cli"])
def test_imports_of_tests_go_through_the_facade(package):
    """A package's own tests may know its modules; the tests of another use what its facade names."""
    inside = re.compile(rf"pacslab\.{package}\.")
    strangers = {
        f"{path.relative_to(TESTS)}: {node.module}"
        for path in _python_files("tests")
        if path.relative_to(TESTS).parts[0] not in {package, "support", "cli"}
        for node in ast.walk(_tree(path))
        if isinstance(node, ast.ImportFrom) and inside.match(node.module or "")
    }
    assert strangers <= STILL_INSIDE
