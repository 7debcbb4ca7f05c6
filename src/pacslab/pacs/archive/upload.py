"""Upload a cohort into a running Orthanc of the lab, through its REST API.

Orthanc takes a ZIP file of instances at ``POST /instances`` (Orthanc Book, "REST API of Orthanc").
"""

from __future__ import annotations

import io
import ssl
import urllib.parse
import zipfile
from typing import TYPE_CHECKING

import httpx

from pacslab.errors import DeploymentError
from pacslab.pacs.addresses import require_lab_address

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pacslab.cohort import Cohort

    Credentials = tuple[str, str]
    Batch = list[tuple[str, bytes]]

_BATCH_BYTES = 2_000_000
_REQUEST_TIMEOUT_S = 120


def upload_cohort(cohort: Cohort, url: str, user: str | None, progress: Callable[[str, float], None]) -> int:
    """Send every instance of a cohort to an Orthanc of the lab.

    Parameters
    ----------
    cohort
        The cohort; its instances are made while they are sent.
    url
        Such as ``http://127.63.0.1:8042``; only addresses of the lab are touched.
    user
        ``name:password``, or None.
    progress
        Called with a message and the fraction done.

    Returns
    -------
    int
        The number of instances that the server has now, whether it had them before or not.

    Raises
    ------
    UnsafeAddressError
        If the address is not the lab's.
    DeploymentError
        If the server does not answer, or took less than everything.

    """
    address = urllib.parse.urlsplit(url)
    if address.scheme not in ("http", "https") or not address.hostname:
        raise DeploymentError(f"{url!r} is no web address", "Write it as http://127.x.y.z:8042.")
    require_lab_address(address.hostname)
    credentials = None if user is None else split_user(user)
    target = f"{address.scheme}://{address.netloc.rpartition('@')[2]}{address.path.rstrip('/')}/instances"
    taken = 0
    for batch in batches(cohort.instances()):
        taken += send_batch(target, credentials, batch)
        progress("Sending the hospital's images", taken / cohort.count)
    if taken != cohort.count:
        raise DeploymentError(
            f"the server at {url} took {taken} of {cohort.count} instances", "Look into its log, and send them again."
        )
    return taken


def split_user(user: str) -> Credentials:
    """Return name and password of ``name:password``; the password may hold further colons (RFC 7617)."""
    name, _, password = user.partition(":")
    return name, password


def batches(instances: Iterator[tuple[str, bytes]]) -> Iterator[Batch]:
    """Yield instances with their file names in batches of a request's size."""
    batch: Batch = []
    size = 0
    for name, content in instances:
        batch.append((name, content))
        size += len(content)
        if size >= _BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def send_batch(target: str, credentials: Credentials | None, batch: Batch) -> int:
    """Send instances in a ZIP file to an Orthanc's ``/instances``; return how many it has now.

    No redirection is followed, and no proxy of the environment is used: either could lead out of the lab.

    Raises
    ------
    DeploymentError
        If it does not answer, or refuses.

    """
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, content in batch:
            archive.writestr(name, content)
    # A context that loads authorities takes as long as a request does; plain HTTP needs none.
    verify = ssl.create_default_context() if target.startswith("https:") else False
    try:
        with httpx.Client(auth=credentials, verify=verify, trust_env=False, timeout=_REQUEST_TIMEOUT_S) as client:
            response = client.post(target, content=buffer.getvalue())
        if response.is_success:
            answers = response.json()
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as reason:
        raise DeploymentError(
            f"the server at {target} did not take the images ({reason})", "Start it, and check address and port."
        ) from None
    if not response.is_success:
        status = response.status_code
        remedy = "Give --user name:password." if status in (401, 403) else "Look into the server's log."
        raise DeploymentError(f"the server at {target} answered {status} {response.reason_phrase}", remedy)
    return sum(answer.get("Status") in ("Success", "AlreadyStored") for answer in answers)
