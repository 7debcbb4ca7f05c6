"""HTTP client of a hospital workstation: follows the configured URL, verifies TLS against the hospital's authority."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

import httpx

from pacslab.errors import ConfigurationError
from pacslab.pacs.addresses import require_lab_address
from pacslab.pacs.config.ports import ArchivePort

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from pacslab.pacs.addresses import Endpoint
    from pacslab.pacs.config.handover import Web

ORTHANC_KEEPALIVE = httpx.Limits(keepalive_expiry=0.5)
"""Seconds in which a connection is used again. Orthanc ends it after 1 s, on a busy machine during a request."""


class HospitalTransport(httpx.BaseTransport):
    """Leads every request to one endpoint of the lab, as the hospital's name server and router would.

    Parameters
    ----------
    endpoint
        Where the archive's name leads to.
    verify
        Whom a TLS client trusts.
    source
        The address that it comes from, or None for any.

    Raises
    ------
    UnsafeAddressError
        If the endpoint is not in a lab network.

    """

    def __init__(self, endpoint: Endpoint, verify: ssl.SSLContext | bool, source: str | None) -> None:
        require_lab_address(endpoint.host)
        self._endpoint = endpoint
        self._inner = httpx.HTTPTransport(verify=verify, local_address=source, limits=ORTHANC_KEEPALIVE)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send the request to the endpoint; the name that was asked for stays in it, and in the TLS handshake."""
        name = request.url.host
        request.url = request.url.copy_with(host=self._endpoint.host, port=self._endpoint.port)
        request.extensions = {**request.extensions, "sni_hostname": name}
        return self._inner.handle_request(request)

    def close(self) -> None:
        """Close its connections."""
        self._inner.close()


def trusting(ca: Path) -> ssl.SSLContext:
    """Return the TLS context of a client that trusts a single authority and checks names.

    Raises
    ------
    ConfigurationError
        If the file holds no certificate.

    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        context.load_verify_locations(cafile=str(ca))
    except (OSError, ssl.SSLError):
        raise ConfigurationError(
            f"{ca} holds no certificate", "Name the hospital's authority, certs/hospital-ca.pem, in handover.yaml."
        ) from None
    return context


class _Unreachable(httpx.BaseTransport):
    """The transport of a URL that leads to no door."""

    def __init__(self, reason: str) -> None:
        self._reason = reason

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Raise the error of a connection that does not come about."""
        raise httpx.ConnectError(self._reason, request=request)


def hospital_transport(
    web: Web, work: Path, endpoints: Mapping[ArchivePort, Endpoint], source: str | None = None
) -> httpx.BaseTransport:
    """Return the transport of a client that follows ``handover.yaml``.

    Where the URL leads to no door, or to a certificate that nothing says to trust, a request ends in
    ``httpx.ConnectError``.

    Parameters
    ----------
    web, work
        The web section of the handover, and the folder that its file names start from.
    endpoints
        The address of each door.
    source
        The client's own address; None for any.

    Raises
    ------
    UnsafeAddressError
        If the door is not in a lab network.

    """
    endpoint = endpoints.get(web.door)
    if endpoint is None:
        return _Unreachable(f"handover.yaml sends the staff to {web.url}, and there is no reverse proxy")
    if web.door is not ArchivePort.HTTPS or web.ca is None:
        return HospitalTransport(endpoint, verify=False, source=source)
    try:
        return HospitalTransport(endpoint, trusting(work / web.ca), source)
    except ConfigurationError as reason:
        return _Unreachable(reason.problem)
