"""The archive's log as an audit trail: who stored, searched, fetched, read or deleted; and patients' names in it."""

from __future__ import annotations

import hashlib
import io
import re
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import httpx
import pydicom

from pacslab.errors import RefusedError, WorkHinderedError
from pacslab.pacs import SCANNER, WORKSTATION
from pacslab.probes.bounded_http import in_words
from pacslab.probes.findings import Side
from pacslab.probes.probe_instances import delete_study, synthetic_image
from pacslab.probes.registry import ProbeResult, probe
from pacslab.scenario import Severity

if TYPE_CHECKING:
    from pacslab.probes.target import Target

_LOG_TIMEOUT_S = 1.0  # seconds: Orthanc calls OnStoredInstance a moment after the image is stored
_SEARCHING = (
    "search",
    "find",
    "quer",
    "ask",
    "look",
)  # how a line may call a search; any other line is of something else
_PREFIX = re.compile(r"^.*?\] ")  # what Orthanc writes before a line's words: level, time, thread and place in its code


@dataclass(frozen=True)
class _Action:
    """An action in words; its log line must contain ``who`` and, of each tuple in ``what``, at least a word."""

    words: str
    who: str
    what: tuple[tuple[str, ...], ...] = ()

    def traced(self, line: str) -> bool:
        """Return whether a log line names this person or device and this action."""
        return _contains_words(line, self.who) and all(
            any(word in line.lower() for word in choice) for choice in self.what
        )


def _contains_words(line: str, word: str) -> bool:
    """Return whether a line contains these words as whole words, in upper or lower case."""
    return re.search(rf"(?<![\w.]){re.escape(word)}(?![\w.])", line, re.IGNORECASE) is not None


def _name_forms(patient: pydicom.Dataset) -> tuple[str, ...]:
    """Return the forms by which a log could name a patient: PN value, ordinary spellings, patient ID."""
    name = str(patient.PatientName)
    parts = [part for part in name.split("^") if part]
    spoken = (" ".join(parts), " ".join(reversed(parts)), ", ".join(parts))
    return tuple(dict.fromkeys(form for form in (name, *spoken, str(patient.PatientID)) if form))


def _orthanc_ids(file: pydicom.Dataset) -> tuple[str, ...]:
    """Return Orthanc's identifiers of a file's patient, study, series and instance: SHA-1 of their identifiers."""
    uids = [str(file.PatientID), file.StudyInstanceUID, file.SeriesInstanceUID, file.SOPInstanceUID]
    digests = [hashlib.sha1("|".join(uids[:count]).encode()).hexdigest() for count in range(1, 5)]  # noqa: S324
    return tuple("-".join(digest[at : at + 8] for at in range(0, 40, 8)) for digest in digests)


def _work_a_day(target: Target, study_uid: str, file: bytes) -> list[_Action]:
    """Store an image, search for it, fetch it, open it and delete it, each as whoever does that in the hospital."""
    image = pydicom.dcmread(io.BytesIO(file), stop_before_pixels=True)
    instance = _orthanc_ids(image)[-1]
    ids = (*_orthanc_ids(image)[1:], image.StudyInstanceUID, image.SeriesInstanceUID, image.SOPInstanceUID)
    reader, keeper = target.handover.web.radiologist, target.handover.web.administrator
    scanner, workstation = target.peers[SCANNER], target.peers[WORKSTATION]
    try:
        scanner.store(scanner.hold([file]))
        wanted = {"StudyInstanceUID": study_uid, "PatientID": str(image.PatientID), "PatientName": ""}
        workstation.find("Study", wanted)
        workstation.move(study_uid, WORKSTATION)
        with target.web(reader) as client, target.drawing:
            opened = client.get(f"/instances/{instance}/preview").status_code
    except RefusedError as reason:
        raise WorkHinderedError(str(reason)) from None
    except httpx.HTTPError as reason:
        raise WorkHinderedError(in_words(reason)) from None
    finally:
        scanner.forget(study_uid)
        workstation.forget(study_uid)
        deleted = delete_study(target, study_uid)
    if opened != httpx.codes.OK or not deleted:
        raise WorkHinderedError("the image could not be opened by the radiologist or deleted by the administrator")
    return [
        _Action(f"{SCANNER} stored an image", SCANNER, (ids,)),
        _Action(f"{WORKSTATION} searched", WORKSTATION, (_SEARCHING,)),
        _Action(f"{WORKSTATION} fetched an image", WORKSTATION, (ids,)),
        _Action(f"{reader.username or 'somebody'} opened the image", reader.username, (ids,)),
        _Action(f"{keeper.username or 'somebody'} deleted it", keeper.username, (ids, ("delet",))),
    ]


def _lines_since(target: Target, before: set[str], acts: list[_Action], timeout_s: float) -> list[str]:
    """Return the log's new lines; if some of the actions have a line, wait for those of the others."""
    deadline = time.monotonic() + timeout_s
    while True:
        lines = [_PREFIX.sub("", line) for line in target.log() if line not in before]
        traced = sum(any(act.traced(line) for line in lines) for act in acts)
        if traced in {0, len(acts)} or time.monotonic() > deadline:
            return lines
        time.sleep(0.1)


@probe("audit-missing", Side.ATTACK, "Read, change and delete without leaving a trace", Severity.MEDIUM)
def leave_no_trace(target: Target) -> ProbeResult:
    """Store, search, fetch, open and delete an invented image as the staff do, and look what the log says of it."""
    asked = f"pacslab log {target.key.scenario} --lines 200  # in a notebook: lab.log(200)"
    uid, file = synthetic_image(target, "audit", "A TEST OF THE LOG")
    delete_study(target, uid)
    before = set(target.log())
    begun = time.monotonic()
    try:
        acts = _work_a_day(target, uid, file)
    except WorkHinderedError as reason:
        return ProbeResult(
            False, f"What the log says could not be tried, as the day's work is hindered: {reason}.", asked
        )
    busy = time.monotonic() - begun  # where the work itself goes slowly, so does the log
    lines = _lines_since(target, before, acts, _LOG_TIMEOUT_S + 2 * busy)
    untraced = [act.words for act in acts if not act.who or not any(act.traced(line) for line in lines)]
    called = _name_forms(pydicom.dcmread(io.BytesIO(file), stop_before_pixels=True))
    naming = next((line for line in lines if any(_contains_words(line, form) for form in called)), "")
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
