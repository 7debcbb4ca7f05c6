"""The Docker runtime: each server in a container, on a network of the deployment that leads nowhere."""

from __future__ import annotations

import json
import re
from contextlib import contextmanager, suppress
from functools import cached_property
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

import docker.errors

from pacslab.errors import RuntimeUnavailableError, ServerStartError
from pacslab.pacs.config.nginx_conf import SCRATCH_FOLDER, SERVED_FOLDER
from pacslab.pacs.config.orthanc_json import DICOM_PORT, FILE_OPTIONS, HTTP_PORT, complete_configuration
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
from pacslab.pacs.runtimes.docker.containers import ContainerProgram, Containers, published
from pacslab.pacs.runtimes.docker.engine import connect_to_engine, engine, log_lines, remove
from pacslab.pacs.runtimes.docker.images import choose_equipment, choose_image
from pacslab.pacs.runtimes.docker.network import open_bridge
from pacslab.pacs.runtimes.docker.sidecars import close_ports, tcpdump
from pacslab.pacs.runtimes.wait_strategies import (
    ORTHANC,
    Logs,
    StartFailures,
    StartingServer,
    nginx_refused,
    orthanc_condition,
    wait_until,
)
from pacslab.pacs.server_names import ARCHIVE
from pacslab.paths import cache_root

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from docker.models.containers import Container

    from pacslab.pacs.runtimes.base import Firewall
    from pacslab.pacs.runtimes.pcap import Capture

_PLUGIN_FOLDERS = ["/usr/share/orthanc/plugins", "/run/orthanc/plugins"]
_ETC = "/etc/orthanc"
_STORAGE = "/var/lib/orthanc/db"
_NGINX = "/etc/nginx"
_SERVED = "/srv/served"
_SCRATCH = "/tmp"  # noqa: S108  (a memory file system of the container's own)
_POLL_S = 0.02


def _nginx_ended(name: str, lines: tuple[str, ...]) -> ServerStartError:
    return nginx_refused(name, lines, "it ended at once")


def _nginx_timed_out(name: str, lines: tuple[str, ...]) -> ServerStartError:
    return ServerStartError(f"the server {name} did not begin its work", "Try again.", lines)


_NGINX_FAILURES = StartFailures(_nginx_ended, _nginx_timed_out)


class DockerRuntime(Runtime):
    """One container a server: no masquerading, loopback ports only, no capabilities, bounded memory and processes."""

    name = "docker"

    def __init__(self, on_message: Callable[[str], None] = lambda _: None) -> None:
        self._client = connect_to_engine()
        self._containers = Containers(self._client)
        self._on_message = on_message

    @cached_property
    def image(self) -> str:
        """Return the image that all servers run."""
        with engine("looking for the Orthanc image"):
            return choose_image(self._client, self._on_message)

    @cached_property
    def _image_details(self) -> dict[str, Any]:
        with engine("reading the Orthanc image"):
            details: dict[str, Any] = self._client.images.get(self.image).attrs
            return details

    def version(self) -> str:
        """Return the version of the Orthanc in the image; asked once an image and kept in the cache."""
        note: Path = cache_root() / "images" / self._image_details["Id"].replace(":", "-")
        with suppress(FileNotFoundError):
            return note.read_text(encoding="ascii")
        with engine("asking the image for its version"):
            ask = ["sh", "-c", "Orthanc --version 2>&1 || true"]
            output: Any = self._client.containers.run(self.image, [], entrypoint=ask, remove=True, network_mode="none")
        found = re.search(r"Orthanc \D*(\d+\.\d+\.\d+)", output.decode("utf-8", "replace"))
        if found is None:
            raise RuntimeUnavailableError(
                f"the image {self.image!r} holds no Orthanc", "Give another one with PACSLAB_IMAGE."
            )
        note.parent.mkdir(parents=True, exist_ok=True)
        note.write_text(found.group(1), encoding="ascii")
        return str(found.group(1))

    @cached_property
    def _equipment(self) -> str:
        """Return the image of proxy, firewall and tap."""
        with engine("looking for the image of the reverse proxy"):
            return choose_equipment(self._client, self._on_message)

    def open_network(self, owner: Owner, names: tuple[str, ...], wanted: Network | None = None) -> Network:
        """Make a bridge network without masquerading, whose subnet follows from the deployment's name."""
        return open_bridge(self._client, owner, names, wanted)

    def start(self, owner: Owner, network: Network, spec: ServerSpec, previous: Server | None = None) -> Server:
        """Start a container and return when its Orthanc answers on the published loopback port."""
        etc = spec.folder / "etc"
        for folder in (spec.data, etc):
            folder.mkdir(parents=True, exist_ok=True)
        content = complete_configuration(_with_whole_paths(spec.configuration), _STORAGE, _PLUGIN_FOLDERS)
        place_files(etc, {**spec.files, "orthanc.json": json.dumps(content, indent=1)})
        details = self._image_details["Config"]
        program = ContainerProgram(
            self.image,
            [*(details.get("Entrypoint") or []), *(details.get("Cmd") or [])],
            _ETC,
            {
                HTTP_PORT: previous.http.port if previous else None,
                DICOM_PORT: previous.dicom.port if previous else None,
            },
            {str(etc): {"bind": _ETC, "mode": "ro"}, str(spec.data): {"bind": _STORAGE, "mode": "rw"}},
            {"/tmp": "mode=1777,size=256m", "/run/orthanc/plugins": "mode=1777,exec,size=128m"},  # noqa: S108
            {**NO_DELAY, **spec.environment, "GENERATE_HOST_ID_IF_MISSING": "false"},
        )
        container = self._containers.start(owner, network, spec.name, spec.folder, program)
        http, dicom = (published(container, port) for port in program.ports)
        if http is None or dicom is None:
            raise ServerStartError(
                f"the server {spec.name} started and ended again",
                "Read Orthanc's last lines, correct its configuration and start again.",
                self._last_lines(container),
            )
        server = Server(spec.name, str(container.id), network.addresses[spec.name], http, dicom)
        # Where the outside does not reach its web port, nor does the lab: then its log tells that it has started.
        shut = HTTP_PORT in spec.firewall.closed or not content.get("HttpServerEnabled", True)
        web = None if shut else server.http
        with self._removed_on_failure(container):
            self._close_ports(owner, container, spec.firewall)
            wait_until(orthanc_condition(web), self._starting(server), ORTHANC, pause=_POLL_S)
        return server

    def start_proxy(self, owner: Owner, network: Network, spec: ProxySpec, previous: Proxy | None = None) -> Proxy:
        """Start nginx in a container and return when it listens."""
        etc = spec.folder / "etc"
        for folder in (etc, spec.served):
            folder.mkdir(parents=True, exist_ok=True)
        text = spec.configuration.replace(SERVED_FOLDER, _SERVED).replace(SCRATCH_FOLDER, _SCRATCH)
        place_files(etc, {**spec.files, "nginx.conf": text})
        program = ContainerProgram(
            self._equipment,
            ["nginx", "-p", f"{_NGINX}/", "-c", f"{_NGINX}/nginx.conf", "-e", "stderr"],
            _NGINX,
            {
                PROXY_HTTP_PORT: previous.http.port if previous else None,
                PROXY_HTTPS_PORT: previous.https.port if previous else None,
            },
            {str(etc): {"bind": _NGINX, "mode": "ro"}, str(spec.served): {"bind": _SERVED, "mode": "ro"}},
            {_SCRATCH: "mode=1777,size=768m"},
        )
        container = self._containers.start(owner, network, spec.name, spec.folder, program)
        http, https = (published(container, port) for port in program.ports)
        if http is None or https is None:
            raise _nginx_ended(spec.name, self._last_lines(container))
        proxy = Proxy(spec.name, str(container.id), network.addresses[spec.name], http, https)
        with self._removed_on_failure(container):
            self._close_ports(owner, container, spec.firewall)
            # Docker's own port accepts connections before nginx has begun its work.
            wait_until(Logs("event method"), self._starting(proxy), _NGINX_FAILURES, pause=_POLL_S)
        return proxy

    def _starting(self, server: Server | Proxy) -> StartingServer:
        return StartingServer(server.name, lambda: self.running(server), lambda: self.log(server))

    @contextmanager
    def _removed_on_failure(self, container: Container) -> Iterator[None]:
        try:
            yield
        except BaseException:
            remove(self._client, str(container.id))
            raise

    def _last_lines(self, container: Container) -> tuple[str, ...]:
        """Return the last lines of a container that has ended, and remove it."""
        lines = log_lines(container, 20)
        remove(self._client, str(container.id))
        return lines

    def _close_ports(self, owner: Owner, container: Container, firewall: Firewall) -> None:
        if firewall.closed:
            close_ports(self._client, self._equipment, owner, container, firewall)

    @contextmanager
    def tapped(self, owner: Owner, network: Network, device: Server) -> Iterator[tuple[str, Capture]]:
        """Run tcpdump in the device's network; the device calls the archive at the archive's own address."""
        with tcpdump(self._client, self._equipment, owner, device) as capture:
            yield network.addresses[ARCHIVE], capture

    def stop(self, server: Server | Proxy) -> None:
        """Kill the container and remove it."""
        remove(self._client, server.handle)

    def running(self, server: Server | Proxy) -> bool:
        """Return whether the container runs."""
        with engine(f"looking for {server.name}"):
            try:
                status: str = self._client.containers.get(server.handle).status
            except docker.errors.NotFound:
                return False
        return status == "running"

    def log(self, server: Server | Proxy, lines: int = 20) -> tuple[str, ...]:
        """Return the last lines of the container's log."""
        with engine(f"reading the log of {server.name}"):
            try:
                return log_lines(self._client.containers.get(server.handle), lines)
            except docker.errors.NotFound:
                return ()

    def deployments(self, lab: str) -> set[str]:
        """Return the deployments that have a container or a network."""
        mine = {"label": f"pacslab.lab={lab}"}
        with engine("listing the lab's containers"):
            containers = self._client.api.containers(all=True, filters=mine)
            networks = self._client.api.networks(filters=mine)
        return {resource["Labels"]["pacslab.deployment"] for resource in (*containers, *networks)}

    def end(self, lab: str, deployment: str) -> int:
        """Remove every container and the network of a deployment."""
        mine = {"label": [f"pacslab.lab={lab}", f"pacslab.deployment={deployment}"]}
        with engine("ending the deployment"):
            containers = self._client.api.containers(all=True, filters=mine)
            for container in containers:
                remove(self._client, container["Id"])
            for network in self._client.api.networks(filters=mine):
                with suppress(docker.errors.NotFound):
                    self._client.api.remove_network(network["Id"])
        return sum(container["State"] == "running" for container in containers)


def _with_whole_paths(configuration: Mapping[str, Any]) -> dict[str, Any]:
    """Return a configuration that names its files from the root.

    The official image's entrypoint leaves the folder of the configuration before Orthanc looks for them.
    """

    def whole(path: str) -> str:
        return str(PurePosixPath(_ETC) / path) if path else path

    changed: dict[str, Any] = {
        option: whole(configuration[option]) for option in FILE_OPTIONS if option in configuration
    }
    if "LuaScripts" in configuration:
        changed["LuaScripts"] = [whole(script) for script in configuration["LuaScripts"]]
    return {**configuration, **changed}
