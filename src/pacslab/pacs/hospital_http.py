"""A browser on a ward: it goes where the bookmark leads, trusts one authority, and checks the name it asked for."""

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
"""How long a connection is used again: Orthanc ends it after a second, and on a busy machine just under a question."""


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
    """Return what a client needs that trusts one authority and nobody else, and checks names.

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


class _NoWay(httpx.BaseTransport):
    """A bookmark that leads nowhere."""

    def __init__(self, reason: str) -> None:
        self._reason = reason

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Say that nothing answers."""
        raise httpx.ConnectError(self._reason, request=request)


def hospital_transport(
    web: Web, work: Path, endpoints: Mapping[ArchivePort, Endpoint], source: str | None = None
) -> httpx.BaseTransport:
    """Return how the client of somebody travels who knows what ``handover.yaml`` says.

    Where that leads nowhere, or to somebody whom nothing says to trust, a request ends in ``httpx.ConnectError``.

    Parameters
    ----------
    web, work
        What has been handed over, and the folder that its file names start from.
    endpoints
        Where each door is.
    source
        The address that it comes from.

    Raises
    ------
    UnsafeAddressError
        If the door is not in a lab network.

    """
    endpoint = endpoints.get(web.door)
    if endpoint is None:
        return _NoWay(f"handover.yaml sends the staff to {web.url}, and there is no reverse proxy")
    if web.door is not ArchivePort.HTTPS or web.ca is None:
        return HospitalTransport(endpoint, verify=False, source=source)
    try:
        return HospitalTransport(endpoint, trusting(work / web.ca), source)
    except ConfigurationError as reason:
        return _NoWay(reason.problem)
