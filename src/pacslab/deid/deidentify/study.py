"""The reference recipe: DICOM PS3.15 annex E, Basic Application Level Confidentiality Profile, with five options.

Clean pixel data, clean descriptors, longitudinal information with modified dates, patient characteristics; and clean
recognizable visual features, where a head has a face. It knows nothing of the answer key: what it removes it finds by
``policy.yaml``, in the file itself, and for a face in the series.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pacslab.deid.deidentify.burned_in_text import darken, paint_over, read_boxes, text_boxes
from pacslab.deid.deidentify.head_series import HeadSliceInput, shows_a_head, with_faces
from pacslab.deid.deidentify.policy import Policy, load_policy
from pacslab.deid.deidentify.profile import ProfileApplier, forget_elements
from pacslab.deid.deidentify.pseudonyms import Pseudonyms
from pacslab.deid.deidentify.text_detection.detector import MISSING, can_read
from pacslab.deid.deidentify.writer import encoded_file
from pacslab.deid.dicom.elements import forget, text_of
from pacslab.deid.dicom.output_folder import is_cut_off, parse_dicom
from pacslab.deid.worker_pool import in_order
from pacslab.errors import DeidError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    import numpy as np
    from pydicom.dataset import FileDataset


@dataclass(frozen=True)
class RejectedFile:
    """A file that is not in the output, and why."""

    name: str
    because: str


@dataclass(frozen=True)
class Deidentified:
    """What the recipe wrote, and what it left out."""

    written: tuple[Path, ...]
    withheld: tuple[RejectedFile, ...]
    notes: tuple[str, ...] = ()


def deidentify_study(
    source: Path | Iterable[bytes],
    target: Path,
    *,
    secret: bytes,
    read_text: bool = False,
    workers: int = 1,
    progress: Callable[[int], None] | None = None,
) -> Deidentified:
    """De-identify the files of a study (or of several, of any number of patients).

    Parameters
    ----------
    source
        A folder, read with its subfolders; or the content of the files.
    target
        The folder to write to, made if need be; files are called ``image-0001.dcm`` and so on.
    secret
        At least 16 random bytes. With the same secret the same patient, study and image get the same pseudonyms.
    read_text
        Whether text is also sought by a reader (Tesseract) where no rule says that there is any: about half a second
        a picture.
    workers
        How many processes.
    progress
        Called with the number of files done.

    Returns
    -------
    Deidentified
        The files written. Documents, and images with burned-in text at an unknown place, are withheld.

    Raises
    ------
    DeidError
        If the secret is too short, or the source is no folder or holds no file.

    """
    forget()
    forget_elements()
    reader = read_text and can_read()
    one = FileDeidentifier(Pseudonyms(secret), load_policy(), read_text=reader)
    target.mkdir(parents=True, exist_ok=True)
    written: list[Path] = []
    withheld: list[RejectedFile] = []
    for number, (name, cleaned, reason) in enumerate(in_order(one, with_faces(_contents(source)), workers), start=1):
        if progress is not None:
            progress(number)
        if reason:
            withheld.append(RejectedFile(name, reason))
            continue
        path = target / f"image-{len(written) + 1:04d}.dcm"
        path.write_bytes(cleaned)
        written.append(path)
    if not written and not withheld:
        raise DeidError("there is no file to de-identify", "Give the folder that holds the study.")
    return Deidentified(tuple(written), tuple(withheld), (MISSING,) if read_text and not reader else ())


class FileDeidentifier:
    """De-identifies one file after the other, in whichever process."""

    def __init__(self, pseudonyms: Pseudonyms, policy: Policy, *, read_text: bool) -> None:
        self._pseudonyms = pseudonyms
        self._policy = policy
        self._read_text = read_text

    def __call__(self, given: HeadSliceInput) -> tuple[str, bytes, str]:
        """Return the file's name, and its de-identified content or why there is none."""
        if given.because:
            return given.name, b"", given.because
        return given.name, *_deidentified(given, self._pseudonyms, self._policy, read_text=self._read_text)


def _deidentified(
    given: HeadSliceInput, pseudonyms: Pseudonyms, policy: Policy, *, read_text: bool
) -> tuple[bytes, str]:
    """Return the de-identified file, or why there is none."""
    content = given.content
    dataset, reason = parse_dicom(content)
    if dataset is None:
        return b"", reason
    if is_cut_off(dataset, content):
        return b"", "is damaged: it was cut off"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            reason = deidentify(dataset, pseudonyms, policy, read_text=read_text, face=given.face)
            return (b"", reason) if reason else (encoded_file(dataset), "")
    except Exception as error:  # noqa: BLE001 - a damaged file may raise anything; it is not released, the others are
        return b"", f"is damaged and cannot be vouched for ({type(error).__name__}: {str(error)[:80]})"


def deidentify(
    dataset: FileDataset,
    pseudonyms: Pseudonyms,
    policy: Policy,
    *,
    read_text: bool = False,
    face: np.ndarray | None = None,
) -> str:
    """De-identify one dataset in place; ``face`` says which pixels of a slice of a head belong to the face.

    Returns
    -------
    str
        Why the dataset must not be released; empty when it may.

    """
    modality = text_of(dataset, "Modality")
    for kind in policy.withhold:
        if kind.modality == modality:
            return kind.because
    if face is None and shows_a_head(dataset):
        return "shows a head, and where the face is only the whole series tells"
    if "PixelData" in dataset:
        reason = _clean_picture(dataset, policy, read_text=read_text)
        if reason:
            return reason
        if face is not None:
            darken(dataset, face)
    elif "EncapsulatedDocument" in dataset:
        return "documents are about the patient, not images of the patient"
    elif modality not in policy.without_picture:
        return "holds no picture"
    ProfileApplier(dataset, pseudonyms, policy).clean(without_face=face is not None)
    return ""


def _clean_picture(dataset: FileDataset, policy: Policy, *, read_text: bool) -> str:
    """Paint over the text in a picture, or return why that cannot be done."""
    boxes = text_boxes(dataset, policy.banners)
    if read_text and not boxes:
        boxes = read_boxes(dataset, boxes)
    if boxes is None:
        return "text is burned into the picture and no rule says where"
    if boxes:
        paint_over(dataset, boxes)
    return ""


def _contents(source: Path | Iterable[bytes]) -> Iterator[tuple[str, bytes]]:
    if not isinstance(source, Path):
        yield from ((f"file {number}", content) for number, content in enumerate(source, start=1))
        return
    if not source.is_dir():
        raise DeidError(f"{source} is not a folder", "Give the folder that holds the study.")
    for path in sorted(source.rglob("*")):
        if path.is_file() and not path.is_symlink():
            yield path.relative_to(source).as_posix(), path.read_bytes()
