"""A real Orthanc for a few minutes, reachable from this machine alone."""

from __future__ import annotations

import os
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pacslab.pacs import Owner, ServerSpec, choose_runtime, lab_id

if TYPE_CHECKING:
    from collections.abc import Iterator

NAME = "ARCHIVE"
MINUTES = 30
CONFIGURATION: dict[str, Any] = {
    "Name": "Scratch",
    "RemoteAccessAllowed": True,
    "AuthenticationEnabled": False,
    "OverwriteInstances": True,
    "OrthancExplorerEnabled": False,
}


@contextmanager
def scratch_orthanc(runtime: str | None = None) -> Iterator[str]:
    """Yield the web address of an empty Orthanc; it is gone afterwards, with all that it stored.

    Raises
    ------
    RuntimeUnavailableError
        If this machine has neither a Docker engine nor an Orthanc program.

    """
    chosen = choose_runtime(runtime)
    owner = Owner(lab_id(), f"scratch-{os.getpid()}-{time.monotonic_ns() % 10**9}", time.time() + 60 * MINUTES)
    with tempfile.TemporaryDirectory(prefix="pacslab-scratch-") as folder:
        Path(folder).chmod(0o755)
        network = chosen.open_network(owner, (NAME,))
        try:
            yield chosen.start(owner, network, ServerSpec(NAME, CONFIGURATION, Path(folder) / NAME)).url
        finally:
            chosen.end(owner.lab, owner.deployment)
