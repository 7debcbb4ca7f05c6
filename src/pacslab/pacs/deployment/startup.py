"""Starting a deployment's servers, all of them or those that a change concerns, and ending what fails halfway."""

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
    from pacslab.pacs.runtimes.base import Network, Owner, ProxySpec, Runtime, Server, ServerSpec
    from pacslab.scenario import Scenario

    Progress = Callable[[str, float], None]
    Devices = dict[str, dict[str, str]]


@dataclass(frozen=True)
class Startup:
    """Starts one student's servers of a scenario in one runtime.

    ``room`` knows what each machine is started with, ``data`` what the archive holds.
    """

    scenario: Scenario
    student: str
    runtime: Runtime
    room: ServerSpecs
    data: ArchiveData

    def everything(
        self,
        owner: Owner,
        exercise: Exercise,
        devices: Devices,
        before: State | None,
        progress: Progress,
        *,
        kept: bool,
    ) -> State:
        """Start every server, at the addresses that they had ``before``, and return what is to be written down.

        The archive holds what it held where that was ``kept``, else the shipped data. Where something fails, what had
        been started may still run; nothing starts any more after this has returned.
        """
        runtime, data = self.runtime, self.data
        progress("Opening the hospital's network", 0.02)
        network = runtime.open_network(owner, ADDRESSED_NAMES, before.network if before else None)
        password = secrets.token_urlsafe(24)
        previous = before.servers if before else {}

        generated = Event()  # before, the images need both processors; then loading them leaves one to the devices

        def start_archive() -> Server:
            try:
                if not data.ready:
                    data.make(
                        runtime,
                        owner,
                        network,
                        ARCHIVE,
                        lambda text, part: progress(text, 0.05 + 0.75 * part),
                        generated.set,
                    )
            finally:
                generated.set()
            spec = self.room.archive(exercise, network)
            progress("Starting the archive", 0.85)
            if kept:
                data.refuse_foreign_data(spec.data)
                return runtime.start(owner, network, spec, previous.get(ARCHIVE))
            return self._filled(owner, network, spec, previous.get(ARCHIVE))

        def start_actor(name: str) -> Server:
            spec = self.room.actor(name, network, password, devices[name])
            generated.wait()
            return runtime.start(owner, network, spec, previous.get(name))

        with ThreadPoolExecutor(len(ADDRESSED_NAMES)) as pool:
            archive = pool.submit(start_archive)
            actors = {name: pool.submit(start_actor, name) for name in PEERS}
            # An actor's failure waits for the archive: nothing may start after everything was ended.
            servers = {ARCHIVE: archive, **actors}
            failures = [one.exception() for one in servers.values()]
        failure = next((one for one in failures if one is not None), None)
        if failure is not None:
            raise failure
        proxy = None
        if exercise.proxy is not None:
            progress("Starting the reverse proxy", 0.95)
            spec = self._proxy(exercise, network)
            proxy = runtime.start_proxy(owner, network, spec, before.proxy if before else None)
        return State(
            self.scenario.id,
            self.student,
            runtime.name,
            runtime.version(),
            owner,
            network,
            {name: one.result() for name, one in servers.items()},
            password,
            exercise.configuration,
            time.time(),
            exercise,
            proxy,
            devices,
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
        spec = self.room.proxy(exercise, network)
        if SERVED_FOLDER in spec.configuration:
            self.data.write_backup(spec.served)
        return spec

    def again(self, state: State, exercise: Exercise, devices: Devices) -> State:
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
                    spec = self.room.actor(name, network, state.password, devices[name])
                    servers[name] = runtime.start(owner, network, spec, servers[name])
                    fresh.append(servers[name])
            spec = self.room.archive(exercise, network)
            servers[ARCHIVE] = runtime.start(owner, network, spec, state.servers[ARCHIVE])
            fresh.append(servers[ARCHIVE])
            if exercise.proxy is not None:
                proxy = runtime.start_proxy(owner, network, self._proxy(exercise, network), state.proxy)
        except BaseException:
            for one in fresh:  # nobody would know of them, and they hold the addresses
                runtime.stop(one)
            raise
        return replace(
            state,
            servers=servers,
            configuration=exercise.configuration,
            exercise=exercise,
            proxy=proxy,
            devices=devices,
        )
