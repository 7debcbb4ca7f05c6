from __future__ import annotations

import io

import pydicom
import pytest

from pacslab.cohort.build import build_cohort
from pacslab.cohort.recipe.recipe import load_recipe
from pacslab.scenario import make_variant


@pytest.fixture(scope="session")
def recipe():
    return load_recipe("district-hospital")


@pytest.fixture(scope="session")
def cohort(recipe):
    return build_cohort(recipe, make_variant("open-archive", "asha"))


@pytest.fixture(scope="session")
def files(cohort) -> dict[str, bytes]:
    return dict(cohort.instances())


@pytest.fixture(scope="session")
def datasets(files) -> dict[str, pydicom.Dataset]:
    """Every instance as an independent reader sees it, by its SOP Instance UID."""
    read = [pydicom.dcmread(io.BytesIO(content)) for content in files.values()]
    return {dataset.SOPInstanceUID: dataset for dataset in read}


@pytest.fixture(scope="session")
def key(cohort):
    return cohort.answer_key()
