"""The Orthanc image that the containers run: the configured image, the official image, or one built here."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING, Any

import docker.errors

from pacslab.errors import RuntimeUnavailableError
from pacslab.paths import shipped

if TYPE_CHECKING:
    from collections.abc import Callable

    from docker import DockerClient

OFFICIAL_IMAGE = "orthancteam/orthanc:26.8.1"
BUILT_IMAGE = "pacslab/orthanc:1.12.7"
EQUIPMENT_IMAGE = "pacslab/proxy:1"
BASE_IMAGE = "debian:trixie-slim"


def choose_image(client: DockerClient, on_message: Callable[[str], None] = lambda _: None) -> str:
    """Return the name of an image that this engine holds, fetching or building it where needed.

    In this order: ``PACSLAB_IMAGE``; the official image, if the engine holds it; the image built here, if the engine
    holds it; the official image from its registry; a build from ``docker/orthanc/Dockerfile``, on a base image made
    from the machine's own Debian mirror where no registry is in reach.

    Raises
    ------
    RuntimeUnavailableError
        If the configured image cannot be had, or nothing can be fetched or built.

    """
    configured = os.environ.get("PACSLAB_IMAGE")
    if configured:
        if not _held(client, configured) and not _pulled(client, configured, on_message):
            raise RuntimeUnavailableError(
                f"the image {configured!r} (PACSLAB_IMAGE) is neither on this engine nor in its registry",
                "Correct the name, load the image, or unset PACSLAB_IMAGE.",
            )
        return configured
    for name in (OFFICIAL_IMAGE, BUILT_IMAGE):
        if _held(client, name):
            return name
    if _pulled(client, OFFICIAL_IMAGE, on_message):
        return OFFICIAL_IMAGE
    return _built(client, BUILT_IMAGE, "orthanc", on_message)


def choose_equipment(client: DockerClient, on_message: Callable[[str], None] = lambda _: None) -> str:
    """Return the name of the image with the reverse proxy, the firewall and the tap; built where it is missing.

    Raises
    ------
    RuntimeUnavailableError
        If it cannot be built.

    """
    return EQUIPMENT_IMAGE if _held(client, EQUIPMENT_IMAGE) else _built(client, EQUIPMENT_IMAGE, "nginx", on_message)


def _held(client: DockerClient, name: str) -> bool:
    try:
        client.images.get(name)
    except docker.errors.ImageNotFound:
        return False
    return True


def _pulled(client: DockerClient, name: str, on_message: Callable[[str], None]) -> bool:
    on_message(f"Fetching the image {name} (once)")
    try:
        client.images.pull(name)
    except docker.errors.APIError:
        return False
    return True


def _built(client: DockerClient, image: str, recipe: str, on_message: Callable[[str], None]) -> str:
    folder = shipped("docker") / recipe
    base = shipped("docker") / "orthanc" / "base-image.sh"
    if not _held(client, BASE_IMAGE) and not _pulled(client, BASE_IMAGE, on_message):
        on_message("Making a Debian base image from this machine's package mirror (once, about a minute)")
        made = subprocess.run(  # noqa: S603
            ["/bin/bash", str(base), BASE_IMAGE], capture_output=True, text=True, check=False
        )
        if made.returncode != 0:
            raise RuntimeUnavailableError(
                f"neither {image} nor {BASE_IMAGE} can be fetched, and the base image could not be made",
                "Give an image with PACSLAB_IMAGE, or use --runtime process.",
                tuple((made.stdout + made.stderr).splitlines()[-5:]),
            )
    what = {"orthanc": "Orthanc", "nginx": "proxy"}[recipe]
    on_message(f"Building the {what} image (once, about a minute)")
    options: dict[str, Any] = {"path": str(folder), "tag": image, "rm": True, "network_mode": "host"}
    try:
        client.images.build(**options, buildargs={"BASE": BASE_IMAGE})
    except (docker.errors.BuildError, docker.errors.APIError) as reason:
        raise RuntimeUnavailableError(
            f"the image {image} could not be built ({str(reason)[:200]})",
            "Give an image with PACSLAB_IMAGE, or use --runtime process.",
        ) from None
    return image
