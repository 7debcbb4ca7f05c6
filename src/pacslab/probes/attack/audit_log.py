"""What an archive's log knows afterwards: who stored, searched, fetched, read and deleted; and if it names patients."""

from __future__ import annotations

import hashlib
import io
import re
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import httpx
import pydicom

from pacslab.pacs import SCANNER, WORKSTATION
from pacslab.probes.bounded_http import in_words
from pacslab.probes.findings import Side
from pacslab.probes.probe_instances import delete_study, picture
from pacslab.probes.registry import ProbeResult, probe
from pacslab.probes.target import RefusedError
from pacslab.scenario import Severity

if TYPE_CHECKING:
    from pacslab.probes.target import Target

_PATIENCE = 1.0  # seconds: Orthanc calls OnStoredInstance a moment after the image is stored
_SEARCHING = (
    "search",
    "find",
    "quer",
    "ask",
    "look",
)  # how a line may call a search; any other line is of something else
_PREFIX = re.compile(r"^.*?\] ")  # what Orthanc writes before a line's words: level, time, thread and place in its code


class _HinderedError(Exception):
    """Something of the day's work could not be done, so nothing about its traces can be said."""


@dataclass(frozen=True)
class _Act:
    """Something that was done: in words, and what its line must hold - each of ``who`` and one of each ``what``."""

    words: str
    who: str
    what: tuple[tuple[str, ...], ...] = ()

    def traced(self, line: str) -> bool:
        """Return whether a line says that this person or device did this."""
        return _holds(line, self.who) and all(any(one in line.lower() for one in choice) for choice in self.what)


def _holds(line: str, word: str) -> bool:
    """Return whether a line holds these words, and not only as a part of longer ones."""
    return re.search(rf"(?<![\w.]){re.escape(word)}(?![\w.])", line, re.IGNORECASE) is not None


def _named(patient: pydicom.Dataset) -> tuple[str, ...]:
    """Return how a patient could stand in a log: the name in DICOM's and in ordinary writing, and the number."""
    name = str(patient.PatientName)
    parts = [one for one in name.split("^") if one]
    spoken = (" ".join(parts), " ".join(reversed(parts)), ", ".join(parts))
    return tuple(dict.fromkeys(one for one in (name, *spoken, str(patient.PatientID)) if one))


def _orthanc_ids(file: pydicom.Dataset) -> tuple[str, ...]:
    """Return what Orthanc calls a file's patient, study, series and instance: hashes of their identifiers."""
    uids = [str(file.PatientID), file.StudyInstanceUID, file.SeriesInstanceUID, file.SOPInstanceUID]
    digests = [hashlib.sha1("|".join(uids[:count]).encode()).hexdigest() for count in range(1, 5)]  # noqa: S324
    return tuple("-".join(one[at : at + 8] for at in range(0, 40, 8)) for one in digests)


def _a_day(site: Target, study_uid: str, file: bytes) -> list[_Act]:
    """Store an image, search for it, fetch it, open it and delete it, each as whoever does that in the hospital."""
    image = pydicom.dcmread(io.BytesIO(file), stop_before_pixels=True)
    instance = _orthanc_ids(image)[-1]
    ids = (*_orthanc_ids(image)[1:], image.StudyInstanceUID, image.SeriesInstanceUID, image.SOPInstanceUID)
    reader, keeper = site.handover.web.radiologist, site.handover.web.administrator
    scanner, workstation = site.actors[SCANNER], site.actors[WORKSTATION]
    try:
        scanner.store(scanner.hold([file]))
        wanted = {"StudyInstanceUID": study_uid, "PatientID": str(image.PatientID), "PatientName": ""}
        workstation.find("Study", wanted)
        workstation.move(study_uid, WORKSTATION)
        with site.web(reader) as client, site.drawing:
            opened = client.get(f"/instances/{instance}/preview").status_code
    except RefusedError as reason:
        raise _HinderedError(str(reason)) from None
    except httpx.HTTPError as reason:
        raise _HinderedError(in_words(reason)) from None
    finally:
        scanner.forget(study_uid)
        workstation.forget(study_uid)
        deleted = delete_study(site, study_uid)
    if opened != httpx.codes.OK or not deleted:
        raise _HinderedError("the image could not be opened by the radiologist or deleted by the administrator")
    return [
        _Act(f"{SCANNER} stored an image", SCANNER, (ids,)),
        _Act(f"{WORKSTATION} searched", WORKSTATION, (_SEARCHING,)),
        _Act(f"{WORKSTATION} fetched an image", WORKSTATION, (ids,)),
        _Act(f"{reader.username or 'somebody'} opened the image", reader.username, (ids,)),
        _Act(f"{keeper.username or 'somebody'} deleted it", keeper.username, (ids, ("delet",))),
    ]


def _lines_since(site: Target, before: set[str], acts: list[_Act], patience: float) -> list[str]:
    """Return the log's new lines; where some of the acts have one, the others' are waited for."""
    deadline = time.monotonic() + patience
    while True:
        lines = [_PREFIX.sub("", one) for one in site.log() if one not in before]
        traced = sum(any(act.traced(line) for line in lines) for act in acts)
        if traced in {0, len(acts)} or time.monotonic() > deadline:
            return lines
        time.sleep(0.1)


@probe("audit-missing", Side.ATTACK, "Read, change and delete without leaving a trace", Severity.MEDIUM)
def leave_no_trace(site: Target) -> ProbeResult:
    """Store, search, fetch, open and delete an invented image as the staff do, and look what the log says of it."""
    asked = f"pacslab log {site.key.scenario} --lines 200  # in a notebook: lab.log(200)"
    uid, file = picture(site, "audit", "A TEST OF THE LOG")
    delete_study(site, uid)
    before = set(site.log())
    begun = time.monotonic()
    try:
        acts = _a_day(site, uid, file)
    except _HinderedError as reason:
        return ProbeResult(
            False, f"What the log says could not be tried, as the day's work is hindered: {reason}.", asked
        )
    busy = time.monotonic() - begun  # where the work itself goes slowly, so does the log
    lines = _lines_since(site, before, acts, _PATIENCE + 2 * busy)
    untraced = [one.words for one in acts if not one.who or not any(one.traced(line) for line in lines)]
    called = _named(pydicom.dcmread(io.BytesIO(file), stop_before_pixels=True))
    naming = next((line for line in lines if any(_holds(line, one) for one in called)), "")
    faults = []
    if untraced:
        faults.append(f"Of this the archive's log does not say who did it: {', '.join(untraced)}.")
    if naming:
        faults.append(f"The log names the patient: {naming[:160]!r}.")
    if faults:
        return ProbeResult(True, " ".join(faults), asked)
    shown = next(line for line in lines if acts[-1].traced(line))
    words = f"All of it stands in the log with who did it, and no line names the patient. The last: {shown[:160]!r}."
    return ProbeResult(False, words, asked)
