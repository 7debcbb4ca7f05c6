"""Processes of this machine as servers: which are the lab's, which still live, and how a handle names one."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Handle:
    """How a process is found again: its number, when it began (numbers are used again), and its server's folder."""

    pid: int
    birth: int
    folder: Path

    @classmethod
    def of(cls, pid: int, folder: Path) -> Handle:
        """Return the handle of a process that runs now."""
        return cls(pid, birth(pid), folder)

    @classmethod
    def read(cls, text: str) -> Handle:
        """Return the handle that was written down."""
        pid, born, folder = text.split(":", 2)
        return cls(int(pid), int(born), Path(folder))

    def __str__(self) -> str:
        return f"{self.pid}:{self.birth}:{self.folder}"

    @property
    def alive(self) -> bool:
        """Return whether that very process, not another with its number, is alive."""
        return birth(self.pid) == self.birth


def birth(pid: int) -> int:
    """Return when a process began (clock ticks since boot), or 0 if it has ended."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return 0
    fields = stat.rsplit(")", 1)[1].split()
    return 0 if fields[0] in {"Z", "X"} else int(fields[19])


def kill(pid: int) -> None:
    """Kill a process; one that has ended is no error."""
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def marked(lab: str) -> list[tuple[int, str]]:
    """Return (process id, deployment) of every living process of this lab, by the environment that it carries."""
    found = []
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            content = (folder / "environ").read_bytes()
        except OSError:
            continue
        if b"PACSLAB_DEADLINE=" not in content:
            continue
        values = dict(part.split("=", 1) for part in content.decode(errors="replace").split("\0") if "=" in part)
        if values.get("PACSLAB_LAB") == lab and birth(int(folder.name)):
            found.append((int(folder.name), values.get("PACSLAB_DEPLOYMENT", "")))
    return found
