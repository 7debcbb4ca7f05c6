"""A first start waits for the cohort, and a student's machine is small."""

from __future__ import annotations

import subprocess
import sys

import pytest

PEAK = """
from pathlib import Path
from pacslab.cohort.build import build_cohort
from pacslab.cohort.recipe.recipe import load_recipe
from pacslab.scenario.variant import make_variant
cohort = build_cohort(load_recipe("clinique"), make_variant("memory", "asha"))
instances = sum(1 for _ in cohort.instances())
cohort.answer_key()
status = Path("/proc/self/status").read_text()
peak = next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM"))
print(instances, int(peak) // 1024)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells the peak of a process")
def test_cohort_build_needs_less_than_300_megabytes():
    answer = subprocess.run([sys.executable, "-c", PEAK], capture_output=True, text=True, check=True)
    instances, megabytes = (int(word) for word in answer.stdout.split())
    assert instances >= 400
    assert megabytes < 300


def test_cohort_build_renders_nothing_twice(cohort, files, monkeypatch):
    assert files
    monkeypatch.setattr(cohort, "_contents", None)  # making anything would fail
    assert cohort.answer_key().complete
