"""The network of a deployment in Docker: a bridge of its own that leads nowhere."""

from __future__ import annotations

import hashlib
import ipaddress
from typing import TYPE_CHECKING

import docker.errors
import requests
from docker.types import IPAMConfig, IPAMPool

import docker
from pacslab.errors import DeploymentError
from pacslab.pacs.addresses import LAB_NETWORKS
from pacslab.pacs.runtimes.base import Network
from pacslab.pacs.runtimes.docker.engine import engine, labels

if TYPE_CHECKING:
    from pacslab.pacs.runtimes.base import Owner

_SUBNET_BITS = 28
_TRIES = 64


def open_bridge(client: docker.DockerClient, owner: Owner, names: tuple[str, ...], wanted: Network | None) -> Network:
    """Make a bridge network without masquerading, whose subnet follows from the deployment's name.

    ``wanted`` asks for the one that was used before; where it still is, that one is returned.

    Raises
    ------
    DeploymentError
        If no subnet is free.

    """
    if wanted is not None and _holds(client, wanted):
        return wanted
    seed = f"{owner.lab}/{owner.deployment}"
    subnets = [_subnet(wanted)] if wanted is not None else [drawn_subnet(seed, attempt) for attempt in range(_TRIES)]
    for subnet in subnets:
        hosts = list(subnet.hosts())
        options = {
            "com.docker.network.bridge.enable_ip_masquerade": "false",
            "com.docker.network.bridge.host_binding_ipv4": "127.0.0.1",
        }
        pool = IPAMPool(subnet=str(subnet), gateway=str(hosts[0]))
        name = f"pacslab-{owner.lab}-{owner.deployment}"
        with engine("making the lab network"):
            try:
                client.networks.create(
                    name,
                    driver="bridge",
                    ipam=IPAMConfig(pool_configs=[pool]),
                    options=options,
                    labels=labels(owner),
                    check_duplicate=True,
                )
            except docker.errors.APIError as reason:
                if reason.status_code == requests.codes.forbidden or "verlap" in str(reason):
                    continue
                raise
        addresses = {server: str(hosts[index + 1]) for index, server in enumerate(names)}
        return Network(name, addresses)
    raise DeploymentError(
        f"no free network was found in {LAB_NETWORKS}",
        "End what runs (pacslab stop --all), or remove other networks in that range.",
    )


def _holds(client: docker.DockerClient, network: Network) -> bool:
    with engine("looking for the lab network"):
        return bool(client.networks.list(names=[f"^{network.handle}$"]))


def drawn_subnet(seed: str, attempt: int) -> ipaddress.IPv4Network:
    """Return the subnet that is tried for a deployment, which follows from its name, and from how many were taken."""
    value = int.from_bytes(hashlib.sha256(f"{seed}/{attempt}".encode()).digest()[:4], "big")
    start = int(LAB_NETWORKS.network_address) + (value % (1 << (_SUBNET_BITS - LAB_NETWORKS.prefixlen))) * 16
    return ipaddress.IPv4Network((start, _SUBNET_BITS))


def _subnet(network: Network) -> ipaddress.IPv4Network:
    return ipaddress.IPv4Network(f"{next(iter(network.addresses.values()))}/{_SUBNET_BITS}", strict=False)
