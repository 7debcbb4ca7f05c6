"""Select the runtime: the requested one, else Docker where an engine answers, else processes."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from pacslab.errors import RuntimeUnavailableError
from pacslab.pacs.runtimes.docker.runtime import DockerRuntime
from pacslab.pacs.runtimes.process.executables import find_orthanc
from pacslab.pacs.runtimes.process.runtime import ProcessRuntime

if TYPE_CHECKING:
    from collections.abc import Callable

    from pacslab.pacs.runtimes.base import Runtime

RUNTIMES = ("docker", "process")


def open_runtime(name: str, on_message: Callable[[str], None] = lambda _: None) -> Runtime:
    """Return a runtime by its name.

    Raises
    ------
    RuntimeUnavailableError
        If there is no such runtime, or no Docker engine answers.

    """
    if name == "docker":
        return DockerRuntime(on_message)
    if name == "process":
        return ProcessRuntime()
    raise RuntimeUnavailableError(f"there is no runtime {name!r}", "Use 'docker' or 'process'.")


def choose_runtime(requested: str | None = None, on_message: Callable[[str], None] = lambda _: None) -> Runtime:
    """Return the runtime that is asked for, by argument or ``PACSLAB_RUNTIME``, else the first that is ready.

    Raises
    ------
    RuntimeUnavailableError
        If the one asked for is not ready, or none is; the message says what to install.

    """
    requested = requested or os.environ.get("PACSLAB_RUNTIME")
    if requested and requested != "auto":
        runtime = open_runtime(requested, on_message)
        runtime.version()
        return runtime
    try:
        docker = DockerRuntime(on_message)
        docker.version()
    except RuntimeUnavailableError as reason:
        if find_orthanc() is None:
            if "no Docker engine" not in reason.problem:
                raise
            raise RuntimeUnavailableError(
                "neither a Docker engine nor an Orthanc program was found on this machine",
                "Start Docker, or install Orthanc (Debian, Ubuntu: "
                "apt-get install orthanc orthanc-dicomweb orthanc-gdcm gcc libc6-dev).",
            ) from None
        process = ProcessRuntime()
        process.version()
        return process
    return docker


def ready_runtimes() -> list[Runtime]:
    """Return every runtime that can look for what the lab left running, without starting anything."""
    runtimes: list[Runtime] = [ProcessRuntime()]
    try:
        runtimes.append(DockerRuntime())
    except RuntimeUnavailableError:
        return runtimes
    return runtimes
