"""The safety rules of the lab itself, on running servers: nothing beyond loopback, no way out."""

import contextlib
import json
import os
import socket
import subprocess
import sys
import threading
import time

import httpx
import pytest

from pacslab.errors import UnsafeAddressError
from pacslab.pacs.config.nginx_conf import complete_proxy
from pacslab.pacs.config.orthanc_json import read_configuration
from pacslab.pacs.runtimes.base import Owner, ProxySpec, ServerSpec
from pacslab.pacs.runtimes.process import runtime as process_runtime
from pacslab.pacs.runtimes.process.bind_shim import shim_library
from pacslab.pacs.runtimes.process.listening_sockets import listeners
from pacslab.pacs.runtimes.process.runtime import ProcessRuntime
from pacslab.pacs.runtimes.select import open_runtime
from pacslab.paths import shipped
from tests.support.network_neighbour import THERE, neighbour

TRIES = [
    {"HttpBindAddresses": ["0.0.0.0"]},
    {"HttpBindAddresses": ["::"]},
    {"RemoteAccessAllowed": True, "AuthenticationEnabled": False},
    {"DicomServerEnabled": True, "DicomCheckCalledAet": False},
    {"DicomTlsEnabled": False, "HttpServerEnabled": True, "KeepAlive": True},
]


@pytest.fixture
def owner():
    mark = f"safety-{os.getpid()}-{time.time_ns()}"
    made_by = Owner("safety-tests", mark, time.time() + 120)
    yield made_by
    for name in ("process", "docker"):
        with contextlib.suppress(Exception):
            open_runtime(name).end(made_by.lab, made_by.deployment)


def free_port():
    with socket.socket() as probe:
        probe.bind(("0.0.0.0", 0))
        return probe.getsockname()[1]


def pid_of(server):
    return int(server.handle.split(":")[0])


def shipped_configuration():
    return read_configuration(shipped("scenarios") / "open-archive" / "orthanc.json")


@pytest.mark.parametrize("options", TRIES, ids=json.dumps)
def test_process_listens_on_loopback_only_whatever_is_set(options, owner, tmp_path):
    """Safety rule 1, past the check of the file: the runtime itself must hold."""
    runtime = ProcessRuntime()
    network = runtime.open_network(owner, ("archive",))
    configuration = {**shipped_configuration(), **options, "DicomModalities": {}}
    server = runtime.start(owner, network, ServerSpec("archive", configuration, tmp_path))
    found = listeners(pid_of(server))
    assert {(socket_address.address, socket_address.port) for socket_address in found} == {
        (server.address, 8042),
        (server.address, 4242),
    }
    assert all(socket_address.loopback for socket_address in found)


def test_process_without_the_shim_is_killed_at_once(owner, tmp_path, monkeypatch):
    """A preloaded library that is missing fails open, so the socket table has the last word."""
    source = tmp_path / "empty.c"
    source.write_text("int pacslab_nothing;", encoding="utf-8")
    library = tmp_path / "empty.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-o", str(library), str(source)], check=True)
    monkeypatch.setattr(process_runtime, "preload", lambda _folder: str(library))
    runtime = ProcessRuntime()
    network = runtime.open_network(owner, ("archive",))
    # Ports of its own: it listens on every interface, where another lab of this machine may hold the usual ones.
    own = {"HttpPort": free_port(), "DicomPort": free_port(), "DicomModalities": {}}
    with pytest.raises(UnsafeAddressError, match="killed at once"):
        runtime.start(owner, network, ServerSpec("archive", {**shipped_configuration(), **own}, tmp_path))
    assert not runtime.deployments(owner.lab)


def test_process_in_a_home_with_spaces_stays_on_loopback(owner, tmp_path, monkeypatch):
    """LD_PRELOAD ends a path at a space or a colon, and the library is passed over."""
    odd = tmp_path / "Jane Doe: home"
    monkeypatch.setenv("PACSLAB_CACHE", str(odd / "cache"))
    runtime = ProcessRuntime()
    network = runtime.open_network(owner, ("archive", "proxy"))
    folders = {name: odd / "servers" / name for name in network.addresses}
    for path in folders.values():
        path.mkdir(parents=True)
    configuration = {**shipped_configuration(), "DicomModalities": {}}
    server = runtime.start(owner, network, ServerSpec("archive", configuration, folders["archive"]))
    assert {socket_address.address for socket_address in listeners(pid_of(server))} == {server.address}
    text = complete_proxy("server { listen 8080; location / { root ${SERVED_FOLDER}; } }", {})
    spec = ProxySpec("proxy", text, folders["proxy"])
    spec.served.mkdir()
    (spec.served / "page.txt").write_text("served", encoding="utf-8")
    proxy = runtime.start_proxy(owner, network, spec)
    assert {socket_address.address for socket_address in listeners(pid_of(proxy))} == {proxy.address}
    assert httpx.get(f"http://{proxy.http}/page.txt", trust_env=False).text == "served"


def test_shim_without_a_loopback_address_starts_nothing():
    library = shim_library()
    for address in ("192.0.2.1", "0.0.0.0", "", "nonsense"):
        result = subprocess.run(["true"], env={"LD_PRELOAD": str(library), "PACSLAB_ADDRESS": address}, check=False)
        assert result.returncode == 70


def test_process_asks_no_name_server():
    """Safety rule 2: a question about a name would leave the machine; numbers and localhost need none."""
    library = shim_library()
    code = (
        "import socket, sys\n"
        "for ask in (socket.getaddrinfo, lambda name, _: socket.gethostbyname(name), lambda name, _: "
        "socket.gethostbyname_ex(name)):\n"
        "    ask('127.1.2.3', 80), ask('localhost', 80)\n"
        "    try: ask(socket.gethostname(), 80)\n"
        "    except socket.gaierror: print('unknown')\n"
    )
    environment = {"LD_PRELOAD": str(library), "PACSLAB_ADDRESS": "127.9.9.9"}
    told = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert told.stdout.split() == ["unknown"] * 3
    assert socket.getaddrinfo(socket.gethostname(), 80), "the control failed: this machine knows its own name"


def own_outside_address():
    """Return an address of this machine that is not loopback, or None."""
    text = subprocess.run(["ip", "-4", "-o", "address"], capture_output=True, text=True, check=True).stdout
    found = [line.split()[3].split("/")[0] for line in text.splitlines()]
    return next((socket_address for socket_address in found if not socket_address.startswith("127.")), None)


@contextlib.contextmanager
def counting_listener(address):
    """Yield a port on an address and the list of those who connected to it."""
    callers = []
    with socket.create_server((address, 0)) as server:
        server.settimeout(0.1)
        done = threading.Event()

        def serve():
            while not done.is_set():
                with contextlib.suppress(TimeoutError):
                    connection, caller = server.accept()
                    callers.append(caller[0])
                    connection.close()

        thread = threading.Thread(target=serve)
        thread.start()
        yield server.getsockname()[1], callers
        done.set()
        thread.join()


def test_process_cannot_connect_beyond_loopback(owner, tmp_path):
    """Safety rule 2: the archive is told to call a machine outside, and nothing arrives there."""
    outside = own_outside_address()
    assert outside, "this test needs an address that is not loopback"
    with counting_listener(outside) as (port, callers):
        socket.create_connection((outside, port), timeout=2).close()  # the way itself is open
        runtime = ProcessRuntime()
        network = runtime.open_network(owner, ("archive",))
        modalities = {"OUT": {"AET": "OUT", "Host": outside, "Port": port}}
        peers = {"out": [f"http://{outside}:{port}/"]}
        configuration = {**shipped_configuration(), "DicomModalities": modalities, "OrthancPeers": peers}
        server = runtime.start(owner, network, ServerSpec("archive", configuration, tmp_path))
        assert httpx.post(f"{server.url}/modalities/OUT/echo", json={}, timeout=20, trust_env=False).is_error
        assert httpx.get(f"{server.url}/peers/out/system", timeout=20, trust_env=False).is_error
        time.sleep(0.3)
        assert len(callers) == 1


@pytest.mark.docker
def test_container_publishes_on_loopback_and_has_no_rights(owner, tmp_path):
    import docker  # noqa: PLC0415

    runtime = open_runtime("docker")
    network = runtime.open_network(owner, ("archive",))
    folder = tmp_path / "archive"
    (folder / "db").mkdir(parents=True)
    tmp_path.chmod(0o755)
    precious = tmp_path / "precious"
    precious.touch()
    owned_by = precious.stat().st_uid
    (folder / "db" / "left-by-an-intruder").symlink_to(precious)
    server = runtime.start(
        owner, network, ServerSpec("archive", {**shipped_configuration(), "DicomModalities": {}}, folder)
    )
    assert precious.stat().st_uid == owned_by, "a link in the archive's data gave a file of the machine away"
    client = docker.from_env()
    container = client.containers.get(server.handle)
    host = container.attrs["HostConfig"]
    published = [
        binding for bindings in container.attrs["NetworkSettings"]["Ports"].values() for binding in bindings or []
    ]
    assert {port["HostIp"] for port in published} == {"127.0.0.1"}
    assert host["CapDrop"] == ["ALL"]
    assert not host["CapAdd"]
    assert "no-new-privileges" in " ".join(host["SecurityOpt"])
    assert host["ReadonlyRootfs"]
    assert 0 < host["Memory"] <= 2**30
    assert 0 < host["PidsLimit"] <= 512
    assert not host["Privileged"]
    assert not [mount for mount in host["Binds"] if "docker.sock" in mount]
    assert container.attrs["Config"]["User"] not in {"", "0", "root"}
    assert container.attrs["Config"]["Labels"]["pacslab.deployment"] == owner.deployment
    table = subprocess.run(["ss", "-Hltn"], capture_output=True, text=True, check=True).stdout
    ports = {int(port["HostPort"]) for port in published}
    listening = [line.split()[3] for line in table.splitlines() if int(line.split()[3].rsplit(":", 1)[1]) in ports]
    assert listening
    assert all(socket_address.startswith("127.0.0.1:") for socket_address in listening)


@pytest.mark.docker
def test_container_has_no_way_out_and_no_way_in(owner, tmp_path):
    """Safety rule 2: a machine outside, in a network namespace of its own, hears an ordinary container and not ours."""
    import docker  # noqa: PLC0415

    client = docker.from_env()
    runtime = open_runtime("docker")
    network = runtime.open_network(owner, ("archive",))
    ordinary = client.networks.create(f"ordinary-{owner.deployment}", driver="bridge")
    try:
        with neighbour() as outside:
            listener = subprocess.Popen(
                outside.command("python3", "-m", "http.server", "8099", "--bind", THERE),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            try:

                def reached(name):
                    output = client.containers.run(
                        runtime.image,
                        ["4", "bash", "-c", f"exec 3<>/dev/tcp/{THERE}/8099 && echo reached"],
                        entrypoint="timeout",
                        network=name,
                        detach=True,
                    )
                    try:
                        output.wait(timeout=20)
                        return b"reached" in output.logs()
                    finally:
                        output.remove(force=True)

                deadline = time.monotonic() + 10
                while not reached(ordinary.name) and time.monotonic() < deadline:
                    time.sleep(0.2)
                assert reached(ordinary.name), "the control failed: an ordinary container must reach outside"
                assert not reached(network.handle)
            finally:
                listener.kill()
                listener.wait()
            # The other way: a neighbour who sends what is for the lab's addresses through this machine.
            folder = tmp_path / "archive"
            folder.mkdir()
            tmp_path.chmod(0o755)
            configuration = {**shipped_configuration(), "DicomModalities": {}}
            server = runtime.start(owner, network, ServerSpec("archive", configuration, folder))
            assert httpx.get(f"http://{server.address}:8042/system", trust_env=False, timeout=20).is_success
            assert not outside.reaches(server.address, 8042, "/system")
    finally:
        ordinary.remove()
