"""Sidecar containers in a server's network: its firewall (nftables), and the tap of its associations (tcpdump)."""

from __future__ import annotations

import io
import tarfile
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import docker.errors

import docker
from pacslab.pacs.config.orthanc_json import DICOM_PORT
from pacslab.pacs.runtimes.docker.engine import engine, labels, remove
from pacslab.pacs.runtimes.pcap import Capture, read_pcap
from pacslab.pacs.runtimes.wait_strategies import START_TIMEOUT_S
from pacslab.pacs.server_names import TAP

if TYPE_CHECKING:
    from collections.abc import Iterator

    from docker.models.containers import Container

    from pacslab.pacs.runtimes.base import Firewall, Owner, Server

_CAPTURE = "/capture.pcap"
_SETTLING_S = 0.1
"""The kernel hands over the last packets meanwhile."""


def close_ports(
    client: docker.DockerClient, image: str, owner: Owner, container: Container, firewall: Firewall
) -> None:
    """Give a container's network a firewall that it cannot take away: it holds no rights over its own network."""
    ports, admitted = ", ".join(map(str, firewall.closed)), ", ".join(firewall.admitted)
    rules = (
        "table ip lab {\n chain arriving {\n type filter hook input priority 0; policy accept;\n"
        f" tcp dport {{ {ports} }} ip saddr != {{ {admitted} }} reject with tcp reset\n }}\n}}"
    )
    with engine("closing ports of the lab network"):
        try:
            client.containers.run(
                image,
                entrypoint=["nft", rules],
                command=[],
                network_mode=f"container:{container.id}",
                cap_drop=["ALL"],
                cap_add=["NET_ADMIN"],
                labels=labels(owner),
                remove=True,
            )
        except docker.errors.APIError as reason:
            if "non running container" not in str(reason):
                raise  # it ended already; whoever waits for it reads why in its log


@contextmanager
def tcpdump(client: docker.DockerClient, image: str, owner: Owner, device: Server) -> Iterator[Capture]:
    """Run tcpdump in a device's network, with the right to listen there and no other; yield what it records.

    The capture is complete when this has ended.
    """
    capture = Capture()
    with engine("tapping the lab network"):
        container = client.containers.run(
            image,
            entrypoint=[
                "tcpdump",
                "--immediate-mode",
                "-U",
                "-n",
                "-p",
                "-Z",
                "root",
                "-i",
                "eth0",
                "-w",
                _CAPTURE,
            ],
            command=["tcp", "port", str(DICOM_PORT)],
            network_mode=f"container:{device.handle}",
            cap_drop=["ALL"],
            cap_add=["NET_RAW"],
            labels={**labels(owner), "pacslab.server": TAP},
            mem_limit="128m",
            detach=True,
        )
    try:
        deadline = time.monotonic() + START_TIMEOUT_S
        while b"listening on" not in container.logs() and time.monotonic() < deadline:
            time.sleep(0.02)
        yield capture
        with engine("reading the tap"):
            time.sleep(_SETTLING_S)
            container.kill("SIGINT")
            container.wait(timeout=10)
            stream, _ = container.get_archive(_CAPTURE)
            with tarfile.open(fileobj=io.BytesIO(b"".join(stream))) as files:
                file = files.extractfile(files.getmembers()[0])
                capture.packets.extend(read_pcap(file.read() if file else b"").packets)
    finally:
        remove(client, str(container.id))
