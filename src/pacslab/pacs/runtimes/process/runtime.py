"""The process runtime: each server a process of this machine, on a loopback address of its own (bind shim)."""

from __future__ import annotations

import json
import subprocess
import time
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING

from pacslab.errors import RuntimeUnavailableError, ServerStartError, UnsafeAddressError
from pacslab.pacs.addresses import Endpoint
from pacslab.pacs.config.nginx_conf import SCRATCH_FOLDER, SERVED_FOLDER, listens
from pacslab.pacs.config.orthanc_json import DICOM_PORT, HTTP_PORT, complete_configuration
from pacslab.pacs.config.ports import PROXY_HTTP_PORT, PROXY_HTTPS_PORT
from pacslab.pacs.runtimes.base import (
    NO_DELAY,
    Network,
    Owner,
    Proxy,
    ProxySpec,
    Runtime,
    Server,
    ServerSpec,
    place_files,
)
from pacslab.pacs.runtimes.pcap import Capture
from pacslab.pacs.runtimes.process.bind_shim import preload
from pacslab.pacs.runtimes.process.executables import orthanc_version, plugin_files, require_nginx, require_orthanc
from pacslab.pacs.runtimes.process.listening_sockets import listeners
from pacslab.pacs.runtimes.process.loopback_blocks import claim, claim_block, give_back, require_free
from pacslab.pacs.runtimes.process.processes import Handle, birth, kill, marked
from pacslab.pacs.runtimes.relay import relay_connections
from pacslab.pacs.runtimes.wait_strategies import (
    ORTHANC,
    AcceptsConnections,
    Condition,
    StartFailures,
    StartingServer,
    nginx_refused,
    orthanc_condition,
    wait_until,
)
from pacslab.pacs.server_names import ARCHIVE, TAP

if TYPE_CHECKING:
    from collections.abc import Container, Iterator, Mapping
    from pathlib import Path

_END_TIMEOUT_S = 10.0
_POLL_S = 0.005


def _nginx_ended(name: str, lines: tuple[str, ...]) -> ServerStartError:
    return nginx_refused(name, lines, "it did not say why")


_NGINX = StartFailures(_nginx_ended, _nginx_ended)


class ProcessRuntime(Runtime):
    """One process a server. A server outlives the program that started it, but not its deadline."""

    name = "process"

    def __init__(self) -> None:
        self._children: dict[Handle, subprocess.Popen[bytes]] = {}

    @cached_property
    def _program(self) -> str:
        return require_orthanc()

    @cached_property
    def _version(self) -> str:
        return orthanc_version(self._program)

    def version(self) -> str:
        """Return the program's version."""
        return self._version

    def open_network(self, owner: Owner, names: tuple[str, ...], wanted: Network | None = None) -> Network:
        """Return a block of loopback addresses; which one follows from the deployment's name."""
        if wanted is None:
            return claim_block(owner, names)
        claim(wanted, owner)
        return wanted

    def start(self, owner: Owner, network: Network, spec: ServerSpec, previous: Server | None = None) -> Server:  # noqa: ARG002
        """Start a process and return when it answers on its own address and nowhere else."""
        address = network.addresses[spec.name]
        require_free(address, spec.name, HTTP_PORT, DICOM_PORT)
        etc = spec.folder / "etc"
        for folder in (spec.data, etc):
            folder.mkdir(parents=True, exist_ok=True)
        content = complete_configuration(dict(spec.configuration), str(spec.data), plugin_files(spec.configuration))
        place_files(etc, {**spec.files, "orthanc.json": json.dumps(content, indent=1)})
        environment = self._environment(owner, spec, address, spec.environment)
        handle = self._spawn(spec, etc, [self._program, f"{etc}/"], environment)
        server = Server(spec.name, str(handle), address, Endpoint(address, HTTP_PORT), Endpoint(address, DICOM_PORT))
        web = server.http if content.get("HttpServerEnabled", True) else None
        source = address if spec.firewall.closed else None
        self._wait_safely(server, orthanc_condition(web, source), ORTHANC)
        return server

    def start_proxy(self, owner: Owner, network: Network, spec: ProxySpec, previous: Proxy | None = None) -> Proxy:  # noqa: ARG002
        """Start nginx as a process on the proxy's own address, after nginx itself has read the file."""
        program = require_nginx()
        address = network.addresses[spec.name]
        require_free(address, spec.name, PROXY_HTTP_PORT, PROXY_HTTPS_PORT)
        etc, scratch = spec.folder / "etc", spec.folder / "scratch"
        for folder in (etc, scratch, spec.served):
            folder.mkdir(parents=True, exist_ok=True)
        # Named from nginx's own place, its prefix: a path from the root may hold white space, which ends a word there.
        text = spec.configuration.replace(SERVED_FOLDER, spec.served.name).replace(SCRATCH_FOLDER, scratch.name)
        place_files(etc, {**spec.files, "nginx.conf": text})
        command = [program, "-p", f"{spec.folder}/", "-c", str(etc / "nginx.conf"), "-e", "stderr"]
        environment = self._environment(owner, spec, address, {"PACSLAB_PROXY": "1"})
        handle = self._spawn(spec, etc, command, environment)
        proxy = Proxy(
            spec.name, str(handle), address, Endpoint(address, PROXY_HTTP_PORT), Endpoint(address, PROXY_HTTPS_PORT)
        )
        self._wait_safely(proxy, AcceptsConnections(Endpoint(address, listens(text)[0])), _NGINX)
        return proxy

    def _wait_safely(self, server: Server | Proxy, condition: Condition, failures: StartFailures) -> None:
        """Wait for a server, whose sockets are checked at each look and at the end; kill it where something fails."""
        starting = StartingServer(server.name, lambda: self._safe(server), lambda: self.log(server))
        try:
            wait_until(condition, starting, failures, pause=_POLL_S)
            self._refuse_leaks(server)
        except BaseException:
            self.stop(server)
            raise

    @contextmanager
    def tapped(self, owner: Owner, network: Network, device: Server) -> Iterator[tuple[str, Capture]]:  # noqa: ARG002
        """Relay the device's connections, from its own address, at an address of the network that is kept for that."""
        capture = Capture()
        tap = Endpoint(network.addresses[TAP], DICOM_PORT)
        archive = Endpoint(network.addresses[ARCHIVE], DICOM_PORT)
        with relay_connections(tap, archive, device.address, capture):
            yield tap.host, capture

    def _spawn(
        self, spec: ServerSpec | ProxySpec, etc: Path, command: list[str], environment: Mapping[str, str]
    ) -> Handle:
        """Start a program in its configuration's folder, in a session of its own, with its output in the log."""
        with (spec.folder / "log").open("wb") as log:
            try:
                process = subprocess.Popen(  # noqa: S603
                    command,
                    cwd=etc,
                    env=environment,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
            except OSError as reason:
                raise RuntimeUnavailableError(
                    f"{command[0]} could not be started ({reason.strerror})", "Install it again."
                ) from None
        handle = Handle.of(process.pid, spec.folder)
        self._children[handle] = process
        return handle

    @staticmethod
    def _environment(
        owner: Owner, spec: ServerSpec | ProxySpec, address: str, variables: Mapping[str, str]
    ) -> dict[str, str]:
        """Return a server's whole environment: the bind shim's settings, and the marks by which it is found again."""
        return {
            "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
            "LANG": "C.UTF-8",
            **NO_DELAY,
            **variables,
            "PACSLAB_CLOSED": ",".join(str(port) for port in spec.firewall.closed),
            "PACSLAB_ADMITTED": ",".join(spec.firewall.admitted),
            "LD_PRELOAD": preload(spec.folder),
            "PACSLAB_ADDRESS": address,
            "PACSLAB_DEADLINE": str(int(owner.deadline)),
            "PACSLAB_LAB": owner.lab,
            "PACSLAB_DEPLOYMENT": owner.deployment,
            "PACSLAB_SERVER": spec.name,
        }

    def _safe(self, server: Server | Proxy) -> bool:
        """Return whether a server runs, and kill one that listens beyond loopback, whether it ever answers or not."""
        if not self.running(server):
            return False
        self._refuse_leaks(server)
        return True

    def _refuse_leaks(self, server: Server | Proxy) -> None:
        """Kill a server that listens beyond loopback, by the kernel's socket table (safety rule 1)."""
        handle = Handle.read(server.handle)
        try:
            open_sockets = listeners(handle.pid)
        except FileNotFoundError:
            return
        except PermissionError:  # the kernel's answer about a process that has just ended, to all but root
            if handle.alive:
                raise
            return
        leaks = [str(listener) for listener in open_sockets if not listener.loopback]
        if leaks:
            self.stop(server)
            raise UnsafeAddressError(
                f"{server.name} listened beyond this machine ({', '.join(leaks)}) and was killed at once",
                "Remove what binds other addresses from its configuration; if nothing does, report this as a bug.",
            )

    def stop(self, server: Server | Proxy) -> None:
        """Kill the process."""
        if self.running(server):
            kill(Handle.read(server.handle).pid)
        while self.running(server):
            time.sleep(0.002)

    def running(self, server: Server | Proxy) -> bool:
        """Return whether that very process (not another with its number) is alive."""
        handle = Handle.read(server.handle)
        child = self._children.get(handle)
        if child is None:
            return handle.alive
        if child.poll() is None:  # the pid of a child that was not waited for is nobody else's
            return True
        self._children.pop(handle, None)
        return False

    def log(self, server: Server | Proxy, lines: int = 20) -> tuple[str, ...]:
        """Return the last lines of the server's log file."""
        path = Handle.read(server.handle).folder / "log"
        try:
            text = path.read_text(encoding="utf-8", errors="replace")
        except FileNotFoundError:
            return ()
        return tuple(text.splitlines()[-lines:])

    def deployments(self, lab: str) -> set[str]:
        """Return the deployments whose processes run, by the environment that each of them carries."""
        return {deployment for _, deployment in marked(lab)}

    def end(self, lab: str, deployment: str) -> int:
        """Kill every process of a deployment and free its addresses."""
        ended: dict[int, int] = {}
        # Searched until none is found: what a killed process had started belongs to the deployment, too.
        while found := {pid: birth(pid) for pid, owner in marked(lab) if owner == deployment}:
            for pid in found:
                kill(pid)
            self._reap(found)
            ended |= found
            time.sleep(_POLL_S)
        # A process that is ending loses its environment, by which it is found, before it is gone.
        deadline = time.monotonic() + _END_TIMEOUT_S
        while any(born and birth(pid) == born for pid, born in ended.items()) and time.monotonic() < deadline:
            time.sleep(_POLL_S)
        give_back(deployment)
        return len(ended)

    def _reap(self, pids: Container[int]) -> None:
        """Wait for the children among killed processes, which would stay as zombies."""
        for handle in [handle for handle in self._children if handle.pid in pids]:
            self._children.pop(handle).wait()
