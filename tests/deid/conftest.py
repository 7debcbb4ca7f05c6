"""One student's study, as it came from the archive and as the reference recipe leaves it."""

from __future__ import annotations

import io
import shutil
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.tag import Tag

from pacslab.cohort import build_cohort, load_recipe
from pacslab.deid.audit.study import audit_study
from pacslab.deid.benchmark.scratch_orthanc import scratch_orthanc
from pacslab.deid.deidentify.study import deidentify_study
from pacslab.scenario import make_variant

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from pydicom.dataset import FileDataset

    from pacslab.cohort import AnswerKey, StudyKey
    from pacslab.deid.audit.report.model import DeidReport

SECRET = b"the secret of the tests, 32 byte"


@dataclass(frozen=True)
class Original:
    """The study to de-identify, its files by name as they came from the archive, and the answer key."""

    key: AnswerKey
    study: StudyKey
    files: dict[str, bytes]

    @property
    def images(self) -> list[bytes]:
        """The files of the study's images, in order."""
        return [self.files[one.file_name] for one in self.study.instances if not one.document]


@cache
def original(student: str = "student") -> Original:
    """Return a student's study; also for tests that are generated from the answer key."""
    cohort = build_cohort(load_recipe("district-hospital"), make_variant("open-archive", student))
    key = cohort.answer_key()
    uid = key.facts["deid_study_uid"]
    plan = next(one for one in cohort.plan.studies if one.uid == uid)
    return Original(key, key.study(uid), dict(cohort.study_files(plan)))


@dataclass(frozen=True)
class Whole:
    """A whole cohort: its files by name as they came from the archive, and a key that knows every one of them."""

    key: AnswerKey
    files: dict[str, bytes]

    def patients_with_several_studies(self) -> list[int]:
        return [one.index for one in self.key.patients if len(one.studies) > 1]


@cache
def whole(student: str = "student") -> Whole:
    cohort = build_cohort(load_recipe("district-hospital"), make_variant("open-archive", student))
    return Whole(cohort.answer_key(), dict(cohort.instances()))


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


@pytest.fixture
def bare_orthanc(runtime: str) -> Iterator[str]:
    """Return the address of an empty Orthanc server."""
    with scratch_orthanc(runtime) as url:
        yield url
