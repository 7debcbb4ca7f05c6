"""Replay a whole class: several workers, results kept on disk, nothing ends the batch and nothing is left running.

A worker is a process of its own: a file that crashes a parser ends that worker and no other, and the submission is
replayed once more without the part that did it.
"""

from __future__ import annotations

import ctypes
import gc
import json
import multiprocessing
import os
import queue
import shutil
import signal
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from pacslab.grading.replay.facts import Replay
from pacslab.grading.replay.replay import DEID, READING, SERVER, ReplayJob, lab_folders, unpack_folder
from pacslab.grading.replay.replay import replay as _replay
from pacslab.pacs import end_lab

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from multiprocessing.connection import Connection
    from pathlib import Path

    Progress = Callable[[str, float], None]

TIME_LIMIT = 240.0
"""Seconds that one submission may take."""
_IN_WORDS = {SERVER: "starting and probing the server", DEID: "reading the de-identified files"}
_TOO_LONG = "took longer"
_ATTEMPTS = 3
_POLL = 0.2
_READ_AHEAD = (
    _replay.__module__,
    "pacslab.deid.reidentification.records",
    "pacslab.deid.reidentification.tradeoff",
    "httpcore",
    "reportlab.pdfgen.canvas",
)
"""Modules that every replay needs; those after the first are imported late elsewhere."""
_M_ARENA_MAX = -8
"""The name of the option in ``malloc.h``."""


def default_workers() -> int:
    """Return how many submissions are replayed at once: one more than cores, as servers also wait."""
    return len(os.sched_getaffinity(0)) + 1


def _work(pipe: Connection, scratch: Path, environment: dict[str, str]) -> None:
    """Replay the jobs that come through the pipe until it closes.

    The fork server keeps the environment in which the first worker was started, so that of the batch comes along.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.environ.clear()
    os.environ.update(environment)
    gc.freeze()  # the program stays: to collect it again and again takes time, and memory that was shared
    library = _library()
    library.mallopt(_M_ARENA_MAX, 1)
    while True:
        try:
            job: ReplayJob = pipe.recv()
        except EOFError:
            return
        pipe.send(("stage", READING))
        result = _replay(job, scratch, lambda stage: pipe.send(("stage", stage)))
        try:
            pipe.send(("result", _without_places(result.model_dump_json(), job, scratch)))
        except BrokenPipeError:
            return
        del job, result
        gc.collect()
        library.malloc_trim(0)


def _library() -> Any:
    """Return the C library: what a replay took goes back to the machine, and no thread keeps a heap of its own."""
    return ctypes.CDLL(None)


def _without_places(text: str, job: ReplayJob, scratch: Path) -> str:
    """Return a result's JSON with each file named as the student knows it, and not by where it was unpacked."""
    work = lab_folders(scratch).workspace / "work" / job.variant.student / job.variant.scenario
    for folder in (unpack_folder(scratch), work, scratch):
        text = text.replace(json.dumps(f"{folder}/", ensure_ascii=False)[1:-1], "")
    return text


class _Worker:
    """A process that replays, started again whenever it ended.

    It is the copy of one that has read the program already: it starts at once and shares that memory. Submissions are
    unpacked in ``scratch``, and their servers keep their state there.
    """

    def __init__(self, scratch: Path) -> None:
        self.scratch = scratch
        self._process: Any = None
        self._pipe: Connection | None = None

    def _open(self) -> Connection:
        if self._process is None or not self._process.is_alive() or self._pipe is None:
            self.end()
            context = multiprocessing.get_context("forkserver")
            context.set_forkserver_preload([*_READ_AHEAD])
            self._pipe, theirs = context.Pipe()
            self._process = context.Process(target=_work, args=(theirs, self.scratch, dict(os.environ)), daemon=True)
            self._process.start()
            theirs.close()
        return self._pipe

    def replay(self, job: ReplayJob, limit: float, stop: threading.Event) -> tuple[Replay | None, str, str]:
        """Return the result, or None with the part at which the worker ended (empty: before any) and how."""
        pipe, stage = self._open(), ""
        deadline = time.monotonic() + limit
        try:
            pipe.send(job)
            while time.monotonic() < deadline and not stop.is_set():
                if not pipe.poll(_POLL):
                    continue
                kind, content = pipe.recv()
                if kind == "result":
                    return Replay.model_validate_json(content), stage, ""
                stage = content
        except (EOFError, OSError):
            how = "ended the program that did it"
        else:
            how = f"{_TOO_LONG} than {limit:g} s"
        self.end()
        return None, stage, how

    def end(self) -> None:
        """Kill the process."""
        if self._process is not None:
            self._process.kill()
            self._process.join()
        if self._pipe is not None:
            self._pipe.close()
        self._process, self._pipe = None, None


@dataclass
class Batch:
    """The replays of a class.

    Parameters
    ----------
    results
        The folder that keeps a result for each submission; what lies there is not replayed again.
    workers
        How many at once.
    limit
        Seconds for each submission.

    """

    results: Path
    workers: int = field(default_factory=default_workers)
    limit: float = TIME_LIMIT
    replayed: int = 0
    _stop: threading.Event = field(default_factory=threading.Event)

    @property
    def scratch(self) -> Path:
        """Return the folder in which submissions are unpacked and servers keep their state."""
        return self.results / "scratch"

    def run(self, jobs: Iterable[ReplayJob], progress: Progress = lambda _text, _part: None) -> dict[str, Replay]:
        """Return the replay of each job by its key, from disk where it is there.

        Interrupted, it ends every server first; started again, it goes on with what is missing.
        """
        wanted = {job.key: job for job in jobs}
        done = {key: kept for key in wanted if (kept := self._kept(key)) is not None}
        missing = [job for key, job in wanted.items() if key not in done]
        self._sweep()
        waiting: queue.SimpleQueue[ReplayJob] = queue.SimpleQueue()
        finished: queue.SimpleQueue[Replay | BaseException] = queue.SimpleQueue()
        for job in missing:
            waiting.put(job)
        threads = [
            threading.Thread(target=self._serve, args=(number, waiting, finished), daemon=True)
            for number in range(min(self.workers, len(missing)))
        ]
        try:
            for thread in threads:
                thread.start()
            for number in range(1, len(missing) + 1):
                result = finished.get()
                if isinstance(result, BaseException):
                    raise result
                done[result.key] = result
                self.replayed += 1
                progress(f"Replayed {number} of {len(missing)} submissions", number / len(missing))
        finally:
            self._stop.set()
            for thread in threads:
                thread.join()
            self._sweep()
            shutil.rmtree(self.scratch, ignore_errors=True)
        return done

    def _sweep(self) -> None:
        """End what a batch that was killed has left."""
        if self.scratch.is_dir():
            for folder in self.scratch.iterdir():
                end_lab(lab_folders(folder).state.resolve())

    def _serve(
        self,
        number: int,
        waiting: queue.SimpleQueue[ReplayJob],
        finished: queue.SimpleQueue[Replay | BaseException],
    ) -> None:
        worker = _Worker((self.scratch / str(number)).resolve())
        try:
            while not self._stop.is_set():
                finished.put(self._replay(worker, waiting.get_nowait()))
        except queue.Empty:
            pass
        except BaseException as reason:  # noqa: BLE001 - it is raised again where the batch was asked for
            finished.put(reason)
        finally:
            worker.end()

    def _replay(self, worker: _Worker, job: ReplayJob) -> Replay:
        """Replay once; where a worker ended, once more without that part; where the lab failed, once more.

        What took too long or the lab failed at is not kept, so that a later run tries it again. A worker that ends
        before it looks at anything is the lab's failure, and says nothing of the submission.
        """
        worker.scratch.parent.mkdir(parents=True, exist_ok=True)
        slow, failure, words = False, "", ""
        for attempt in range(_ATTEMPTS):
            result, stage, how = worker.replay(job, self.limit, self._stop)
            if result is not None:
                if result.certain and not slow:
                    return self._keep(result)
                if result.certain or attempt + 1 == _ATTEMPTS:
                    return result
                continue
            slow = slow or _TOO_LONG in how
            end_lab(lab_folders(worker.scratch).state)
            shutil.rmtree(worker.scratch, ignore_errors=True)
            words = f"{_IN_WORDS.get(stage, 'reading it')} {how}"
            if self._stop.is_set():
                break
            if not stage:  # nothing of the submission was looked at
                failure = "the program that replays submissions ended before it looked at this one"
                continue
            if stage not in _IN_WORDS:
                given_up = _given_up(job, words)
                return given_up if slow else self._keep(given_up)
            job = replace(job, skip={**job.skip, stage: words})
        return _given_up(job, "" if failure else words).model_copy(update={"failure": failure})

    def _kept(self, key: str) -> Replay | None:
        try:
            return Replay.model_validate_json((self.results / "replays" / f"{key}.json").read_bytes())
        except (OSError, ValidationError):
            return None

    def _keep(self, result: Replay) -> Replay:
        folder = self.results / "replays"
        folder.mkdir(parents=True, exist_ok=True)
        fresh = folder / f".{result.key}.{os.getpid()}"
        with suppress(OSError):
            fresh.write_text(result.model_dump_json(), encoding="utf-8")
            fresh.replace(folder / f"{result.key}.json")
        return result


def _given_up(job: ReplayJob, words: str) -> Replay:
    return job.result().model_copy(update={"unreadable": words})
