"""All evidence of an audit: assign each output file to its original image and report the identifiers left in it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from pacslab.deid.audit.changed_pictures import SearchAccount, SearchBudget, rescan
from pacslab.deid.audit.leaks import leaks_in_directory, leaks_in_file
from pacslab.deid.audit.match import match
from pacslab.deid.audit.report.thumbnail import thumbnail
from pacslab.deid.audit.report.wording import example_leaks
from pacslab.deid.dicom.output_folder import parse_dicom
from pacslab.deid.dicom.pixels import decode, planes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    import numpy as np

    from pacslab.cohort import StudyKey
    from pacslab.deid.audit.audit_key import AuditKey
    from pacslab.deid.audit.match import OutputFile
    from pacslab.deid.audit.report.model import Leak
    from pacslab.deid.audit.scan import FileScan


@dataclass(frozen=True)
class Evidence:
    """All files of an output, and every leak in them.

    ``unsearched`` are (file, path) of icons of a DICOMDIR that could not be searched, ``thumbnails`` pictures of the
    example leaks, as PNG.
    """

    files: tuple[OutputFile, ...] = ()
    leaks: tuple[Leak, ...] = ()
    unsearched: tuple[tuple[str, str], ...] = ()
    thumbnails: Mapping[OutputFile, bytes] = field(default_factory=dict)

    def of_study(self, study: StudyKey) -> Evidence:
        """Return the files that were made from images of one study, and the leaks in them."""
        uids = {instance.sop_instance_uid for instance in study.instances}
        files = tuple(
            file for file in self.files if file.instance is not None and file.instance.sop_instance_uid in uids
        )
        names = {file.name for file in files}
        leaks = tuple(leak for leak in self.leaks if leak.file in names)
        return Evidence(files, leaks, thumbnails=self.thumbnails)

    def stray_notes(self) -> list[str]:
        """Return a note on each file that was made from no image of the studies."""
        return [
            f"{file.name} is none of the study's images, or a second copy of one"
            for file in self.files
            if file.instance is None
        ]


def collect_evidence(
    scans: Iterable[FileScan],
    archive: AuditKey,
    content_of: Callable[[str], bytes],
    budget: SearchBudget | None = None,
) -> Evidence:
    """Return what the scans of all files of an output show together.

    Parameters
    ----------
    scans
        Of each file, in the output's order.
    archive
        The answer key with which they were scanned.
    content_of
        Returns the bytes of a file by its name: a few files are read again.
    budget
        How many pictures may be searched for text at any place.

    """
    scans = list(scans)
    account = SearchAccount(budget or SearchBudget.for_images(len(archive.instances)))
    files = tuple(_rescanned(file, archive, content_of, account) for file in match(scans, archive))
    leaks: list[Leak] = []
    unsearched: list[tuple[str, str]] = []
    matched = iter(files)
    for scan in scans:
        file = next(matched) if scan.image is not None else None
        if scan.records:
            found, paths = leaks_in_directory(scan, files, archive, account)
            leaks += found
            unsearched += [(scan.name, path) for path in paths]
        else:
            leaks += leaks_in_file(scan, file, archive)
    return Evidence(files, tuple(leaks), tuple(unsearched), _thumbnails(files, leaks, content_of))


def _rescanned(
    file: OutputFile, archive: AuditKey, content_of: Callable[[str], bytes], account: SearchAccount
) -> OutputFile:
    """Return a file with its pixels scanned again, for text at any place, if they are no image of the archive."""
    if not file.pixels.shape or file.intact or file.pixels.foreign:
        return file
    frames = _frames(content_of(file.name))
    return replace(file, pixels=rescan(file.pixels, frames, file.instance, archive, account)) if frames else file


def _thumbnails(
    files: Iterable[OutputFile], leaks: Iterable[Leak], content_of: Callable[[str], bytes]
) -> dict[OutputFile, bytes]:
    found = {}
    for file, _ in example_leaks(files, leaks):
        frames = _frames(content_of(file.name))
        if frames:
            found[file] = thumbnail(frames[0], [text.box for text in file.pixels.standing if text.box])
    return found


def _frames(content: bytes) -> list[np.ndarray]:
    """Return the frames of a file; none where its pixels cannot be decoded."""
    dataset, _ = parse_dicom(content)
    pixels = decode(dataset) if dataset is not None else None
    return [] if pixels is None else list(planes(pixels))
