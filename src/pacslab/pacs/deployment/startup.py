"""Start a deployment's servers, all of them or those that a change concerns, and end them where a start fails."""

from __future__ import annotations

import secrets
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from threading import Event
from typing import TYPE_CHECKING

from pacslab.cohort import load_recipe, origin_of
from pacslab.pacs.config.nginx_conf import SERVED_FOLDER
from pacslab.pacs.deployment.state import State
from pacslab.pacs.server_names import ADDRESSED_NAMES, ARCHIVE, PEERS

if TYPE_CHECKING:
    from collections.abc import Callable

    from pacslab.pacs.archive.snapshot import ArchiveData
    from pacslab.pacs.config.student_files import Exercise
    from pacslab.pacs.deployment.server_specs import ServerSpecs
    from pacslab.pacs.runtimes.base import Network, Owner, Proxy, ProxySpec, Runtime, Server, ServerSpec
    from pacslab.scenario import Scenario

    Progress = Callable[[str, float], None]
    Devices = dict[str, dict[str, str]]


@dataclass(frozen=True)
class _Launch:
    """A start of all servers: what they are started with, and ``images_made``, which the devices wait for.

    While the images are made they need both processors; loading them then leaves one processor to the devices.
    """

    owner: Owner
    network: Network
    exercise: Exercise
    devices: Devices
    password: str
    previous: dict[str, Server]
    kept: bool
    progress: Progress
    images_made: Event


@dataclass(frozen=True)
class Startup:
    """Starts one student's servers of a scenario in one runtime.

    ``specs`` gives each server's spec, ``data`` the archive's contents.
    """

    scenario: Scenario
    student: str
    runtime: Runtime
    specs: ServerSpecs
    data: ArchiveData

    def start_all(
        self,
        owner: Owner,
        exercise: Exercise,
        devices: Devices,
        before: State | None,
        progress: Progress,
        *,
        kept: bool,
    ) -> State:
        """Start every server and return the deployment's state.

        Where something fails, servers that had been started may still run; nothing starts any more after this has
        returned.

        Parameters
        ----------
        owner
            Whose servers they are, and until when.
        exercise, devices
            The student's configuration, and the certificate files of each device.
        before
            The state of the last start, whose addresses are used again.
        progress
            Called with a message and the fraction done.
        kept
            Whether the archive keeps the data that it has; else it begins with the shipped data.

        """
        progress("Opening the hospital's network", 0.02)
        network = self.runtime.open_network(owner, ADDRESSED_NAMES, before.network if before else None)
        previous = before.servers if before else {}
        password = secrets.token_urlsafe(24)
        launch = _Launch(owner, network, exercise, devices, password, previous, kept, progress, Event())
        servers = self._start_servers(launch)
        proxy = None
        if exercise.proxy is not None:
            progress("Starting the reverse proxy", 0.95)
            proxy = self.runtime.start_proxy(
                owner, network, self._proxy(exercise, network), before.proxy if before else None
            )
        return self._state(launch, servers, proxy)

    def _start_servers(self, launch: _Launch) -> dict[str, Server]:
        """Start the archive and its peers side by side."""
        with ThreadPoolExecutor(len(ADDRESSED_NAMES)) as pool:
            starting = {ARCHIVE: pool.submit(self._start_archive, launch)}
            starting |= {name: pool.submit(self._start_peer, launch, name) for name in PEERS}
            # A peer's failure waits for the archive: nothing may start after everything was ended.
            failures = [future.exception() for future in starting.values()]
        failure = next((failure for failure in failures if failure is not None), None)
        if failure is not None:
            raise failure
        return {name: future.result() for name, future in starting.items()}

    def _start_archive(self, launch: _Launch) -> Server:
        try:
            self._make_data(launch)
        finally:
            launch.images_made.set()
        spec = self.specs.archive(launch.exercise, launch.network)
        launch.progress("Starting the archive", 0.85)
        if launch.kept:
            self.data.refuse_foreign_data(spec.data)
            return self.runtime.start(launch.owner, launch.network, spec, launch.previous.get(ARCHIVE))
        return self._filled(launch.owner, launch.network, spec, launch.previous.get(ARCHIVE))

    def _make_data(self, launch: _Launch) -> None:
        """Make the snapshot of the variant's data, if there is none."""
        if self.data.ready:
            return

        def progress(text: str, fraction: float) -> None:
            launch.progress(text, 0.05 + 0.75 * fraction)

        self.data.make(self.runtime, launch.owner, launch.network, ARCHIVE, progress, launch.images_made.set)

    def _start_peer(self, launch: _Launch, name: str) -> Server:
        spec = self.specs.peer(name, launch.network, launch.password, launch.devices[name])
        launch.images_made.wait()
        return self.runtime.start(launch.owner, launch.network, spec, launch.previous.get(name))

    def _state(self, launch: _Launch, servers: dict[str, Server], proxy: Proxy | None) -> State:
        return State(
            self.scenario.id,
            self.student,
            self.runtime.name,
            self.runtime.version(),
            launch.owner,
            launch.network,
            servers,
            launch.password,
            launch.exercise.configuration,
            time.time(),
            launch.exercise,
            proxy,
            launch.devices,
            origin_of(load_recipe(self.scenario.cohort)),
        )

    def _filled(self, owner: Owner, network: Network, spec: ServerSpec, before: Server | None) -> Server:
        """Start the archive on the snapshot; its images are put in place while it starts."""
        self.data.copy_index(spec.data)
        with ThreadPoolExecutor(1) as pool:
            filling = pool.submit(self.data.link_images, spec.data)
            server = self.runtime.start(owner, network, spec, before)
            filling.result()
        return server

    def _proxy(self, exercise: Exercise, network: Network) -> ProxySpec:
        spec = self.specs.proxy(exercise, network)
        if SERVED_FOLDER in spec.configuration:
            self.data.write_backup(spec.served)
        return spec

    def restart(self, state: State, exercise: Exercise, devices: Devices) -> State:
        """Start the archive and its proxy afresh, and those devices whose certificates changed.

        Where something fails, what had been started is ended.
        """
        runtime, owner, network = self.runtime, state.owner, state.network
        runtime.stop(state.servers[ARCHIVE])
        if state.proxy is not None:
            runtime.stop(state.proxy)
        servers, fresh = dict(state.servers), []
        proxy = None
        try:
            for name in PEERS:
                if devices[name] != state.devices.get(name, {}) or not runtime.running(servers[name]):
                    runtime.stop(servers[name])
                    spec = self.specs.peer(name, network, state.password, devices[name])
                    servers[name] = runtime.start(owner, network, spec, servers[name])
                    fresh.append(servers[name])
            spec = self.specs.archive(exercise, network)
            servers[ARCHIVE] = runtime.start(owner, network, spec, state.servers[ARCHIVE])
            fresh.append(servers[ARCHIVE])
            if exercise.proxy is not None:
                proxy = runtime.start_proxy(owner, network, self._proxy(exercise, network), state.proxy)
        except BaseException:
            for server in fresh:  # no state names them, and they hold the addresses
                runtime.stop(server)
            raise
        return replace(
            state,
            servers=servers,
            configuration=exercise.configuration,
            exercise=exercise,
            proxy=proxy,
            devices=devices,
        )
