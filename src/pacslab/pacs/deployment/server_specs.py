"""The spec of each server of a deployment: its configuration, files, firewall and folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pacslab.pacs.config.nginx_conf import complete_proxy
from pacslab.pacs.deployment.certificates import stranger_files
from pacslab.pacs.deployment.peers import device_files, host_variables, peer_configuration
from pacslab.pacs.runtimes.base import Firewall, Network, ProxySpec, ServerSpec
from pacslab.pacs.server_names import ARCHIVE, PROXY, STRANGER

if TYPE_CHECKING:
    from pathlib import Path

    from pacslab.pacs.config.handover import Handover
    from pacslab.pacs.config.student_files import Exercise
    from pacslab.scenario import Scenario


class ServerSpecs:
    """The machines of one deployment, as a scenario and its student arrange them; their folders lie in one folder."""

    def __init__(self, scenario: Scenario, folder: Path) -> None:
        self._scenario = scenario
        self._folder = folder

    def folder(self, name: str) -> Path:
        """Return the folder of a machine; it need not exist yet."""
        return self._folder / "servers" / name

    @property
    def archive_data(self) -> Path:
        """Return the folder of the archive's index and images."""
        return self.folder(ARCHIVE) / "db"

    def device_files(self, exercise: Exercise, handover: Handover) -> dict[str, dict[str, str]]:
        """Return the certificates of each device: those handed over, and the stranger's own."""
        options = ("DicomTlsCertificate", "DicomTlsTrustedCertificates")
        shown = (exercise.configuration.get(option) for option in options)
        believed = [exercise.files[name] for name in dict.fromkeys(shown) if name in exercise.files]
        return device_files(handover, exercise.files, stranger_files(self._scenario.folder), believed)

    def archive(self, exercise: Exercise, network: Network) -> ServerSpec:
        """Return the archive's spec: the student's configuration."""
        return ServerSpec(
            ARCHIVE,
            exercise.configuration,
            self._made(ARCHIVE),
            host_variables(dict(network.addresses)),
            exercise.files,
            _firewall(exercise, network, of_proxy=False),
        )

    def proxy(self, exercise: Exercise, network: Network) -> ProxySpec:
        """Return the reverse proxy's spec: the student's ``nginx.conf`` in the lab's frame."""
        text = complete_proxy(exercise.proxy or "", host_variables(dict(network.addresses)))
        return ProxySpec(PROXY, text, self._made(PROXY), exercise.files, _firewall(exercise, network, of_proxy=True))

    def peer(self, name: str, network: Network, password: str, files: dict[str, str]) -> ServerSpec:
        """Return the spec of a device or of the stranger; only the lab knows its password."""
        content = peer_configuration(
            name, self._scenario.archive_ae_title, network.addresses[ARCHIVE], password, tls=bool(files)
        )
        return ServerSpec(name, content, self._made(name), {}, files)

    def _made(self, name: str) -> Path:
        folder = self.folder(name)
        folder.mkdir(parents=True, exist_ok=True)
        return folder


def _firewall(exercise: Exercise, network: Network, *, of_proxy: bool) -> Firewall:
    admitted = tuple(address for name, address in network.addresses.items() if name != STRANGER)
    return Firewall(exercise.network.closed(of_proxy=of_proxy), admitted)
