"""A hospital's output without a fault, one file of every kind of object, in which one thing at a time is spoilt.

Each file is read once; where one is spoilt, that one alone is read again and judged with the others of its study.
"""

from __future__ import annotations

import io
import re
import tempfile
import warnings
import zlib
from collections import defaultdict
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pydicom
from pydicom.tag import Tag
from reportlab.pdfgen.canvas import Canvas

from pacslab.cohort import (
    AnswerKey,
    Cohort,
    Identifier,
    InstanceKey,
    Location,
    PlantedIdentifier,
    StudyKey,
    build_cohort,
    load_recipe,
)
from pacslab.deid.audit.audit_key import AuditKey
from pacslab.deid.audit.changed_pictures import SearchBudget
from pacslab.deid.audit.evidence import collect_evidence
from pacslab.deid.audit.judge import judge
from pacslab.deid.audit.scan import FileScanner
from pacslab.deid.deidentify.policy import load_policy
from pacslab.deid.deidentify.profile import ProfileApplier
from pacslab.deid.deidentify.pseudonyms import Pseudonyms
from pacslab.deid.deidentify.study import deidentify_study
from pacslab.deid.dicom.elements import element_of, value_at
from pacslab.deid.dicom.output_folder import quiet_pydicom
from pacslab.scenario import make_variant
from tests.support.outputs import SECRET, put

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydicom.dataset import Dataset, FileDataset

    from pacslab.deid.audit.evidence import Evidence
    from pacslab.deid.audit.report.model import DeidReport
    from pacslab.deid.audit.scan import FileScan

HOSPITALS = ("clinique", "community-hospital", "district-hospital-standard")
KINDS = {
    "CR 1": "computed radiograph",
    "CT 2": "CT slice",
    "DOC 104.1": "PDF report",
    "DX 1.1": "digital radiograph",
    "ECG 9.1.1": "ECG",
    "KO 88.59": "key object note",
    "MG 1.2": "mammogram",
    "MR 4": "MR slice",
    "OT 7": "scanned page",
    "PR 11.1": "presentation state",
    "SR 88.11": "text report",
    "SR 88.33": "measurements",
    "SR 88.67": "dose report",
    "US 3.1": "ultrasound loop",
    "US 6.1": "ultrasound image",
}
WITHOUT = {"clinique": {"CR 1"}}
"""What a hospital does not make."""
OBJECTS = [(name, kind) for name in HOSPITALS for kind in KINDS if kind not in WITHOUT.get(name, ())]
_TEXT_VRS = {"LO", "SH", "LT", "ST", "UT", "UC"}


@dataclass
class Memory:
    """Files in memory, as an output to audit."""

    files: dict[str, bytes]
    notes: list[str] = field(default_factory=list)
    root = "the output"

    def contents(self) -> Iterator[tuple[str, bytes]]:
        yield from self.files.items()

    def again(self, name: str) -> bytes:
        return self.files[name]


def evidence_in(key: AnswerKey, studies: tuple[StudyKey, ...], source: Memory) -> Evidence:
    """Return the evidence in files in memory."""
    archive = AuditKey(key, studies)
    scanner = FileScanner(archive)
    with quiet_pydicom():
        scans = [scanner.scan(name, content) for name, content in source.contents()]
        return collect_evidence(scans, archive, source.again)


@dataclass(frozen=True)
class Case:
    """One planted identifier, alone of its hospital, kind of object, location, kind and path."""

    planted: PlantedIdentifier
    instance: InstanceKey

    def __str__(self) -> str:
        identifier = self.planted
        return (
            f"{self.instance.modality} {identifier.location} {identifier.kind} {identifier.path} {identifier.token!r}"
        )


class Hospital:
    """One hospital: its key cut down to some files of each kind, those files as they came, and without a fault."""

    def __init__(self, name: str) -> None:
        cohort = build_cohort(load_recipe(name), make_variant("hospitals", "student"))
        whole = cohort.answer_key()
        self.cases = _cases(whole)
        wanted = {case.instance.sop_instance_uid for case in self.cases}
        wanted |= _referred(whole, wanted)
        wanted.add(next(image.sop_instance_uid for image in whole.instances() if image.brain is not None))
        self.key = _cut_down(whole, wanted)
        self.studies = self.key.studies()
        self.study_of = {image.sop_instance_uid: study for study in self.studies for image in study.instances}
        self.instance_of = {image.sop_instance_uid: image for image in self.key.instances()}
        self.before: dict[str, bytes] = {}
        self.clean: dict[str, bytes] = {}
        for study in self.studies:
            self._make(cohort, study)
        self.archive = AuditKey(self.key, self.studies)
        self.scanner = FileScanner(self.archive)
        with quiet_pydicom():
            self._seen = {uid: self.scanner.scan(name_of(uid), content) for uid, content in self.clean.items()}

    def kinds(self) -> list[str]:
        """Return the kinds of object: modality and SOP class."""
        return sorted({kind_of(instance) for instance in self.instance_of.values()})

    def some(self, kind: str) -> InstanceKey:
        """Return the first object of a kind."""
        return next(instance for instance in self.instance_of.values() if kind_of(instance) == kind)

    def original(self, uid: str) -> FileDataset:
        return pydicom.dcmread(io.BytesIO(self.before[uid]))

    def cleaned(self, uid: str) -> FileDataset:
        return pydicom.dcmread(io.BytesIO(self.clean[uid]))

    def audit(self, study: StudyKey, changed: dict[str, tuple[str, bytes] | None]) -> DeidReport:
        """Return the audit of a study; ``changed`` are new (name, content) of its files, None where one is missing."""
        with quiet_pydicom():
            return self._audit(study, changed)

    def _audit(self, study: StudyKey, changed: dict[str, tuple[str, bytes] | None]) -> DeidReport:
        seen: list[FileScan] = []
        files: dict[str, bytes] = {}
        for instance in study.instances:
            uid = instance.sop_instance_uid
            new = changed.get(uid, (name_of(uid), self.clean[uid]))
            if new is None:
                continue
            files[new[0]] = new[1]
            if uid in changed:
                seen.append(self.scanner.scan(*new))
            else:
                seen.append(self._seen[uid])
        budget = SearchBudget.for_images(len(study.instances))
        evidence = collect_evidence(seen, self.archive, files.__getitem__, budget)
        notes = [f"{scan.name} {scan.note}" for scan in seen if scan.note]
        return judge(self.key, study, evidence, notes)

    def _make(self, cohort: Cohort, study: StudyKey) -> None:
        """Make a study's files, and what a recipe without a fault leaves of them."""
        plan = next(other_study for other_study in cohort.plan.studies if other_study.uid == study.study_instance_uid)
        by_name = {instance.file_name: instance for instance in study.instances}
        heads = any(instance.face for instance in study.instances)
        given: list[tuple[str, bytes]] = [
            (name, content) for name, content in cohort.study_files(plan) if heads or name in by_name
        ]
        pseudonyms = Pseudonyms(SECRET)
        with tempfile.TemporaryDirectory() as folder:
            done = deidentify_study([content for _, content in given], Path(folder), secret=SECRET)
            left = {
                pydicom.dcmread(path, specific_tags=["SOPInstanceUID"]).SOPInstanceUID: path for path in done.written
            }
            for name, content in given:
                if name in by_name:
                    uid = by_name[name].sop_instance_uid
                    path = left.get(pseudonyms.uid(uid))
                    self.before[uid] = content
                    self.clean[uid] = self._faultless(uid, path.read_bytes() if path else b"")

    def _faultless(self, uid: str, cleaned: bytes) -> bytes:
        """Return a cleaned file without the text that only a reader finds; documents are cleaned and kept."""
        boxes = [identifier for identifier in self.key.planted_in({uid}) if identifier.path == "pixels"]
        if not cleaned:
            dataset = self.original(uid)
            ProfileApplier(dataset, Pseudonyms(SECRET), load_policy()).clean()
            if "PixelData" not in dataset:
                dataset.EncapsulatedDocument = pdf_of(report_of(self.instance_of[uid]))
        else:
            dataset = pydicom.dcmread(io.BytesIO(cleaned))
            if not boxes or dataset.BurnedInAnnotation != "NO":
                return cleaned
        if boxes:
            paint_out(dataset, boxes)
        return written(dataset)


@cache
def hospital(name: str) -> Hospital:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return Hospital(name)


def kind_of(instance: InstanceKey) -> str:
    return f"{instance.modality} {instance.sop_class_uid.removeprefix('1.2.840.10008.5.1.4.1.1.')}"


def name_of(uid: str) -> str:
    return f"file-{zlib.crc32(uid.encode()):08x}.dcm"


def _cases(key: AnswerKey) -> list[Case]:
    """Return one planted identifier for each kind of object, location, kind and path, of few files."""
    instances = {instance.sop_instance_uid: instance for instance in key.instances()}
    groups: dict[str, dict[tuple[str, ...], PlantedIdentifier]] = defaultdict(dict)
    by_file: dict[str, list[PlantedIdentifier]] = defaultdict(list)
    for identifier in key.planted:
        by_file[identifier.sop_instance_uid].append(identifier)
    # The richest files first: few of them hold one of everything.
    for uid in sorted(
        by_file,
        key=lambda uid: -len({(identifier.location, identifier.kind, identifier.path) for identifier in by_file[uid]}),
    ):
        kind = kind_of(instances[uid])
        for identifier in by_file[uid]:
            groups[kind].setdefault(
                (identifier.location, identifier.kind, re.sub(r"\[\d+\]", "", identifier.path)), identifier
            )
    return [Case(value, instances[value.sop_instance_uid]) for group in groups.values() for value in group.values()]


def _referred(key: AnswerKey, wanted: set[str]) -> set[str]:
    """Return the images to which the wanted objects refer."""
    images = {instance.sop_instance_uid for instance in key.instances()}
    return {
        identifier.token
        for identifier in key.planted_in(wanted)
        if identifier.kind is Identifier.UID and identifier.token in images
    }


def _cut_down(key: AnswerKey, wanted: set[str]) -> AnswerKey:
    """Return a key that knows the wanted instances only."""
    patients = []
    for patient in key.patients:
        studies = [
            study.model_copy(
                update={
                    "instances": tuple(instance for instance in study.instances if instance.sop_instance_uid in wanted)
                }
            )
            for study in patient.studies
        ]
        kept = tuple(study for study in studies if study.instances)
        if kept:
            patients.append(patient.model_copy(update={"studies": kept}))
    return key.model_copy(update={"patients": tuple(patients), "planted": key.planted_in(wanted)})


def written(dataset: FileDataset) -> bytes:
    buffer = io.BytesIO()
    dataset.save_as(buffer)
    return buffer.getvalue()


def set_pixels(dataset: FileDataset, pixels: np.ndarray) -> None:
    """Put pixels back as they are, not compressed."""
    if dataset.file_meta.TransferSyntaxUID.is_compressed:
        dataset.decompress(generate_instance_uid=False)
    dataset.PixelData = np.ascontiguousarray(pixels, dtype=dataset.pixel_array.dtype).tobytes()
    dataset["PixelData"].VR = "OW"


def paint_out(dataset: FileDataset, burned: list[PlantedIdentifier]) -> None:
    """Paint over text in every frame of a picture, and over nothing else."""
    pixels = dataset.pixel_array.copy()
    for identifier in burned:
        _there(pixels, identifier)[...] = 0
    set_pixels(dataset, pixels)


def report_of(instance: InstanceKey) -> str:
    """Return what a report without a fault says: what was found, and nothing of anybody."""
    return f"Report: {', '.join(tally.text for tally in instance.kept)}."


def pdf_of(text: str, title: str = "") -> bytes:
    buffer = io.BytesIO()
    page = Canvas(buffer, invariant=True)
    page.setTitle(title or "Report")
    page.drawString(72, 700, text)
    page.save()
    return buffer.getvalue()


def _there(pixels: np.ndarray, planted: PlantedIdentifier) -> np.ndarray:
    """Return the part of an image that a text lies in, in every frame and sample."""
    assert planted.box is not None
    colour = pixels.ndim > 2 and pixels.shape[-1] == 3
    planes = pixels if colour else pixels[..., None]
    return planes[
        ...,
        planted.box.row : planted.box.row + planted.box.height,
        planted.box.column : planted.box.column + planted.box.width,
        :,
    ]


def spoilt(place: Hospital, case: Case) -> tuple[str, bytes]:
    """Return the name and content of a case's file with its identifier put back, and nothing else."""
    identifier = case.planted
    uid = identifier.sop_instance_uid
    name, text = name_of(uid), identifier.written or identifier.token
    if identifier.location is Location.FILE_NAME:
        return f"{text}.dcm", place.clean[uid]
    before, dataset = place.original(uid), place.cleaned(uid)
    if identifier.path in ("pixels", "face"):
        _pixels_back(before, dataset, identifier)
    elif identifier.path.startswith("pdf"):
        in_title = identifier.path == "pdf information"
        report = report_of(case.instance)
        dataset.EncapsulatedDocument = pdf_of(report if in_title else f"{report} {text}", text if in_title else "")
    elif identifier.path == "preamble":
        dataset.preamble = text.encode().ljust(128, b"\0")
    elif identifier.path.startswith("(0002,"):
        dataset.file_meta.add_new(_tag(identifier.path), "UI" if identifier.kind is Identifier.UID else "AE", text)
    elif identifier.location is Location.ICON:
        dataset.IconImageSequence = before.IconImageSequence
    elif identifier.location is Location.OVERLAY and identifier.box is not None:
        for element in before.group_dataset(_tag(identifier.path).group):
            if element.VR not in ("LO", "SH"):
                dataset.add(element)
    else:
        attribute_back(before, dataset, identifier, text)
    return name, written(dataset)


def _tag(path: str) -> Tag:
    last = path.rpartition(".")[2]
    return Tag(int(last[1:5], 16), int(last[6:10], 16))


def _pixels_back(before: FileDataset, dataset: FileDataset, planted: PlantedIdentifier) -> None:
    old, new = before.pixel_array, dataset.pixel_array.copy()
    if planted.path == "face":
        _there(new, planted)[...] = np.where(planted.glyphs()[..., None], _there(old, planted), _there(new, planted))
    else:
        _there(new, planted)[...] = _there(old, planted)
    set_pixels(dataset, new)


def attribute_back(before: FileDataset, dataset: FileDataset, planted: PlantedIdentifier, text: str) -> None:
    outer, _, _ = planted.path.rpartition(".")
    holder: Dataset = before if not outer else value_at(before, outer)
    tag = _tag(planted.path)
    vr = element_of(holder, tag).VR
    if tag.is_private:
        creator = Tag(tag.group, tag.element >> 8)
        dataset.add_new(creator, "LO", holder[creator].value)
        vr = "LO" if vr == "UN" else vr
    there = value_at(dataset, planted.path)
    if vr in ("OB", "OW", "UN"):
        put(dataset, planted.path, "OB", text.encode() + b"\0" * (len(text.encode()) % 2))
    elif vr in _TEXT_VRS and there:
        put(dataset, planted.path, vr, f"{there} {text}")
    else:
        put(dataset, planted.path, vr, text)


def named(pair: tuple[str, str]) -> str:
    return f"{pair[0]}-{KINDS[pair[1]]}"


def by_hospital(params: dict[str, object]) -> str:
    """Return the worker group of a test: a hospital is made once, for the tests of all files that spoil its output."""
    words = [word for value in params.values() for word in (value if isinstance(value, tuple) else (value,))]
    return f"the output of {next((name for name in HOSPITALS if name in words), HOSPITALS[0])}"
