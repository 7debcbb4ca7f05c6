"""The running servers of one variant: start, find again, restart with another configuration, end.

Everything about a deployment stands in its folder under the lab's state, so any later program finds it again. The
servers themselves outlive the program that started them, and end at their deadline without it.
"""

from __future__ import annotations

import os
import shutil
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from pacslab.cohort import describe_this_machine, other_patients
from pacslab.errors import DeploymentError, PacslabError, RuntimeUnavailableError, warn
from pacslab.pacs.archive.snapshot import ArchiveData, cohort_of
from pacslab.pacs.config.handover import Handover, read_handover
from pacslab.pacs.config.student_files import Exercise, read_exercise
from pacslab.pacs.config.workfolder import WorkFolder
from pacslab.pacs.deployment.server_specs import ServerSpecs
from pacslab.pacs.deployment.startup import Startup
from pacslab.pacs.deployment.state import State, deployment_folder, locked, read_state, write_state
from pacslab.pacs.deployment.teardown import end_deployment, lab_id, remove_expired
from pacslab.pacs.runtimes.base import Owner, Runtime
from pacslab.pacs.runtimes.select import RUNTIMES, choose_runtime, open_runtime, ready_runtimes
from pacslab.pacs.server_names import ARCHIVE

if TYPE_CHECKING:
    from collections.abc import Callable

    from pacslab.cohort import AnswerKey
    from pacslab.scenario import Scenario, Variant

    Progress = Callable[[str, float], None]

DEFAULT_HOURS = 8.0
LONGEST_HOURS = 72.0


def no_progress(_message: str, _fraction: float) -> None:
    """Show no progress."""


class Deployment:
    """The servers of one student's variant of a scenario.

    Parameters
    ----------
    scenario, variant
        What runs.
    runtime
        ``docker`` or ``process``; chosen unless given (argument, then ``PACSLAB_RUNTIME``).
    hours
        How long the servers may live after a start.

    """

    def __init__(
        self, scenario: Scenario, variant: Variant, runtime: str | None = None, hours: float = DEFAULT_HOURS
    ) -> None:
        if not 0 < hours <= LONGEST_HOURS:
            raise DeploymentError(
                f"a time limit of {hours:g} hours cannot be set", f"Choose more than 0 and at most {LONGEST_HOURS:g}."
            )
        self.scenario = scenario
        self.variant = variant
        self.work = WorkFolder(scenario, variant.student)
        self.id = f"{scenario.id}-{variant.id}"
        self._requested = runtime
        self._hours = hours
        self._runtime: Runtime | None = None
        self._data: ArchiveData | None = None
        self._answer_key: AnswerKey | None = None

    @property
    def state(self) -> State | None:
        """Return the deployment's state, or None if nothing was started or its time is over."""
        state = read_state(self.id)
        return state if state is not None and state.owner.deadline > time.time() else None

    def running_state(self) -> State:
        """Return the deployment's state.

        Raises
        ------
        DeploymentError
            If the deployment is not running.

        """
        state = self.state
        if state is None:
            raise DeploymentError(
                f"{self.scenario.title!r} is not running", "Start it first: lab.start(), or 'pacslab start'."
            )
        return state

    @property
    def runtime(self) -> Runtime:
        """Return the runtime that the servers run in, or else would start in."""
        if self._runtime is None:
            self._runtime = self._choose(no_progress)
        return self._runtime

    def _choose(self, progress: Progress) -> Runtime:
        def on_message(message: str) -> None:
            progress(message, 0.0)

        state = self.state
        requested = self._requested or os.environ.get("PACSLAB_RUNTIME")
        if state is None:
            return choose_runtime(self._requested, on_message)
        if requested in RUNTIMES and requested != state.runtime:
            raise DeploymentError(
                f"{self.scenario.title!r} already runs in the runtime {state.runtime!r}, not in {requested!r}",
                "Stop it first (pacslab stop, or lab.stop()), then start it in the other one.",
            )
        return open_runtime(state.runtime, on_message)

    @property
    def _specs(self) -> ServerSpecs:
        return ServerSpecs(self.scenario, deployment_folder(self.id))

    def servers_running(self) -> dict[str, bool]:
        """Return for each server whether it runs; empty if nothing was started."""
        state = self.state
        return {} if state is None else {name: self.runtime.running(server) for name, server in state.machines.items()}

    @property
    def data(self) -> ArchiveData:
        """Return the variant's data, for the Orthanc version that runs or would start."""
        if self._data is None:
            state = self.state
            version = state.orthanc if state else self.runtime.version()
            self._data = ArchiveData(self.scenario, self.variant, self.runtime.name, version)
        return self._data

    @property
    def answer_key(self) -> AnswerKey:
        """Return the variant's answer key: where every identifier was planted, and every question's answer.

        Raises
        ------
        DeploymentError
            If the servers hold the patients of another version of the lab.

        """
        if self._answer_key is None:
            self._answer_key = self._find_answer_key()
        return self._answer_key

    def _find_answer_key(self) -> AnswerKey:
        state = self.state
        if state is None:
            return cohort_of(self.scenario, self.variant).questions()
        self._require_own_patients(state)
        return self.data.answer_key()

    def _require_own_patients(self, state: State) -> None:
        """Refuse servers whose patients another version of the lab made: every answer would be wrong, silently."""
        reason = other_patients(state.origin)
        if reason:
            raise DeploymentError(
                f"the patients in {self.scenario.title!r} are not those of this version of the lab: {reason}",
                "Run 'pacslab stop' (or lab.stop()), then start again; your files are kept, what was stored is not.",
            )

    def handover(self) -> Handover:
        """Return the handover to the hospital's staff.

        Raises
        ------
        ConfigurationError
            If the student's ``handover.yaml`` cannot be used.

        """
        return read_handover(self.work.handover)

    def start(self, progress: Progress = no_progress) -> State:
        """Start what is not running, and return when every server answers.

        Servers that run already are left alone: a second call only looks.

        Raises
        ------
        PacslabError
            If the configuration, the data or the machine stand in the way; nothing is left running then. If the archive
            that runs holds another version's patients; it is left as it is.

        """
        remove_expired()
        with locked(self.id):
            self._runtime = None
            runtime = self._runtime = self._choose(progress)
            state = self.state
            if state is not None:
                self._require_own_patients(state)
            warn(describe_this_machine())
            if state is not None and all(runtime.running(server) for server in state.machines.values()):
                self.data.refuse_foreign_data(self._specs.archive_data)
                return state
            self.work.fill()
            exercise = read_exercise(self.work, self.scenario)
            owner = Owner(lab_id(), self.id, time.time() + self._hours * 3600)
            runtime.end(owner.lab, self.id)  # what stopped halfway, or was killed while it started
            try:
                return self._bring_up(runtime, owner, exercise, state, progress)
            except BaseException:
                self._end_quietly(runtime, keep_data=state is not None)
                raise

    def _end_quietly(self, runtime: Runtime, *, keep_data: bool) -> None:
        with suppress(RuntimeUnavailableError):
            runtime.end(lab_id(), self.id)
        if not keep_data:
            shutil.rmtree(deployment_folder(self.id), ignore_errors=True)

    def _bring_up(
        self, runtime: Runtime, owner: Owner, exercise: Exercise, before: State | None, progress: Progress
    ) -> State:
        kept = before is not None and (self._specs.archive_data / "index").is_file()
        if not kept:
            shutil.rmtree(deployment_folder(self.id), ignore_errors=True)
        root = deployment_folder(self.id)
        root.mkdir(parents=True, exist_ok=True)
        root.chmod(0o700)
        self._data = ArchiveData(self.scenario, self.variant, runtime.name, runtime.version())
        self._answer_key = None
        devices = self._specs.device_files(exercise, self.handover())
        state = self._startup.start_all(owner, exercise, devices, before, progress, kept=kept)
        write_state(self.id, state)
        progress("Running", 1.0)
        return state

    @property
    def _startup(self) -> Startup:
        return Startup(self.scenario, self.variant.student, self.runtime, self._specs, self.data)

    def restart(self, progress: Progress = no_progress) -> State:
        """Start the archive again with the student's configuration; its data stays.

        Where the new configuration cannot run, the archive runs again as it did before, and the error says why.

        Raises
        ------
        ConfigurationError
            If the configuration or the handover is malformed or refused; nothing was touched.
        ServerStartError, UnsafeAddressError
            If the archive did not start with it; the previous one runs again.
        DeploymentError
            If the deployment is not running.

        """
        remove_expired()
        with locked(self.id):
            state = self.running_state()
            return self._replace(state, read_exercise(self.work, self.scenario), progress)

    def reset(self, progress: Progress = no_progress) -> State:
        """Bring back the shipped data and configuration; the student's files are kept as ``before-reset.*``.

        Raises
        ------
        DeploymentError
            If the deployment is not running.

        """
        with locked(self.id):
            state = self.running_state()
            self.work.restore()
            return self._replace(state, read_exercise(self.work, self.scenario), progress, fresh=True)

    def _replace(self, state: State, exercise: Exercise, progress: Progress, *, fresh: bool = False) -> State:
        """Run the archive, its proxy and the devices as an exercise asks; as before where that cannot run."""
        devices = self._specs.device_files(exercise, self.handover())
        progress("Stopping the archive", 0.1)
        self.runtime.stop(state.servers[ARCHIVE])
        spec = self._specs.archive(exercise, state.network)
        if fresh:
            if not self.data.ready:
                self.data.make(self.runtime, state.owner, state.network, ARCHIVE, progress)
            self.data.copy_index(spec.data)
            self.data.link_images(spec.data)
        self.data.refuse_foreign_data(spec.data)
        progress("Starting the archive with your configuration", 0.4)
        try:
            changed = self._startup.restart(state, exercise, devices)
        except PacslabError as reason:
            before = state.exercise or Exercise(state.configuration)
            write_state(self.id, self._startup.restart(state, before, state.devices or devices))
            reason.remedy = f"{reason.remedy} Until then the archive runs as it did before; no data is lost.".strip()
            reason.args = (f"{reason.problem}. {reason.remedy}",)
            raise
        write_state(self.id, changed)
        progress("Running", 1.0)
        return changed

    def stop(self) -> int:
        """End every server and remove what it left; the work folder stays. Return how many servers ran.

        Raises
        ------
        RuntimeUnavailableError
            If the runtime that the servers run in does not answer.

        """
        with locked(self.id):
            state = read_state(self.id)
            if state is not None:
                open_runtime(state.runtime)  # an engine that is away must be said, not passed over
            return end_deployment(self.id, ready_runtimes())

    def assert_synthetic(self) -> None:
        """Refuse an archive that holds anything but the lab's invented people.

        Raises
        ------
        DeploymentError
            Naming the instance.

        """
        self.data.refuse_foreign_data(self._specs.archive_data)
