"""Attacks on the stored data over DICOM: C-STORE of forged and replaced images, unlimited C-FIND, a full disk."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pacslab.errors import LimitReachedError, RefusedError
from pacslab.pacs import SCANNER, STRANGER, WORKSTATION
from pacslab.probes.findings import Side
from pacslab.probes.probe_instances import delete_study, synthetic_image
from pacslab.probes.registry import ProbeResult, probe
from pacslab.scenario import Severity

if TYPE_CHECKING:
    from pacslab.probes.target import Target


def _storescu(target: Target, title: str) -> str:
    endpoint = target.archive.dicom
    return (
        f"storescu -aet {title} -aec {target.handover.dicom.called_ae_title} {endpoint.host} {endpoint.port} FILE.dcm"
    )


@probe("dicom-store-stranger", Side.ATTACK, "Store a forged image as an unknown device", Severity.CRITICAL)
def store_as_stranger(target: Target) -> ProbeResult:
    """Send a C-STORE with an invented study from an AE title that the hospital has never heard of."""
    asked = _storescu(target, STRANGER)
    uid, file = synthetic_image(target, "forged", "FORGED BY A STRANGER")
    held = target.stranger.hold([file])
    try:
        target.stranger.store(held)
    except RefusedError as reason:
        return ProbeResult(False, f"The archive refused a C-STORE from {STRANGER}: {reason}.", asked)
    finally:
        target.stranger.forget(uid)
    taken = " It has been deleted again." if delete_study(target, uid) else ""
    return ProbeResult(
        True, f"The archive took a forged study from {STRANGER} and gives it to everybody now.{taken}", asked
    )


@probe("dicom-overwrite", Side.ATTACK, "Replace an image that is stored already", Severity.HIGH)
def overwrite(target: Target) -> ProbeResult:
    """Store an invented image from the scanner, then another one under its identifier, and ask which one is there."""
    asked = _storescu(target, SCANNER)
    scanner, workstation = target.peers[SCANNER], target.peers[WORKSTATION]
    uid, first = synthetic_image(target, "overwrite", "THE FIRST IMAGE")
    _, second = synthetic_image(target, "overwrite", "ANOTHER IMAGE")
    delete_study(target, uid)
    try:
        scanner.store(scanner.hold([first]))
    except RefusedError as reason:
        return ProbeResult(False, f"Not even a first image could be stored from {SCANNER}: {reason}.", asked)
    try:
        again = scanner.hold([second])
        with target.drawing:
            scanner.store(again)
        refusal = ""
    except RefusedError as reason:
        refusal = f" ({reason})"
    finally:
        scanner.forget(uid)
    try:
        answers = workstation.find("Study", {"StudyInstanceUID": uid, "StudyDescription": ""})
    except RefusedError as reason:
        return ProbeResult(False, f"{WORKSTATION} could not look which image is there: {reason}.", asked)
    finally:
        delete_study(target, uid)
    there = answers[0].get("StudyDescription", "") if answers else ""
    if there == "ANOTHER IMAGE":
        return ProbeResult(
            True,
            "An image was sent a second time with other content and the same identifier: the archive now holds "
            f"{there!r}, and nothing shows that there was {'THE FIRST IMAGE'!r}.",
            asked,
        )
    return ProbeResult(
        False, f"The first image stayed; the second one with its identifier changed nothing{refusal}.", asked
    )


def _c_find_all(target: Target, level: str, wanted: dict[str, str], total: int) -> ProbeResult:
    asked = target.search_by_hand(WORKSTATION, WORKSTATION, level, *wanted)
    try:
        answers = target.peers[WORKSTATION].find(level, wanted)
    except LimitReachedError:
        words = f"The archive stopped an empty C-FIND at the level {level} at its limit, before its {total} answers."
        return ProbeResult(False, words, asked)
    except RefusedError as reason:
        return ProbeResult(False, f"The archive did not answer an empty C-FIND: {reason}.", asked)
    words = f"One empty C-FIND at the level {level} gave {len(answers)} answers; the archive holds {total}."
    option = "LimitFindInstances" if level == "Instance" else "LimitFindResults"
    limit = int(target.configuration.get(option) or 0)
    if len(answers) >= total > limit > 0:
        # Orthanc 1.12.7 does not look at the option in a C-FIND; what a configuration can do has been done.
        words += (
            f" {option} is set to {limit}, and this release of Orthanc does not keep to it (1.12.7 does not; 1.10.1 "
            "and 1.13.0 do). Leave it set, and update."
        )
        return ProbeResult(False, words, asked)
    return ProbeResult(len(answers) >= total, words, asked)


@probe("dicom-find-studies", Side.ATTACK, "List every study with one question", Severity.MEDIUM)
def find_all_studies(target: Target) -> ProbeResult:
    """Send an empty search from a device of the hospital, which a stranger may have taken over, and count."""
    return _c_find_all(
        target, "Study", {"StudyInstanceUID": "", "PatientName": ""}, int(target.key.facts["study_count"])
    )


@probe("dicom-find-instances", Side.ATTACK, "List every image with one question", Severity.MEDIUM)
def find_all_instances(target: Target) -> ProbeResult:
    """Send an empty search for single images from a device of the hospital, and count."""
    wanted = {"StudyInstanceUID": "", "SOPInstanceUID": ""}
    return _c_find_all(target, "Instance", wanted, int(target.key.facts["instance_count"]))


@probe("storage-unlimited", Side.ATTACK, "Fill the disk", Severity.MEDIUM)
def fill_the_disk(target: Target) -> ProbeResult:
    """Look whether anything in the running configuration ends what a faulty device or a stranger may store."""
    asked = "grep MaximumStorage orthanc.json"
    limit, mode = (
        target.configuration.get("MaximumStorageSize", 0),
        target.configuration.get("MaximumStorageMode", "Recycle"),
    )
    if not isinstance(limit, int) or limit <= 0:
        return ProbeResult(
            True, "MaximumStorageSize sets no limit: whoever may store may store until the disk is full.", asked
        )
    if mode != "Reject":
        words = (
            f"Beyond {limit} MB the archive deletes the patients that were stored first (MaximumStorageMode {mode})."
        )
        return ProbeResult(True, words, asked)
    return ProbeResult(False, f"The archive takes at most {limit} MB and then refuses what comes.", asked)
