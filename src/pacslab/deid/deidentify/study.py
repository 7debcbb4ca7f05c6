"""The reference recipe: DICOM PS3.15 Annex E, Basic Application Level Confidentiality Profile, with six options.

Clean Pixel Data (E.3.1), Clean Recognizable Visual Features of heads (E.3.2), Clean Descriptors (E.3.5), Retain
Longitudinal Temporal Information With Modified Dates (E.3.6), Retain Patient Characteristics (E.3.7) and Retain Safe
Private (E.3.10). The recipe does not know the answer key: it finds what it removes by ``policy.yaml``, in the file
itself, and the face of a head in the series. Read :class:`FileDeidentifier` first: its methods are the steps, in order.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pacslab.deid.deidentify.burned_in_text import clean_pixel_data, darken
from pacslab.deid.deidentify.fast_path import RepeatedElements, written
from pacslab.deid.deidentify.head_series import HeadSliceInput, shows_a_head, with_faces
from pacslab.deid.deidentify.policy import Policy, load_policy
from pacslab.deid.deidentify.profile import ProfileApplier
from pacslab.deid.deidentify.pseudonyms import Pseudonyms
from pacslab.deid.deidentify.text_detection.detector import MISSING, can_read
from pacslab.deid.dicom.elements import text_of
from pacslab.deid.dicom.output_folder import is_cut_off, parse_dicom
from pacslab.deid.worker_pool import in_order
from pacslab.errors import DeidError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    import numpy as np
    from pydicom.dataset import FileDataset


@dataclass(frozen=True)
class RejectedFile:
    """A file that is not in the output, and the reason."""

    name: str
    because: str


@dataclass(frozen=True)
class Deidentified:
    """The files that the recipe wrote, those that it withheld, and notes on the run."""

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
        Whether text is also searched for by a reader (Tesseract) where no rule names its place: about half a second
        an image.
    workers
        Number of processes.
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
    reader = read_text and can_read()
    deidentifier = FileDeidentifier(Pseudonyms(secret), load_policy(), read_text=reader, repeated=RepeatedElements())
    target.mkdir(parents=True, exist_ok=True)
    files: list[Path] = []
    withheld: list[RejectedFile] = []
    results = in_order(deidentifier, with_faces(_contents(source)), workers)
    for number, (name, cleaned, reason) in enumerate(results, start=1):
        if progress is not None:
            progress(number)
        if reason:
            withheld.append(RejectedFile(name, reason))
            continue
        path = target / f"image-{len(files) + 1:04d}.dcm"
        path.write_bytes(cleaned)
        files.append(path)
    if not files and not withheld:
        raise DeidError("there is no file to de-identify", "Give the folder that holds the study.")
    return Deidentified(tuple(files), tuple(withheld), (MISSING,) if read_text and not reader else ())


def _contents(source: Path | Iterable[bytes]) -> Iterator[tuple[str, bytes]]:
    """Yield name and content of every file of the source; symbolic links are not followed."""
    if not isinstance(source, Path):
        yield from ((f"file {number}", content) for number, content in enumerate(source, start=1))
        return
    if not source.is_dir():
        raise DeidError(f"{source} is not a folder", "Give the folder that holds the study.")
    for path in sorted(source.rglob("*")):
        if path.is_file() and not path.is_symlink():
            yield path.relative_to(source).as_posix(), path.read_bytes()


class FileDeidentifier:
    """De-identifies files one after the other (PS3.15 E.1.1, De-identifier).

    Parameters
    ----------
    pseudonyms
        The pseudonyms of the project.
    policy
        The action for each attribute.
    read_text
        Whether burned-in text is also searched for by its letters.
    repeated
        What was remembered of earlier files, for speed alone: the output is the same to the byte without it.

    """

    def __init__(
        self, pseudonyms: Pseudonyms, policy: Policy, *, read_text: bool, repeated: RepeatedElements | None = None
    ) -> None:
        self._pseudonyms = pseudonyms
        self._policy = policy
        self._read_text = read_text
        self._repeated = repeated

    def __call__(self, file: HeadSliceInput) -> tuple[str, bytes, str]:
        """Return the file's name, its de-identified content, and the reason if it is withheld (then no content)."""
        if file.because:
            return file.name, b"", file.because
        dataset, reason = parse_dicom(file.content)
        if dataset is None:
            return file.name, b"", reason
        if is_cut_off(dataset, file.content):
            return file.name, b"", "is damaged: it was cut off"
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                reason = self.clean(dataset, file.face)
                return file.name, b"" if reason else self._encode(dataset), reason
        except Exception as error:  # noqa: BLE001 - a damaged file may raise anything; it is withheld, others are not
            reason = f"is damaged and cannot be vouched for ({type(error).__name__}: {str(error)[:80]})"
            return file.name, b"", reason

    def clean(self, dataset: FileDataset, face: np.ndarray | None) -> str:
        """De-identify one data set in place; return the reason if it must be withheld, else an empty text."""
        reason = self._withhold_by_kind(dataset) or self._withhold_unplaced_head(dataset, face)
        reason = reason or self._clean_pixels(dataset, face)
        if not reason:
            self._apply_profile(dataset, without_face=face is not None)
        return reason

    def _withhold_by_kind(self, dataset: FileDataset) -> str:
        """Step 1: withhold modalities that nobody can clean by rules, such as scanned pages (E.1.1, note on risk)."""
        modality = text_of(dataset, "Modality")
        return next((kind.because for kind in self._policy.withhold if kind.modality == modality), "")

    def _withhold_unplaced_head(self, dataset: FileDataset, face: np.ndarray | None) -> str:
        """Step 2: withhold a slice of a head without its series, in which the face would be found (E.3.2)."""
        if face is None and shows_a_head(dataset):
            return "shows a head, and where the face is only the whole series tells"
        return ""

    def _clean_pixels(self, dataset: FileDataset, face: np.ndarray | None) -> str:
        """Step 3: paint over burned-in text (E.3.1) and the face (E.3.2); withhold documents and unknown objects."""
        if "PixelData" in dataset:
            reason = clean_pixel_data(dataset, self._policy.banners, read_text=self._read_text)
            if not reason and face is not None:
                darken(dataset, face)
            return reason
        if "EncapsulatedDocument" in dataset:
            return "documents are about the patient, not images of the patient"
        if text_of(dataset, "Modality") not in self._policy.without_picture:
            return "holds no picture"
        return ""

    def _apply_profile(self, dataset: FileDataset, *, without_face: bool) -> None:
        """Step 4: apply the policy's action to every attribute (Table E.1-1) and record the methods (E.1.1)."""
        if self._repeated is not None:
            applier = self._repeated.applier(dataset, self._pseudonyms, self._policy)
        else:
            applier = ProfileApplier(dataset, self._pseudonyms, self._policy)
        applier.clean(without_face=without_face)

    def _encode(self, dataset: FileDataset) -> bytes:
        """Step 5: write the file, with new file meta information and an empty preamble (PS3.10 7.1)."""
        return self._repeated.encode(dataset) if self._repeated is not None else written(dataset)


def deidentify(
    dataset: FileDataset,
    pseudonyms: Pseudonyms,
    policy: Policy,
    *,
    read_text: bool = False,
    face: np.ndarray | None = None,
) -> str:
    """De-identify one data set in place.

    Parameters
    ----------
    dataset
        A file as pydicom read it.
    pseudonyms, policy, read_text
        As for :class:`FileDeidentifier`.
    face
        The pixels of a slice of a head that belong to the face: boolean, of shape (rows, columns).

    Returns
    -------
    str
        The reason why the data set must not be released; empty when it may.

    """
    return FileDeidentifier(pseudonyms, policy, read_text=read_text).clean(dataset, face)
