"""The doors of a hospital's archive: their ports, and the firewall that ``network.yaml`` sets in front of them.

``network.yaml`` is the hospital's firewall. It stands between the machine room (archive, proxy, CT01, WS01) and
everybody else: the wards' browsers, the internet and the stranger.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from pacslab.errors import ConfigurationError
from pacslab.models import Model
from pacslab.pacs.config.orthanc_json import DICOM_PORT, HTTP_PORT
from pacslab.scenario import read_yaml

if TYPE_CHECKING:
    from pathlib import Path

PROXY_HTTP_PORT = 8080
PROXY_HTTPS_PORT = 8443


class ArchivePort(StrEnum):
    """A port that somebody may knock at.

    ``HTTP`` and ``DICOM`` are the archive's own ports 8042 and 4242; ``PROXY`` and ``HTTPS`` are the reverse proxy's
    ports 8080 and 8443, which the hospital's router shows as 80 and 443.

    >>> [(door.value, door.port) for door in ArchivePort]
    [('http', 8042), ('dicom', 4242), ('proxy', 8080), ('https', 8443)]
    """

    HTTP = "http"
    DICOM = "dicom"
    PROXY = "proxy"
    HTTPS = "https"

    @property
    def port(self) -> int:
        """Return the port that the machine listens on."""
        return _PORTS[self]

    @property
    def scheme(self) -> str:
        """Return the scheme of its web address; DICOM has none."""
        return "https" if self is ArchivePort.HTTPS else "http"

    @property
    def of_proxy(self) -> bool:
        """Return whether the reverse proxy listens there, and not the archive."""
        return self in {ArchivePort.PROXY, ArchivePort.HTTPS}


_PORTS = {
    ArchivePort.HTTP: HTTP_PORT,
    ArchivePort.DICOM: DICOM_PORT,
    ArchivePort.PROXY: PROXY_HTTP_PORT,
    ArchivePort.HTTPS: PROXY_HTTPS_PORT,
}
URL_DOORS = {("http", HTTP_PORT): ArchivePort.HTTP, ("http", 80): ArchivePort.PROXY, ("https", 443): ArchivePort.HTTPS}
"""Which door a web address leads to, by its scheme and port."""


class NetworkRules(Model):
    """The rules of ``network.yaml``: the doors that the outside reaches. Inside the machine room all are open.

    >>> NetworkRules(outside=("https",)).closed(of_proxy=False)
    (8042, 4242)
    """

    outside: tuple[ArchivePort, ...] = tuple(ArchivePort)

    def closed(self, *, of_proxy: bool) -> tuple[int, ...]:
        """Return the ports of the archive, or of its proxy, that the outside does not reach."""
        return tuple(door.port for door in ArchivePort if door not in self.outside and door.of_proxy == of_proxy)


def read_network(path: Path) -> NetworkRules:
    """Return the rules that a file holds; without the file every door is open.

    Raises
    ------
    ConfigurationError
        If it is not YAML, has other keys or names other doors.

    """
    return read_yaml(path, NetworkRules, ConfigurationError) if path.exists() else NetworkRules()
