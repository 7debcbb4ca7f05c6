"""Scanning the files of an output in several processes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pacslab.deid.worker_pool import in_order

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pacslab.deid.audit.evidence import FileScan
    from pacslab.deid.audit.reader import OutputAuditor
    from pacslab.deid.dicom.output_folder import Listed, Source

BATCH_BYTES = 8 << 20
"""Files are handed over together up to this length: files of a series, which hold much the same, to one process."""


def scan_all(reader: OutputAuditor, source: Source, workers: int, said: Callable[[int], None]) -> Iterator[FileScan]:
    """Yield what was seen in each file of a source."""
    number = 0
    for batch in in_order(ParallelScan(reader, source), in_batches(source), workers):
        for seen in batch:
            number += 1
            said(number)
            yield seen


def in_batches(source: Source) -> Iterator[list[Listed]]:
    """Yield files a few at a time; large ones stay alone."""
    batch: list[Listed] = []
    for one in source.listed():
        if batch and sum(each.length for each in batch) + one.length > BATCH_BYTES:
            yield batch
            batch = []
        batch.append(one)
    if batch:
        yield batch


class ParallelScan:
    """Looks at a batch of files, in whichever process."""

    def __init__(self, reader: OutputAuditor, source: Source) -> None:
        self._reader = reader
        self._source = source

    def __call__(self, batch: list[Listed]) -> list[FileScan]:
        """Return what was seen in each file."""
        return [
            self._reader.look(one.name, self._source.again(one.name) if one.content is None else one.content)
            for one in batch
        ]
