"""Teardown of deployments: when their time is over, all of a lab at once, or what a killed program left."""

from __future__ import annotations

import hashlib
import json
import shutil
import time
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING

from pacslab.errors import DeploymentError, RuntimeUnavailableError
from pacslab.pacs.deployment.state import STATE, State, deployment_folder, known_deployments, locked, read_state
from pacslab.pacs.runtimes.select import ready_runtimes
from pacslab.paths import state_root

if TYPE_CHECKING:
    from pathlib import Path

    from pacslab.pacs.runtimes.base import Runtime

_LOCK_TIMEOUT_S = 10.0
"""How long the end of everything waits for a start that is under way."""


def lab_id(state: Path | None = None) -> str:
    """Return the name of a lab (this one unless its state folder is given), as 12 hexadecimal digits."""
    return hashlib.sha256(str(state or state_root()).encode()).hexdigest()[:12]


def end_lab(state: Path) -> int:
    """End everything that was started with another state folder, and return how many servers that were."""
    lab, ended = lab_id(state), 0
    for runtime in ready_runtimes():
        for deployment in runtime.deployments(lab):
            ended += runtime.end(lab, deployment)
    return ended


def end_deployment(deployment: str, runtimes: list[Runtime]) -> int:
    """End every server of a deployment and forget it; return how many servers that were."""
    ended = sum(runtime.end(lab_id(), deployment) for runtime in runtimes)
    shutil.rmtree(deployment_folder(deployment), ignore_errors=True)
    return ended


def remove_expired() -> list[str]:
    """Remove what is left of deployments whose time is over, and return their ids.

    Their servers ended by themselves; a container, a network or a folder may still be there.
    """
    over = sorted(deployment for deployment in known_deployments() if _is_over(deployment))
    runtimes = ready_runtimes() if over else []
    ended = []
    for deployment in over:
        # Who holds it starts it again just now: then its time is not over any more.
        with suppress(DeploymentError), locked(deployment, timeout=0.0):
            if _is_over(deployment):
                end_deployment(deployment, runtimes)
                ended.append(deployment)
    return ended


def _is_over(deployment: str) -> bool:
    try:
        state = json.loads((deployment_folder(deployment) / STATE).read_text(encoding="utf-8"))
        return float(state["owner"]["deadline"]) <= time.time()
    except (OSError, ValueError, KeyError, TypeError):
        return False


def stop_all() -> tuple[int, int]:
    """End everything that this lab has started, known or not. Return the numbers of deployments and servers.

    Raises
    ------
    RuntimeUnavailableError
        If servers may run in a Docker engine that does not answer; everything else has been ended.

    """
    runtimes = ready_runtimes()
    remembered = known_deployments()
    unreachable = []
    if all(runtime.name != "docker" for runtime in runtimes):
        for deployment in remembered:
            state = read_state(deployment)
            if state is not None and state.runtime == "docker":
                unreachable.append(deployment)
    found = remembered.union(*(runtime.deployments(lab_id()) for runtime in runtimes))
    ended = 0
    for deployment in found.difference(unreachable):
        with ExitStack() as held:
            with suppress(DeploymentError):  # a start that hangs is no reason to leave its servers
                held.enter_context(locked(deployment, timeout=_LOCK_TIMEOUT_S))
            ended += end_deployment(deployment, runtimes)
    if unreachable:
        raise RuntimeUnavailableError(
            f"{len(unreachable)} deployment(s) run in a Docker engine that does not answer now; the rest was ended",
            "Start the engine and call this again; without it they end by themselves at their time limit.",
        )
    return len(found), ended


def list_running() -> list[State]:
    """Return every deployment of this lab whose time is not over, oldest first."""
    states = (read_state(deployment) for deployment in known_deployments())
    running = [state for state in states if state is not None and state.owner.deadline > time.time()]
    return sorted(running, key=lambda state: state.started)
