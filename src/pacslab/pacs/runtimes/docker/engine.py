"""The Docker engine: connect to it, turn its failures into errors of the lab, and remove containers."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import docker.errors
import requests.exceptions

import docker
from pacslab.errors import RuntimeUnavailableError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from docker.models.containers import Container

    from pacslab.pacs.runtimes.base import Owner


def connect_to_engine() -> docker.DockerClient:
    """Return a client of the Docker engine that answers.

    Raises
    ------
    RuntimeUnavailableError
        If none does.

    """
    try:
        client = docker.from_env(timeout=120)
        client.ping()
    except (docker.errors.DockerException, requests.exceptions.RequestException):
        raise RuntimeUnavailableError(
            "no Docker engine answers", "Start Docker, or use --runtime process with Orthanc on this machine."
        ) from None
    return client


@contextmanager
def engine(doing: str) -> Iterator[None]:
    """Turn the failures of the engine itself into one line."""
    try:
        yield
    except docker.errors.APIError as reason:
        raise RuntimeUnavailableError(
            f"the Docker engine refused while {doing}: {str(reason.explanation or reason)[:300]}",
            "Try again; 'pacslab stop --all' clears what is left.",
        ) from None
    except (docker.errors.DockerException, requests.exceptions.RequestException):
        raise RuntimeUnavailableError(
            f"the Docker engine went away while {doing}",
            "Start it again, then 'pacslab stop --all' clears what is left.",
        ) from None


def labels(owner: Owner) -> dict[str, str]:
    """Return the labels by which everything of a deployment is found again."""
    return {
        "pacslab": "server",
        "pacslab.lab": owner.lab,
        "pacslab.deployment": owner.deployment,
        "pacslab.deadline": str(int(owner.deadline)),
    }


def remove(client: docker.DockerClient, container: str) -> None:
    """Kill and remove a container; one that is gone, or that somebody else removes just now, is no error.

    Raises
    ------
    RuntimeUnavailableError
        If the engine went away.

    """
    with engine("removing a container"):
        try:
            client.api.remove_container(container, force=True, v=True)
        except docker.errors.NotFound:
            return
        except docker.errors.APIError as reason:
            if "already in progress" not in str(reason):
                raise


def log_lines(container: Container, lines: int) -> tuple[str, ...]:
    """Return the last lines of a container's log."""
    text: bytes = container.logs(tail=lines)
    return tuple(text.decode(errors="replace").splitlines())
