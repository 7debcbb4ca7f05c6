"""``handover.yaml``: addresses, accounts and certificates of the hospital's staff; the clinic probes know no more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field, model_validator

from pacslab.errors import ConfigurationError
from pacslab.models import Model
from pacslab.pacs.config.ports import URL_DOORS, ArchivePort
from pacslab.scenario import read_yaml

if TYPE_CHECKING:
    from pathlib import Path

HOST = "archive.hospital.test"
"""The archive's name inside the hospital. The domain ``.test`` is reserved (RFC 2606) and exists nowhere."""

_PART = r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*"
RelativePath = Annotated[str, Field(pattern=rf"^({_PART}/)?{_PART}$", max_length=120)]
"""A file of the work folder, named from there: ``certs/hospital-ca.pem``."""


class Account(Model):
    """A person's account; an empty user name means that no password is needed."""

    username: Annotated[str, Field(max_length=128)] = ""
    password: Annotated[str, Field(max_length=256)] = ""

    @property
    def credentials(self) -> tuple[str, str] | None:
        """Return user name and password for HTTP basic authentication, or None."""
        return (self.username, self.password) if self.username or self.password else None


class Web(Model):
    """Where the staff's browsers go, what they trust, and who logs in.

    ``url`` is the bookmark on the wards: ``http://archive.hospital.test:8042`` is the archive's own port, and
    ``https://archive.hospital.test`` (or ``http://`` without a port) the reverse proxy. ``ca`` is the certificate of
    the authority that their browsers trust.
    """

    url: Annotated[str, Field(max_length=200)] = f"http://{HOST}:8042"
    ca: RelativePath | None = None
    radiologist: Account = Account()
    administrator: Account = Account()

    @model_validator(mode="after")
    def _known_address(self) -> Web:
        ways = f"http://{HOST}:8042, http://{HOST} or https://{HOST}"
        parts = urlsplit(self.url)
        try:
            port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
        except ValueError:
            port = None
        if parts.hostname != HOST or (parts.scheme, port) not in URL_DOORS or parts.path.strip("/"):
            raise ValueError(f"the hospital's router knows {ways}, and not {self.url!r}")
        if self.door is ArchivePort.HTTPS and self.ca is None:
            raise ValueError("an https address needs 'ca', the certificate of the authority that the browsers trust")
        return self

    @property
    def door(self) -> ArchivePort:
        """Return the door that the bookmark leads to."""
        parts = urlsplit(self.url)
        return URL_DOORS[parts.scheme, parts.port or {"http": 80, "https": 443}[parts.scheme]]

    @property
    def host(self) -> str:
        """Return the name that the browser asks for, and that a certificate must carry."""
        return HOST


class DeviceFiles(Model):
    """The certificate and the private key that one device has been given (PEM)."""

    certificate: RelativePath
    key: RelativePath


class DicomTls(Model):
    """DICOM over TLS (PS3.15 B.9): the authority that the hospital's devices trust, and their own certificates."""

    ca: RelativePath
    devices: dict[Literal["CT01", "WS01"], DeviceFiles] = Field(default_factory=dict)

    @property
    def files(self) -> tuple[str, ...]:
        """Return every file that is named."""
        return (self.ca, *(path for device in self.devices.values() for path in (device.certificate, device.key)))


class Dicom(Model):
    """How the hospital's devices open an association with the archive; without ``tls`` in clear text.

    An AE title has 1 to 16 characters (PS3.5, value representation AE).
    """

    called_ae_title: Annotated[str, Field(pattern=r"^[ -~]{1,16}$")]
    tls: DicomTls | None = None


class Handover(Model):
    """The handover to the hospital's staff."""

    web: Web = Web()
    dicom: Dicom

    @property
    def files(self) -> tuple[str, ...]:
        """Return every file of the work folder that it names."""
        tls = self.dicom.tls.files if self.dicom.tls else ()
        return (*((self.web.ca,) if self.web.ca else ()), *tls)


def read_handover(path: Path) -> Handover:
    """Return the handover that a file holds.

    Raises
    ------
    ConfigurationError
        If it is missing, not YAML, or has other keys; the message names file, key and remedy.

    """
    return read_yaml(path, Handover, ConfigurationError)
