"""Server processes of this machine: a handle that survives the lab program, and the search for a lab's processes."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Handle:
    """Identify a server's process: its pid, its birth (pids are used again), and the server's folder.

    ``birth`` counts clock ticks since boot, so that setting the machine's clock makes no running server unknown.
    """

    pid: int
    birth: int
    folder: Path

    @classmethod
    def of(cls, pid: int, folder: Path) -> Handle:
        """Return the handle of a process that runs now."""
        return cls(pid, birth(pid), folder)

    @classmethod
    def read(cls, text: str) -> Handle:
        """Return the handle that ``str(handle)`` wrote."""
        pid, born, folder = text.split(":", 2)
        return cls(int(pid), int(born), Path(folder))

    def __str__(self) -> str:
        return f"{self.pid}:{self.birth}:{self.folder}"

    @property
    def alive(self) -> bool:
        """Return whether that very process, not another with its pid, is alive."""
        return birth(self.pid) == self.birth


def birth(pid: int) -> int:
    """Return when a process began, in clock ticks since boot, or 0 if it has ended (a zombie has)."""
    try:
        process = psutil.Process(pid)
        with process.oneshot():
            if process.status() in {psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD}:
                return 0
            seconds = process.create_time() - psutil.boot_time()
    except psutil.NoSuchProcess:
        return 0
    return round(seconds * _TICKS_PER_SECOND)


def kill(pid: int) -> None:
    """Kill a process; one that has ended is no error."""
    with suppress(psutil.NoSuchProcess):
        psutil.Process(pid).kill()


def marked(lab: str) -> list[tuple[int, str]]:
    """Return (pid, deployment) of every living process of this lab, by the environment that it carries."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            variables = process.environ()
            if "PACSLAB_DEADLINE" in variables and variables.get("PACSLAB_LAB") == lab and birth(process.pid):
                found.append((process.pid, variables.get("PACSLAB_DEPLOYMENT", "")))
    return found
