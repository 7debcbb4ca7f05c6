"""Orthanc's own anonymisation, asked of a real Orthanc."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx

from pacslab.deid.benchmark.scratch_orthanc import scratch_orthanc
from pacslab.errors import DeidError, PacslabError
from pacslab.pacs import ProcessRuntime, choose_runtime, shim_library

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

TIMEOUT = 120.0


def orthanc_is_missing() -> str:
    """Return why no Orthanc can be started; empty where one can."""
    try:
        if choose_runtime().name == ProcessRuntime.name:
            shim_library()
    except PacslabError as error:
        return f"{error.problem} ({error.remedy})"
    return ""


def anonymize_in_orthanc(options: dict[str, Any]) -> Callable[[Path, Path], None]:
    """Return a run that stores a folder in an Orthanc, asks it to anonymise every study, and fetches the results."""

    def run(source: Path, target: Path) -> None:
        with (
            scratch_orthanc() as url,
            httpx.Client(base_url=url, timeout=TIMEOUT, trust_env=False) as client,
        ):
            for path in sorted(entry for entry in source.rglob("*") if entry.is_file()):
                client.post("/instances", content=path.read_bytes())
            for study in _asked(client, "/studies"):
                answer = client.post(f"/studies/{study}/anonymize", json=options)
                if answer.is_error:
                    raise DeidError(f"Orthanc refused to anonymise ({answer.text[:200]})", "Change the options.")
                for instance in _asked(client, f"/studies/{answer.json()['ID']}/instances"):
                    content = client.get(f"/instances/{instance['ID']}/file").content
                    (target / f"{instance['ID']}.dcm").write_bytes(content)

    return run


def _asked(client: httpx.Client, path: str) -> Any:
    answer = client.get(path)
    answer.raise_for_status()
    return answer.json()
