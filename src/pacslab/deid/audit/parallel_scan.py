"""Read an output: scan its files, in one process or in several, and collect the evidence of all of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pacslab.cohort import describe_key_origin
from pacslab.deid.audit.evidence import Evidence, collect_evidence
from pacslab.deid.audit.scan import FileScanner
from pacslab.deid.dicom.output_folder import quiet_pydicom
from pacslab.deid.worker_pool import in_order
from pacslab.errors import DeidError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pacslab.deid.audit.audit_key import AuditKey
    from pacslab.deid.audit.changed_pictures import SearchBudget
    from pacslab.deid.audit.scan import FileScan
    from pacslab.deid.dicom.output_folder import Listed, Source

BATCH_BYTES = 8 << 20
"""Files are handed over together up to this length: files of a series, which hold much the same, to one process."""


@dataclass(frozen=True)
class ScannedOutput:
    """An output that was read: ``failure`` says why it cannot be used (empty if it can)."""

    evidence: Evidence
    notes: tuple[str, ...]
    failure: str = ""


def read_output(
    source: Source,
    archive: AuditKey,
    *,
    workers: int = 1,
    progress: Callable[[int], None] | None = None,
    budget: SearchBudget | None = None,
) -> ScannedOutput:
    """Return the evidence in an output; one that is missing, empty or cannot be used has none.

    Parameters
    ----------
    source
        As :func:`pacslab.deid.dicom.output_sources.open_source` returns it.
    archive
        The answer key of the studies to audit.
    workers
        How many processes scan files.
    progress
        Called with the number of files scanned.
    budget
        How many pictures may be searched for text at any place.

    """
    origin = [note for note in [describe_key_origin(archive.key.origin)] if note]
    skipped: list[str] = []
    with quiet_pydicom():
        try:
            scans = list(scan_all(FileScanner(archive), source, workers, progress))
            skipped = [f"{scan.name} {scan.note}" for scan in scans if scan.note]
            evidence = collect_evidence(scans, archive, source.again, budget)
        except DeidError as error:
            return ScannedOutput(Evidence(), (*origin, *source.notes, *skipped), str(error))
    notes = (*origin, *source.notes, *skipped)
    if evidence.files:
        return ScannedOutput(evidence, notes)
    reasons = "; ".join(notes[:3])
    failure = f"{source.root} holds no DICOM file that can be read ({reasons}). Write the images there as DICOM."
    return ScannedOutput(Evidence(), notes, failure)


def scan_all(
    scanner: FileScanner, source: Source, workers: int, progress: Callable[[int], None] | None = None
) -> Iterator[FileScan]:
    """Yield the scan of each file of a source, in its order."""
    number = 0
    scan_batch, batches = ParallelScan(scanner, source), in_batches(source)
    for batch in in_order(scan_batch, batches, workers):
        for scan in batch:
            number += 1
            if progress is not None:
                progress(number)
            yield scan


def in_batches(source: Source) -> Iterator[list[Listed]]:
    """Yield files a few at a time; large ones stay alone."""
    batch: list[Listed] = []
    length = 0
    for file in source.listed():
        if batch and length + file.length > BATCH_BYTES:
            yield batch
            batch, length = [], 0
        batch.append(file)
        length += file.length
    if batch:
        yield batch


class ParallelScan:
    """Scans a batch of files, in whichever process."""

    def __init__(self, scanner: FileScanner, source: Source) -> None:
        self._scanner = scanner
        self._source = source

    def __call__(self, batch: list[Listed]) -> list[FileScan]:
        """Return the scan of each file."""
        return [
            self._scanner.scan(file.name, self._source.again(file.name) if file.content is None else file.content)
            for file in batch
        ]
