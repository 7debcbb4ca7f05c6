"""The Orthanc versions and images that the lab runs on, each from open to closed.

Every scenario on the newest Orthanc; what is the default image's own is in ``tests/probes/test_mutations.py``, and what
the process runtime finds on this machine is there, too.
"""

import contextlib
import os

import pytest

import docker
from pacslab.errors import RuntimeUnavailableError
from pacslab.grading import write_reference_fix
from pacslab.pacs.runtimes.docker import images
from pacslab.pacs.runtimes.process.runtime import ProcessRuntime
from pacslab.probes import Outcome, Side
from pacslab.scenario import scenario_ids
from tests.support.servers import sessions

pytestmark = pytest.mark.docker

IMAGES = {
    "pacslab/orthanc:1.12.7": "1.12.7",
    "pacslab/orthanc:1.13.0": "1.13.0",
    # Behaves as the official image does: an entrypoint with one argument, which merges configurations.
    "pacslab/orthanc-contract:1.12.7": "1.12.7",
}
NEWEST = "pacslab/orthanc:1.13.0"


def told(assessment):
    return [(finding.id, finding.outcome.value, finding.evidence) for finding in assessment.findings]


@pytest.fixture
def client():
    with contextlib.closing(docker.from_env()) as engine:
        yield engine


def held(client, name):
    with contextlib.suppress(docker.errors.ImageNotFound):
        client.images.get(name)
        return True
    if os.environ.get("PACSLAB_REQUIRE_DOCKER"):
        pytest.fail(f"the image {name} is missing: run 'make images'")
    return False


@pytest.mark.parametrize(
    ("image", "scenario"),
    [(image, name) for image in IMAGES for name in (scenario_ids() if image == NEWEST else ["open-archive"])],
)
def test_orthanc_version_is_open_as_shipped_and_closed_by_fix(image, scenario, client, monkeypatch):
    if not held(client, image):
        pytest.skip(f"the image {image} is missing: run 'make images'")
    monkeypatch.setenv("PACSLAB_IMAGE", image)
    with sessions("docker", image.replace("/", "-").replace(":", "-"), scenario) as start:
        session = start("whole")
        assert session.status().orthanc == IMAGES[image]
        container = client.containers.get(session.deployment.state.servers["archive"].handle)
        assert container.attrs["Image"] == client.images.get(image).id
        before = session.assess()
        assert {finding.outcome for finding in before.side(Side.ATTACK)} == {Outcome.EXPOSED}, told(before)
        assert not before.broken, told(before)
        write_reference_fix(session.scenario.id, session.work)
        session.restart()
        after = session.assess()
        assert after.good, told(after)


def test_orthanc_version_of_the_process_runtime_is_named(running, runtime):
    if runtime == "process":
        assert running.archive().get_system()["Version"] == ProcessRuntime().version()


def test_orthanc_image_configured_comes_first(client, monkeypatch):
    monkeypatch.setenv("PACSLAB_IMAGE", "debian:trixie-slim")
    assert images.choose_image(client) == "debian:trixie-slim"


def test_orthanc_image_that_cannot_be_had_is_named(client, monkeypatch):
    monkeypatch.setenv("PACSLAB_IMAGE", "127.0.0.1:9/no/such:image")
    with pytest.raises(RuntimeUnavailableError, match=r"127\.0\.0\.1:9/no/such:image.*unset PACSLAB_IMAGE"):
        images.choose_image(client)


def test_orthanc_image_without_orthanc_is_named(monkeypatch):
    monkeypatch.setenv("PACSLAB_IMAGE", "debian:trixie-slim")
    with (
        pytest.raises(RuntimeUnavailableError, match=r"holds no Orthanc.*PACSLAB_IMAGE"),
        sessions("docker", "none") as start,
    ):
        start("none")


def test_orthanc_image_of_the_project_is_preferred(client, monkeypatch):
    monkeypatch.setattr(images, "OFFICIAL_IMAGE", "pacslab-test/official:1")
    client.images.get("pacslab/orthanc-contract:1.12.7").tag("pacslab-test/official", "1")
    try:
        assert images.choose_image(client) == "pacslab-test/official:1"
    finally:
        client.images.remove("pacslab-test/official:1")


def test_orthanc_image_is_built_without_a_registry(client, monkeypatch):
    monkeypatch.setattr(images, "OFFICIAL_IMAGE", "127.0.0.1:9/no/official:1")
    monkeypatch.setattr(images, "BUILT_IMAGE", "pacslab-test/built:1")
    said = []
    try:
        assert images.choose_image(client, said.append) == "pacslab-test/built:1"
        assert "Building the Orthanc image (once, about a minute)" in said
        assert images.choose_image(client) == "pacslab-test/built:1"
        output = client.containers.run("pacslab-test/built:1", ["--version"], entrypoint="Orthanc", remove=True)
        assert b"Orthanc 1." in output
    finally:
        client.images.remove("pacslab-test/built:1")
