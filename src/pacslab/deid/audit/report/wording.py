"""Describe leaks in words, worst first: the patient, the place, and in how many images."""

from __future__ import annotations

import base64
from collections import Counter, defaultdict
from typing import TYPE_CHECKING

from pacslab.cohort import Identifier, Location
from pacslab.deid.audit.report.model import Patient, Picture
from pacslab.deid.dicom.attribute_names import attribute

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pacslab.deid.audit.match import OutputFile
    from pacslab.deid.audit.report.model import Leak

WORST_FIRST = tuple(Identifier)
INDIRECT = {Identifier.DATE, Identifier.UID, Identifier.DEVICE}
"""What does not name anybody alone, but together with other things."""
FACE_SLICES = 4
"""So many slices with a part of a face show one."""
DIRECTORY = "the DICOMDIR"
MOST_SENTENCES = 4
MOST_PICTURES = 6
_IMAGES = {
    "CT": "CT image",
    "CR": "radiograph",
    "DX": "radiograph",
    "MG": "mammogram",
    "MR": "MR image",
    "US": "ultrasound image",
    "OT": "scanned page",
    "SC": "scanned page",
    "DOC": "document",
    "SR": "structured report",
    "PR": "presentation state",
    "KO": "key object note",
    "ECG": "ECG",
}


def patients_of(indices: Iterable[int], files: Iterable[OutputFile], leaks: Iterable[Leak]) -> tuple[Patient, ...]:
    """Return what still gives each patient away, the worst case first; patients who are named come first."""
    files = tuple(files)
    modality = {file.name: file.contents.text_of("Modality") for file in files}
    series = {file.name: file.contents.text_of("SeriesInstanceUID") for file in files}
    by_patient: dict[int, list[Leak]] = defaultdict(list)
    for leak in leaks:
        if leak.patient is not None:
            by_patient[leak.patient].append(leak)
    patients = [
        Patient(
            index=index,
            named=any(is_direct(leak) for leak in by_patient[index]),
            leaks=len(by_patient[index]),
            worst=tuple(_sentences(index, by_patient[index], modality, series)),
        )
        for index in indices
    ]
    return tuple(sorted(patients, key=lambda patient: (not patient.named, -patient.leaks, patient.index)))


def is_direct(leak: Leak) -> bool:
    """Whether a leak alone names the patient: it is the patient's own, and no date, UID or machine."""
    return leak.of_patient and leak.kind not in INDIRECT


def _faces(patient: int, leaks: list[Leak], series: dict[str, str]) -> list[str]:
    """Return what to say of a face that is left: in how many series it can be rendered."""
    shown = Counter(series.get(leak.file, "") for leak in leaks if leak.location is Location.FACE)
    whole = sum(count >= FACE_SLICES for count in shown.values())
    if whole:
        return [f"patient {patient}'s face can be rendered from {whole} MR series"]
    slices = Counter({"MR image": sum(shown.values())})
    return [f"a part of patient {patient}'s face is still in {_listed(slices)}"] if shown else []


def _sentences(patient: int, leaks: list[Leak], modality: dict[str, str], series: dict[str, str]) -> list[str]:
    files: dict[tuple[bool, int, str, str], set[str]] = defaultdict(set)
    for leak in leaks:
        if leak.location is Location.FACE:
            continue
        files[not is_direct(leak), WORST_FIRST.index(leak.kind), leak.words, _where(leak)].add(leak.file)
    told = _faces(patient, leaks, series)
    for group in sorted(files, key=lambda group: (group[:2], "(" in group[3], -len(files[group]), group)):
        _, _, words, where = group
        whose = words.replace("the patient's", f"patient {patient}'s")
        counts = Counter(_IMAGES.get(modality.get(file, ""), "file") for file in files[group])
        told.append(f"{whose} is still in {where}{'' if where == DIRECTORY else f' of {_listed(counts)}'}")
    rest = len(told) - MOST_SENTENCES
    return [*told[:MOST_SENTENCES], f"and {rest} more"] if rest > 0 else told


def _where(leak: Leak) -> str:
    if leak.place == "pixels":
        return "the burned-in text"
    if leak.location is Location.DICOMDIR:
        return DIRECTORY
    if leak.location is Location.OVERLAY and leak.place.startswith("("):
        return f"the overlay {leak.place}"
    if leak.location is Location.ICON:
        return "the icon's pixels"
    if leak.location is Location.PDF:
        return f"the {leak.place.replace('pdf', 'PDF')}{in_line(leak.line)}"
    return {"file name": "the name", "preamble": "the preamble", "bytes of the file": "the bytes"}.get(
        leak.place, attribute(leak.place)
    )


def in_line(line: int) -> str:
    """Return the line of a page as part of a sentence; empty where a place has no lines."""
    return f", line {line}" if line else ""


def _listed(counts: Counter[str]) -> str:
    most_first = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    said = [f"{count} {kind}{'s' if count > 1 else ''}" for kind, count in most_first]
    return " and ".join([", ".join(said[:-1]), said[-1]] if len(said) > 1 else said)


def example_leaks(files: Iterable[OutputFile], leaks: Iterable[Leak]) -> list[tuple[OutputFile, Leak]]:
    """Return files in which text can be read, one for each patient and text, a few at most, with the worst of each."""
    read = {(leak.file, leak.token): leak for leak in leaks if leak.place == "pixels"}
    found: dict[tuple[int | None, str], tuple[OutputFile, Leak]] = {}
    for file in files:
        legible = [read[file.name, text.token] for text in file.pixels.standing if (file.name, text.token) in read]
        if legible:
            worst = min(legible, key=lambda leak: (not is_direct(leak), WORST_FIRST.index(leak.kind)))
            found.setdefault((worst.patient, worst.words), (file, worst))
    return list(found.values())[:MOST_PICTURES]


def pictures_of(
    files: Iterable[OutputFile], leaks: Iterable[Leak], thumbnails: Mapping[OutputFile, bytes]
) -> tuple[Picture, ...]:
    """Return the pictures of the example leaks, as far as there are thumbnails of them."""
    pictures = []
    for file, worst in example_leaks(files, leaks):
        sentence = f"{worst.words} can still be read"
        if worst.patient is not None:
            sentence = sentence.replace("the patient's", f"patient {worst.patient}'s")
        if file in thumbnails:
            png = base64.b64encode(thumbnails[file]).decode()
            pictures.append(Picture(file=file.name, words=sentence, png=png))
    return tuple(pictures)
