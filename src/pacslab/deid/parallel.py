"""Looking at many files in several processes, a few files in memory at a time."""

from __future__ import annotations

import multiprocessing
from collections import deque
from concurrent.futures import ProcessPoolExecutor
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from concurrent.futures import Future

    from pacslab.deid.files import Listed, Source
    from pacslab.deid.submission import Reader
    from pacslab.deid.submitted import Seen

WAITING = 3
"""How many batches of files wait for each process."""
BATCH_BYTES = 8 << 20
"""Files are handed over together up to this length: files of a series, which hold much the same, to one process."""

_One = TypeVar("_One")
_Result = TypeVar("_Result")
_work: dict[str, Callable[[Any], Any]] = {}


def in_order(function: Callable[[_One], _Result], many: Iterable[_One], workers: int) -> Iterator[_Result]:
    """Yield the results of a function in the order of its arguments, worked out in several processes.

    Arguments are taken from ``many`` only as fast as they are worked on, so that few are in memory.
    """
    if workers <= 1:
        yield from map(function, many)
        return
    context = multiprocessing.get_context("fork")
    with ProcessPoolExecutor(workers, mp_context=context, initializer=_begin, initargs=(function,)) as pool:
        waiting: deque[Future[_Result]] = deque()
        for one in many:
            waiting.append(pool.submit(_do, one))
            if len(waiting) > WAITING * workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def _begin(function: Callable[[Any], Any]) -> None:
    _work["function"] = function


def _do(one: Any) -> Any:
    return _work["function"](one)


def look_at_all(reader: Reader, source: Source, workers: int, said: Callable[[int], None]) -> Iterator[Seen]:
    """Yield what was seen in each file of a source."""
    number = 0
    for batch in in_order(Look(reader, source), in_batches(source), workers):
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


class Look:
    """Looks at a batch of files, in whichever process."""

    def __init__(self, reader: Reader, source: Source) -> None:
        self._reader = reader
        self._source = source

    def __call__(self, batch: list[Listed]) -> list[Seen]:
        """Return what was seen in each file."""
        return [
            self._reader.look(one.name, self._source.again(one.name) if one.content is None else one.content)
            for one in batch
        ]
