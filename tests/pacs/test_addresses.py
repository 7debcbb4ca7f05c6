"""Safety rule 3: the lab's own tools touch lab networks and nothing else."""

from types import SimpleNamespace

import pytest

from pacslab.errors import UnsafeAddressError
from pacslab.pacs.addresses import Endpoint, require_lab_address
from pacslab.pacs.runtimes.base import Server
from pacslab.pacs.server_names import PEERS
from pacslab.probes import DicomPeer, Target, get_as_stranger


@pytest.mark.parametrize("host", ["127.0.0.1", "127.88.3.4", "10.231.0.2"])
def test_address_of_the_lab_passes(host):
    assert require_lab_address(host) == host


@pytest.mark.parametrize(
    "host", ["8.8.8.8", "10.0.0.1", "192.168.1.1", "0.0.0.0", "::1", "localhost", "", "10.232.0.1"]
)
def test_address_of_any_other_kind_is_refused(host):
    with pytest.raises(UnsafeAddressError, match="nothing was sent"):
        require_lab_address(host)


def server(host):
    return Server("archive", "1:1:/x", host, Endpoint(host, 8042), Endpoint(host, 4242))


def test_address_of_an_actor_elsewhere_is_refused():
    with pytest.raises(UnsafeAddressError):
        DicomPeer("CT01", server("192.0.2.1"), "x")


class Elsewhere:
    """A deployment whose archive claims to be somebody else's machine."""

    class _State:
        servers = {name: server("127.0.0.1") for name in PEERS} | {"archive": server("192.0.2.1")}
        password = "x"

    def running_state(self):
        return self._State

    def handover(self):
        return None


def test_address_of_an_archive_elsewhere_is_refused():
    with pytest.raises(UnsafeAddressError), Target.of(Elsewhere()):
        pass


def test_address_elsewhere_is_refused_by_c_get():
    key = SimpleNamespace(facts={"deid_study_uid": "1.2"})
    with pytest.raises(UnsafeAddressError):
        get_as_stranger(SimpleNamespace(key=key, archive=server("192.0.2.1")))
