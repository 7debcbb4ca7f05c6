"""A cohort into a running lab server, through its REST API."""

from __future__ import annotations

import base64
import io
import json
import urllib.error
import urllib.parse
import urllib.request
import zipfile
from typing import TYPE_CHECKING

from pacslab.errors import DeploymentError
from pacslab.pacs.addresses import require_lab_address

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pacslab.cohort import Cohort

_BATCH = 2_000_000  # bytes of instances a request


def upload_cohort(cohort: Cohort, url: str, user: str | None, progress: Callable[[str, float], None]) -> int:
    """Send every instance to an Orthanc of the lab in ZIP batches; return how many it took.

    Parameters
    ----------
    cohort
        Whose instances.
    url
        Such as ``http://127.63.0.1:8042``; only addresses of the lab are touched.
    user
        ``name:password``, or None.
    progress
        Called with a message and the fraction done.

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
    headers = {} if user is None else basic(user)
    target = f"{address.scheme}://{address.netloc.rpartition('@')[2]}{address.path.rstrip('/')}/instances"
    taken = 0
    for batch in batches(cohort.instances()):
        taken += send(target, headers, batch)
        progress("Sending the hospital's images", taken / cohort.count)
    if taken != cohort.count:
        raise DeploymentError(
            f"the server at {url} took {taken} of {cohort.count} instances", "Look into its log, and send them again."
        )
    return taken


def basic(user: str) -> dict[str, str]:
    """Return the header of a request that says ``name:password``."""
    return {"Authorization": f"Basic {base64.b64encode(user.encode()).decode()}"}


def batches(instances: Iterator[tuple[str, bytes]]) -> Iterator[list[tuple[str, bytes]]]:
    """Yield instances with their file names in batches of a request's size."""
    batch: list[tuple[str, bytes]] = []
    size = 0
    for name, content in instances:
        batch.append((name, content))
        size += len(content)
        if size >= _BATCH:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def send(target: str, headers: dict[str, str], batch: list[tuple[str, bytes]]) -> int:
    """Send instances in a ZIP file to an Orthanc's ``/instances``; return how many it took.

    Raises
    ------
    DeploymentError
        If it does not answer, or refuses.

    """
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, content in batch:
            archive.writestr(name, content)
    request = urllib.request.Request(target, buffer.getbuffer(), headers)  # noqa: S310 - a lab address, checked
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), _NoRedirect)
    try:
        with opener.open(request, timeout=120) as response:
            answers = json.load(response)
    except urllib.error.HTTPError as reason:
        remedy = "Give --user name:password." if reason.code in (401, 403) else "Look into the server's log."
        raise DeploymentError(f"the server at {target} answered {reason.code} {reason.reason}", remedy) from None
    except (OSError, ValueError) as reason:
        raise DeploymentError(
            f"the server at {target} did not take the images ({reason})", "Start it, and check address and port."
        ) from None
    return sum(one.get("Status") in ("Success", "AlreadyStored") for one in answers)


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Follows no redirection: it could lead out of the lab."""

    def redirect_request(self, *_: object) -> None:
        return None
