"""Helpers of the web probes: reading of answers, curl commands, and a probe of every web address."""

from __future__ import annotations

import functools
import shlex
from typing import TYPE_CHECKING, Any

import httpx

from pacslab.probes.bounded_http import in_words
from pacslab.probes.registry import ProbeResult

if TYPE_CHECKING:
    from collections.abc import Callable

    from pacslab.probes.target import Target

FIND_ALL_STUDIES = {"Level": "Study", "Query": {}, "Expand": True}


def json_content(answer: httpx.Response) -> Any:
    """Return the JSON of a successful answer, or None."""
    if answer.status_code != httpx.codes.OK:
        return None
    try:
        return answer.json()
    except (ValueError, RecursionError):
        return None


def records(answer: httpx.Response) -> list[Any]:
    """Return the patients' records, identifiers or counts in a successful answer of the archive."""
    found = json_content(answer)
    if isinstance(found, dict):
        found = found.get("Changes") or [found[name] for name in ("CountPatients", "CountInstances") if name in found]
    return found if isinstance(found, list) and all(isinstance(record, (str, dict, int)) for record in found) else []


def patient_in_words(record: Any) -> str:
    """Return name and ID of the patient of an Orthanc record, in words; empty if it holds no name."""
    if not isinstance(record, dict):
        return ""
    tags = record.get("PatientMainDicomTags") or record.get("MainDicomTags") or {}
    if not isinstance(tags, dict):
        return ""
    name, number = str(tags.get("PatientName", "")), str(tags.get("PatientID", ""))
    return f"{name.replace('^', ' ').strip()} (patient ID {number})" if name else ""


def curl(url: str, *options: str) -> str:
    """Return the curl command that sends the same request."""
    return " ".join(["curl", *options, shlex.quote(url)])


def no_answer(url: str, reason: Exception) -> ProbeResult:
    """Return the result for a server that gives no proper answer: it was not reached."""
    return ProbeResult(False, f"No proper answer came from {url}: {in_words(reason)}.", curl(url, "-i"))


def at_each_web_address(look: Callable[[Target, str], ProbeResult]) -> Callable[[Target], ProbeResult]:
    """Turn a probe of a web address into a probe of every web address of the archive and its proxy.

    The first that reaches its goal counts. An address that gives no proper answer was not reached, and the others are
    tried all the same.
    """

    @functools.wraps(look)
    def everywhere(target: Target) -> ProbeResult:
        looks = []
        for url in target.web_urls:
            try:
                seen = look(target, url)
            except (httpx.HTTPError, OSError) as reason:
                seen = no_answer(url, reason)
            if seen.reached:
                return seen
            looks.append(seen)
        words = " ".join(dict.fromkeys(result.evidence for result in looks))
        return ProbeResult(False, words, looks[0].try_it)

    return everywhere


def statuses(answers: set[int]) -> str:
    """Return status codes in words."""
    return f"status {', '.join(map(str, sorted(answers)))}" if answers else "nothing"
