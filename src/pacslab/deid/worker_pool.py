"""Work on many arguments in several processes, a few of them in memory at a time."""

from __future__ import annotations

import multiprocessing
from collections import deque
from concurrent.futures import ProcessPoolExecutor
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from concurrent.futures import Future


WAITING = 3
"""How many batches of files wait for each process."""

_Argument = TypeVar("_Argument")
_Result = TypeVar("_Result")
_work: dict[str, Callable[[Any], Any]] = {}


def in_order(
    function: Callable[[_Argument], _Result], arguments: Iterable[_Argument], workers: int
) -> Iterator[_Result]:
    """Yield the results of a function in the order of its arguments, computed in several processes.

    Arguments are taken from ``arguments`` only as fast as they are worked on, so that few are in memory.
    """
    if workers <= 1:
        yield from map(function, arguments)
        return
    context = multiprocessing.get_context("fork")
    with ProcessPoolExecutor(workers, mp_context=context, initializer=_begin, initargs=(function,)) as pool:
        waiting: deque[Future[_Result]] = deque()
        for argument in arguments:
            waiting.append(pool.submit(_do, argument))
            if len(waiting) > WAITING * workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def _begin(function: Callable[[Any], Any]) -> None:
    _work["function"] = function


def _do(argument: Any) -> Any:
    return _work["function"](argument)
