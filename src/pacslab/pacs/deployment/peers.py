"""The archive's DICOM peers in a lab network: the hospital's scanner and workstation, and the stranger.

Each is a real Orthanc that only the lab drives, over REST, as a DICOM client of the archive.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pacslab.pacs.config.orthanc_json import DICOM_PORT
from pacslab.pacs.server_names import ARCHIVE, PROXY, SCANNER, STRANGER, WORKSTATION

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pacslab.pacs.config.handover import Handover


FORMER_DEVICE_TITLE = "SERVICE"
"""The AE title of the vendor's laptop that left years ago; the stranger has its address now."""

AS_FORMER_DEVICE = "archive-as-service"
"""The stranger's second entry for the archive, in which it calls itself by the leftover title."""

AS_WORKSTATION = "archive-as-ws01"
"""The stranger's third entry, in which it borrows the workstation's title."""

AS_SCANNER = "archive-as-ct01"
"""The stranger's fourth entry, in which it borrows the scanner's title."""

DEVICE_FILES = ("device.pem", "device.key", "ca.pem")
"""A peer's certificate, its key, and the authority that it trusts, beside its configuration."""

LAB_ACCOUNT = "lab"


def host_variables(addresses: dict[str, str]) -> dict[str, str]:
    """Return the environment that ``${CT01_HOST}`` and the like in ``orthanc.json`` are replaced from."""
    return {
        "ARCHIVE_HOST": addresses[ARCHIVE],
        "PROXY_HOST": addresses[PROXY],
        "CT01_HOST": addresses[SCANNER],
        "WS01_HOST": addresses[WORKSTATION],
        "SERVICE_HOST": addresses[STRANGER],
    }


def modality_entry(title: str, host: str, own_title: str | None = None, *, tls: bool = False) -> dict[str, Any]:
    """Return an entry of Orthanc's ``DicomModalities``: the called AE title and host, the calling AE title, and TLS.

    >>> modality_entry("ARCHIVE", "127.63.0.1", "CT01")
    {'AET': 'ARCHIVE', 'Host': '127.63.0.1', 'Port': 4242, 'Timeout': 5, 'LocalAet': 'CT01'}
    """
    entry: dict[str, Any] = {"AET": title, "Host": host, "Port": DICOM_PORT, "Timeout": 5}
    if own_title is not None:
        entry["LocalAet"] = own_title
    if tls:
        entry["UseDicomTls"] = True
    return entry


def archive_entries(
    name: str, archive_title: str, archive_host: str, *, tls: bool = False
) -> dict[str, dict[str, Any]]:
    """Return a peer's entries for the archive: under its own AE title, and the stranger's also under borrowed ones.

    ``tls`` says whether it opens DICOM TLS; a peer can only where it was given :data:`DEVICE_FILES`.
    """
    entries = {ARCHIVE: modality_entry(archive_title, archive_host, tls=tls)}
    if name == STRANGER:
        for entry, title in (
            (AS_FORMER_DEVICE, FORMER_DEVICE_TITLE),
            (AS_WORKSTATION, WORKSTATION),
            (AS_SCANNER, SCANNER),
        ):
            entries[entry] = modality_entry(archive_title, archive_host, title, tls=tls)
    return entries


def device_files(
    handover: Handover, files: Mapping[str, str], stranger: Mapping[str, str], believed: Iterable[str]
) -> dict[str, dict[str, str]]:
    """Return for each peer the certificate files beside its configuration.

    Parameters
    ----------
    handover, files
        The hospital's handover, and the work folder's files that it names.
    stranger
        The stranger's own files: a certificate of an untrusted authority.
    believed
        Further certificates that the stranger trusts: the archive's own, since he does not care whom he reaches.

    """
    rogue = dict(stranger)
    rogue[DEVICE_FILES[-1]] = "".join([stranger[DEVICE_FILES[-1]], *believed])
    found: dict[str, dict[str, str]] = {SCANNER: {}, WORKSTATION: {}, STRANGER: rogue}
    tls = handover.dicom.tls
    if tls is not None:
        for name, device in tls.devices.items():
            own = (files[device.certificate], files[device.key], files[tls.ca])
            found[name] = dict(zip(DEVICE_FILES, own, strict=True))
    return found


def peer_configuration(
    name: str, archive_title: str, archive_host: str, password: str, *, tls: bool = False
) -> dict[str, Any]:
    """Return the configuration of a peer; only the lab knows its password.

    With ``tls`` it has :data:`DEVICE_FILES`. A device of the hospital then accepts nothing but TLS itself; the stranger
    only calls with it, and does not care whom it reaches.
    """
    certificate, key, trusted = DEVICE_FILES
    secure = {
        "DicomTlsEnabled": name != STRANGER,
        "DicomTlsCertificate": certificate,
        "DicomTlsPrivateKey": key,
        "DicomTlsTrustedCertificates": trusted,
        "DicomTlsRemoteCertificateRequired": name != STRANGER,
    }
    return {
        "Name": name,
        "DicomAet": name,
        "RemoteAccessAllowed": True,
        "AuthenticationEnabled": True,
        "RegisteredUsers": {LAB_ACCOUNT: password},
        "DicomAlwaysAllowEcho": True,
        "DicomAlwaysAllowStore": True,
        "DicomAlwaysAllowFind": False,
        "DicomAlwaysAllowGet": False,
        "DicomAlwaysAllowMove": False,
        "DicomModalities": archive_entries(name, archive_title, archive_host, tls=tls and name != STRANGER),
        **(secure if tls else {}),
        "DicomScuTimeout": 5,
        "OverwriteInstances": True,
        "OrthancExplorerEnabled": False,
        "WebDavEnabled": False,
        "SaveJobs": False,
    }
