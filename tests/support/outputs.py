"""De-identified outputs in folders of their own, made by the reference recipe, for tests to spoil."""

from __future__ import annotations

import io
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.tag import Tag

from pacslab.deid import audit_study, deidentify_study, scratch_orthanc
from tests.support.cohorts import original, whole

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from pydicom.dataset import FileDataset

    from pacslab.deid import DeidReport
    from tests.support.cohorts import Original

SECRET = b"the secret of the tests, 32 byte"


@dataclass
class Output:
    """A de-identified study in a folder of its own, to be spoilt."""

    folder: Path
    origin: Original

    @property
    def paths(self) -> list[Path]:
        return sorted(self.folder.glob("*.dcm"))

    def edit(self, change: Callable[[FileDataset], object], number: int = 0) -> None:
        """Change one file's dataset; without a number, the first image's."""
        path = self.paths[number]
        dataset = pydicom.dcmread(path)
        change(dataset)
        dataset.save_as(path)

    def edit_all(self, change: Callable[[FileDataset], object]) -> None:
        for number in range(len(self.paths)):
            self.edit(change, number)

    def audit(self) -> DeidReport:
        return audit_study(self.folder, self.origin.key, self.origin.study.study_instance_uid)

    def failed(self) -> set[str]:
        return {str(check) for check in self.audit().failed()}

    def source(self, number: int = 0) -> FileDataset:
        """Return an image as it came from the archive."""
        return pydicom.dcmread(io.BytesIO(self.origin.images[number]))


def put(dataset: Dataset, path: str, vr: str, value: object) -> None:
    """Write a value at a path of the answer key, with the sequences that lead there."""
    *sequences, last = path.split(".")
    for step in sequences:
        tag, index = Tag(int(step[1:5], 16), int(step[6:10], 16)), int(step[step.index("[") + 1 : -1])
        if tag not in dataset:
            dataset.add_new(tag, "SQ", Sequence())
        while len(dataset[tag].value) <= index:
            dataset[tag].value.append(Dataset())
        dataset = dataset[tag].value[index]
    tag = Tag(int(last[1:5], 16), int(last[6:10], 16))
    if tag in dataset:
        del dataset[tag]
    dataset.add_new(tag, vr, value)


@pytest.fixture(scope="session")
def cleaned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cleaned")
    deidentify_study(original().files.values(), folder, secret=SECRET)
    return folder


@pytest.fixture(scope="session")
def everything(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the whole cohort as the reference recipe leaves it."""
    folder = tmp_path_factory.mktemp("everything")
    deidentify_study(whole().files.values(), folder, secret=SECRET)
    return folder


@pytest.fixture
def all_files(everything: Path, tmp_path: Path) -> Path:
    """Return a copy of it, to be spoilt."""
    shutil.copytree(everything, tmp_path / "all")
    return tmp_path / "all"


@pytest.fixture
def output(cleaned: Path, tmp_path: Path) -> Output:
    shutil.copytree(cleaned, tmp_path / "deid")
    return Output(tmp_path / "deid", original())


@pytest.fixture
def bare_orthanc(runtime: str) -> Iterator[str]:
    """Return the address of an empty Orthanc server."""
    with scratch_orthanc(runtime) as url:
        yield url
