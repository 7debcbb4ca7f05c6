"""Serve the notebooks: fill the student's workspace, run JupyterLab in it, and end every server afterwards."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pacslab.errors import DeploymentError
from pacslab.pacs import stop_all
from pacslab.paths import shipped, workspace

if TYPE_CHECKING:
    from collections.abc import Callable

FIRST_LAB = "labs/00_start_here.ipynb"
DEFAULT_PORT = 8888
_CONFIGURATION = Path(__file__).with_name("jupyter_config")
_PORTS_TRIED = 50
_END_TIMEOUT_S = 10.0
_PAUSE = 0.1  # seconds between two looks


def fill_workspace() -> list[Path]:
    """Copy the labs' notebooks into the workspace and return what was new; a student's own copies are kept."""
    target = workspace() / "labs"
    target.mkdir(parents=True, exist_ok=True)
    (workspace() / "work").mkdir(exist_ok=True)
    fresh = []
    for notebook in sorted(shipped("labs").glob("*.ipynb")):
        copy = target / notebook.name
        if not copy.exists():
            shutil.copyfile(notebook, copy)
            fresh.append(copy)
    return fresh


def _is_free(host: str, port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def free_port(host: str, asked: int | None) -> int:
    """Return the port asked for, or the first free port from 8888.

    Raises
    ------
    DeploymentError
        If the port asked for is in use, or none is free.

    """
    if asked is not None:
        if not _is_free(host, asked):
            raise DeploymentError(
                f"port {asked} of {host} is in use by another program", "Choose another with --port, or leave it out."
            )
        return asked
    for port in range(DEFAULT_PORT, DEFAULT_PORT + _PORTS_TRIED):
        if _is_free(host, port):
            return port
    raise DeploymentError(
        f"no port from {DEFAULT_PORT} to {DEFAULT_PORT + _PORTS_TRIED} is free", "Choose one with --port."
    )


def serve(*, port: int | None, browser: bool, in_container: bool, on_message: Callable[[str], None]) -> int:
    """Run JupyterLab until it ends, then end every server of this lab. Return JupyterLab's exit status.

    Parameters
    ----------
    port
        The port asked for, or None.
    browser
        Whether JupyterLab opens a web browser.
    in_container
        Listen on the container's own interface: what publishes it decides who may connect.
    on_message
        Called with lines for the person who started this.

    Raises
    ------
    DeploymentError
        If the port is in use.

    """
    host = "0.0.0.0" if in_container else "127.0.0.1"  # noqa: S104
    chosen = free_port(host, port)
    token = os.environ.get("PACSLAB_TOKEN") or secrets.token_urlsafe(24)
    fill_workspace()
    published = os.environ.get("PACSLAB_PORT") if in_container else None
    address = f"http://127.0.0.1:{published or chosen}/lab/tree/{FIRST_LAB}?token={token}"

    def announce() -> None:
        on_message(f"PACS Lab: {address}")
        on_message("Open it in a web browser. Stop with Ctrl+C; every server of the lab ends then, too.")

    on_message(f"JupyterLab is starting; your files: {workspace()}")
    command, environment = _jupyter_command(host, chosen, browser=browser), _jupyter_environment(token)
    jupyter = subprocess.Popen(command, env=environment, start_new_session=True)  # noqa: S603
    try:
        return _wait(jupyter, chosen, announce)
    finally:
        deployments, servers = stop_all()
        if deployments:
            on_message(f"Ended {servers} server(s) of {deployments} deployment(s).")


def _jupyter_environment(token: str) -> dict[str, str]:
    # Ours besides the user's own: no question about news, no button to install extensions from the internet.
    configurations = [str(_CONFIGURATION), *filter(None, [os.environ.get("JUPYTER_CONFIG_PATH")])]
    return {
        **os.environ,
        "JUPYTER_TOKEN": token,
        "JUPYTER_CONFIG_PATH": os.pathsep.join(configurations),
    }


def _jupyter_command(host: str, port: int, *, browser: bool) -> list[str]:
    command = [
        sys.executable,
        "-m",
        "jupyterlab",
        f"--ServerApp.ip={host}",
        f"--ServerApp.port={port}",
        "--ServerApp.port_retries=0",
        f"--ServerApp.root_dir={workspace()}",
        f"--LabApp.default_url=/lab/tree/{FIRST_LAB}",
        "--LabApp.news_url=",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
        "--ServerApp.log_level=WARN",
        "--KernelManager.transport_encryption=auto",
    ]
    if not browser:
        command.append("--ServerApp.open_browser=False")
    if os.geteuid() == 0:
        command.append("--allow-root")
    return command


def _wait(jupyter: subprocess.Popen[bytes], port: int, answers: Callable[[], None]) -> int:
    """Wait for JupyterLab, call ``answers`` once it does, and pass on a request to end."""

    def end(_number: int, _frame: Any) -> None:
        with suppress(ProcessLookupError):
            jupyter.send_signal(signal.SIGTERM)

    before = {number: signal.signal(number, end) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    try:
        while jupyter.poll() is None:
            with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                answers()
                break
            time.sleep(_PAUSE)
        status = jupyter.wait()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        if jupyter.poll() is None:
            jupyter.terminate()
            with suppress(subprocess.TimeoutExpired):
                jupyter.wait(_END_TIMEOUT_S)
    return 0 if status in {0, -signal.SIGTERM, -signal.SIGINT} else status
