"""The lab's starts against bare Orthanc servers.

The reference ran between the same two starts: four bare Orthanc servers with the same configuration, started in
parallel the same way, until all of them answer.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import tempfile
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from docker.types import IPAMConfig, IPAMPool
from ratio import Ratio

import docker
from pacslab.errors import RuntimeUnavailableError
from pacslab.pacs import (
    PLUGIN_FOLDERS,
    DockerRuntime,
    choose_runtime,
    complete_configuration,
    find_orthanc,
    read_configuration,
    shim_library,
)
from pacslab.paths import cache_root, shipped
from pacslab.session import Session

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SERVERS = 4
LIMITS = {"cached start": 1.5, "first start": 6.0}
_SUBNET = "10.231.255.240/28"


def _answers(url: str) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        with suppress(OSError):
            urllib.request.urlopen(f"{url}/system", timeout=2).read()
            return
        time.sleep(0.005)
    raise SystemExit(f"the reference server at {url} did not answer")


def _configuration() -> dict[str, Any]:
    content = read_configuration(shipped("scenarios") / "open-archive" / "orthanc.json")
    return {**content, "DicomModalities": {}}


def bare_processes() -> float:
    """Return the seconds until four bare Orthanc processes answer."""
    program = find_orthanc()
    library = str(shim_library())
    plugins = [str(path) for folder in PLUGIN_FOLDERS for path in folder.glob("libOrthancDicomWeb.so")][:1]
    content = _configuration()
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        running = []
        for number in range(SERVERS):
            place = Path(folder) / str(number)
            (place / "etc").mkdir(parents=True)
            ready = complete_configuration(content, str(place / "db"), plugins if number == 0 else [])
            (place / "etc" / "orthanc.json").write_text(json.dumps(ready), encoding="utf-8")
            environment = {"LD_PRELOAD": library, "PACSLAB_ADDRESS": f"127.63.0.{number + 1}"}
            running.append(
                subprocess.Popen(
                    [str(program), f"{place}/etc/"],
                    cwd=place / "etc",
                    env=environment,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                )
            )
        with ThreadPoolExecutor(SERVERS) as pool:
            list(pool.map(_answers, [f"http://127.63.0.{number + 1}:8042" for number in range(SERVERS)]))
        seconds = time.perf_counter() - started
        for process in running:
            process.kill()
            process.wait()
    return seconds


def bare_containers() -> float:
    """Return the seconds until four bare Orthanc containers answer, with the network that they need."""
    client = docker.from_env()
    image = DockerRuntime().image
    content = _configuration()
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        started = time.perf_counter()
        network = client.networks.create(
            "pacslab-bench", ipam=IPAMConfig(pool_configs=[IPAMPool(subnet=_SUBNET)]), labels={"pacslab": "bench"}
        )

        def run(number: int) -> Any:
            etc = Path(folder) / str(number)
            etc.mkdir()
            ready = complete_configuration(content, "/tmp/db", ["/usr/share/orthanc/plugins"] if number == 0 else [])
            (etc / "orthanc.json").write_text(json.dumps(ready), encoding="utf-8")
            container = client.containers.run(
                image,
                detach=True,
                network=network.name,
                volumes={str(etc): {"bind": "/etc/orthanc", "mode": "ro"}},
                ports={"8042/tcp": ("127.0.0.1", None), "4242/tcp": ("127.0.0.1", None)},
                labels={"pacslab": "bench"},
            )
            container.reload()
            port = container.attrs["NetworkSettings"]["Ports"]["8042/tcp"][0]["HostPort"]
            _answers(f"http://127.0.0.1:{port}")
            return container

        with ThreadPoolExecutor(SERVERS) as pool:
            containers = list(pool.map(run, range(SERVERS)))
        seconds = time.perf_counter() - started
        for container in containers:
            container.remove(force=True, v=True)
        network.remove()
    return seconds


def lab_start(runtime: str, *, cached: bool) -> float:
    """Return the seconds of one ``Session.start``.

    What was cached is moved away and not deleted: among files that were just deleted, ext4 looks long for a free inode,
    and a student's first start follows no deletion.
    """
    archives = cache_root() / "archives"
    if not cached and archives.exists():
        archives.rename(cache_root() / f"archives-{time.time_ns()}")
    session = Session("open-archive", student="bench", runtime=runtime, hours=0.2)
    started = time.perf_counter()
    session.start()
    seconds = time.perf_counter() - started
    session.stop()
    return seconds


def _medians(runtime: str, rounds: int) -> dict[str, float]:
    bare: Callable[[], float] = bare_processes if runtime == "process" else bare_containers
    times: dict[str, list[float]] = {"bare servers": [], "cached start": [], "first start": []}
    bare()
    lab_start(runtime, cached=False)
    for _ in range(rounds):
        times["first start"].append(lab_start(runtime, cached=False))
        times["bare servers"].append(bare())
        times["cached start"].append(lab_start(runtime, cached=True))
    return {name: statistics.median(values) for name, values in times.items()}


def measure(rounds: int) -> Iterator[Ratio]:
    """Yield the cached and the first start in each runtime that works here."""
    for runtime in ("process", "docker"):
        with suppress(RuntimeUnavailableError):
            choose_runtime(runtime)
            medians = _medians(runtime, rounds)
            for name, limit in LIMITS.items():
                reference = f"{SERVERS} bare servers"
                yield Ratio(f"{name}, {runtime}", medians[name], medians["bare servers"], limit, reference)
