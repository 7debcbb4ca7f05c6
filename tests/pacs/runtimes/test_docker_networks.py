"""Two labs on one machine share no address: what is reserved or in use is passed over."""

import secrets
import socket
import time
from contextlib import closing

import pytest
from docker.types import IPAMConfig, IPAMPool

import docker
from pacslab.errors import DeploymentError
from pacslab.pacs.config.orthanc_json import DICOM_PORT
from pacslab.pacs.runtimes.base import Owner
from pacslab.pacs.runtimes.docker.network import drawn_subnet
from pacslab.pacs.runtimes.docker.runtime import DockerRuntime
from pacslab.pacs.runtimes.process import loopback_blocks
from pacslab.pacs.runtimes.process.runtime import ProcessRuntime

NAMES = ("archive", "CT01")

pytestmark = pytest.mark.usefixtures("places")


@pytest.fixture
def owner():
    return Owner(f"networks-{secrets.token_hex(4)}", "one", time.time() + 60)


def addresses(network):
    return set(network.addresses.values())


def test_network_block_that_is_reserved_is_passed_over(owner):
    first = ProcessRuntime().open_network(owner, NAMES)
    second = ProcessRuntime().open_network(owner, NAMES)
    assert not addresses(first) & addresses(second)


def test_network_block_with_a_listener_is_passed_over(owner, monkeypatch):
    """Another user's lab keeps its reservations in another place; its servers are seen all the same."""
    monkeypatch.setattr(loopback_blocks, "claim", lambda *_: None)
    first = ProcessRuntime().open_network(owner, NAMES)
    assert ProcessRuntime().open_network(owner, NAMES) == first, "nothing is written down, and nobody listens"
    with socket.create_server((first.addresses["CT01"], DICOM_PORT)):
        second = ProcessRuntime().open_network(owner, NAMES)
    assert not addresses(first) & addresses(second)


def test_network_blocks_all_taken_are_reported(owner, monkeypatch):
    monkeypatch.setattr(loopback_blocks, "_free", lambda *_: False)
    with pytest.raises(DeploymentError, match=r"no free block.*pacslab stop --all"):
        ProcessRuntime().open_network(owner, NAMES)


@pytest.mark.docker
def test_network_subnet_of_another_network_is_passed_over(owner):
    taken = drawn_subnet(f"{owner.lab}/{owner.deployment}", 0)
    with closing(docker.from_env()) as client:
        other = client.networks.create(
            f"somebody-{owner.lab}", ipam=IPAMConfig(pool_configs=[IPAMPool(subnet=str(taken))])
        )
        runtime = DockerRuntime()
        try:
            network = runtime.open_network(owner, NAMES)
            assert not addresses(network) & {str(in_use) for in_use in taken}
        finally:
            runtime.end(owner.lab, owner.deployment)
            other.remove()
