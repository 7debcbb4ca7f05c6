"""The hospital's day: the scanner stores, the workstation finds and retrieves, people log in and work.

These probes know what ``handover.yaml`` says and nothing else.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import httpx
import pydicom

from pacslab.errors import RefusedError
from pacslab.pacs import SCANNER, WORKSTATION
from pacslab.probes.attack.web_helpers import curl
from pacslab.probes.bounded_http import in_words
from pacslab.probes.findings import Side
from pacslab.probes.probe_instances import delete_study
from pacslab.probes.registry import ProbeResult, has_web_viewer, probe
from pacslab.scenario import Severity

if TYPE_CHECKING:
    from pacslab.probes.target import Target

_PNG = b"\x89PNG\r\n\x1a\n"
_NO_STUDY = "-".join(["00000000"] * 5)


def _who(name: str) -> str:
    return f"as {name!r}" if name else "without a password (handover.yaml names none)"


def _login_refused(person: str, name: str, answer: httpx.Response) -> ProbeResult:
    cause = {
        401: "the archive does not accept the user and password that handover.yaml gives",
        403: "the archive does not let this user or computer in (RemoteAccessAllowed, or a rule)",
    }.get(answer.status_code, "the archive refused")
    return ProbeResult(False, f"The {person} could not log in {_who(name)}: status {answer.status_code}, {cause}.")


def _unreachable(person: str, target: Target, reason: Exception) -> ProbeResult:
    words = in_words(reason) if isinstance(reason, httpx.HTTPError) else f"its answer makes no sense ({reason})"
    return ProbeResult(False, f"The {person} is stuck at {target.front}: {words}.", curl(target.front, "-i"))


def _find_study(client: httpx.Client, uid: str) -> httpx.Response:
    return client.post("/tools/find", json={"Level": "Study", "Query": {"StudyInstanceUID": uid}})


@probe("clinic-scanner-stores", Side.CLINIC, "The CT scanner stores today's images", Severity.CRITICAL)
def scanner_stores(target: Target) -> ProbeResult:
    """If this is broken, patients are scanned and their images do not reach the archive."""
    scanner = target.peers[SCANNER]
    uid = str(pydicom.dcmread(io.BytesIO(target.follow_up[0]), stop_before_pixels=True).StudyInstanceUID)
    held = scanner.hold(list(target.follow_up))
    try:
        scanner.store(held)
    except RefusedError as reason:
        return ProbeResult(False, f"{SCANNER} could not store its images: {reason}. Is it listed, at its own address?")
    arrived = delete_study(target, uid)
    if arrived is not None and arrived < len(target.follow_up):
        return ProbeResult(
            False, f"{SCANNER} sent {len(target.follow_up)} images and was thanked, and {arrived} are there."
        )
    seen = f"; the administrator saw {arrived} of them arrive" if arrived else ""
    return ProbeResult(True, f"{SCANNER} stored {len(target.follow_up)} new images of a study{seen}.")


@probe("clinic-workstation-finds", Side.CLINIC, "The workstation finds a patient's study", Severity.CRITICAL)
def workstation_finds(target: Target) -> ProbeResult:
    """If this is broken, radiologists cannot see that a patient was examined before."""
    uid = target.key.facts["clinic_study_uid"]
    try:
        answers = target.peers[WORKSTATION].find("Study", {"StudyInstanceUID": uid, "PatientName": ""})
    except RefusedError as reason:
        return ProbeResult(False, f"{WORKSTATION} could not search: {reason}. Is it listed, and may it find?")
    if not answers:
        return ProbeResult(False, f"{WORKSTATION} searched for a study of the archive and was told that there is none.")
    return ProbeResult(True, f"{WORKSTATION} found the study of {answers[0].get('PatientName', '').replace('^', ' ')}.")


@probe("clinic-workstation-retrieves", Side.CLINIC, "The workstation retrieves that study", Severity.CRITICAL)
def workstation_retrieves(target: Target) -> ProbeResult:
    """If this is broken, radiologists cannot open the images that they have found."""
    uid = target.key.facts["clinic_study_uid"]
    expected = int(target.key.facts["clinic_study_instances"])
    workstation = target.peers[WORKSTATION]
    workstation.forget(uid)
    try:
        workstation.move(uid, WORKSTATION)
        count = workstation.wait_for(uid)
    except RefusedError as reason:
        return ProbeResult(False, f"{WORKSTATION} could not retrieve: {reason}. May it move, and is its address right?")
    finally:
        workstation.forget(uid)
    if count < expected:
        return ProbeResult(False, f"{count} of {expected} images reached {WORKSTATION}.")
    return ProbeResult(True, f"All {count} images of the study reached {WORKSTATION}.")


@probe("clinic-radiologist-views", Side.CLINIC, "The radiologist logs in and opens an image", Severity.CRITICAL)
def radiologist_views(target: Target) -> ProbeResult:
    """If this is broken, nobody on the wards can look at images in a browser."""
    account = target.handover.web.radiologist
    uid = target.key.facts["clinic_study_uid"]
    try:
        with target.web(account) as client:
            answer = _find_study(client, uid)
            if answer.status_code != httpx.codes.OK:
                return _login_refused("radiologist", account.username, answer)
            found: list[Any] = answer.json()
            if not found:
                return ProbeResult(False, "The radiologist logged in, but the study is not in the archive.")
            wanted = next(instance for instance in target.key.study(uid).instances if not instance.document)
            question = {"Level": "Instance", "Query": {"SOPInstanceUID": wanted.sop_instance_uid}}
            instances: list[Any] = client.post("/tools/find", json=question).json()
            with target.drawing:
                image = client.get(f"/instances/{instances[0]}/preview")
    except (httpx.HTTPError, ValueError, KeyError, IndexError, TypeError) as reason:
        return _unreachable("radiologist", target, reason)
    if image.status_code != httpx.codes.OK or not image.content.startswith(_PNG):
        return ProbeResult(
            False, f"The radiologist logged in, but the image did not open (status {image.status_code})."
        )
    return ProbeResult(True, f"The radiologist logged in {_who(account.username)} and opened an image.")


@probe("clinic-dicomweb-views", Side.CLINIC, "The web viewer opens the study", Severity.HIGH, has_web_viewer)
def web_viewer_opens(target: Target) -> ProbeResult:
    """If this is broken, the viewer on the wards, which reads through DICOMweb, shows nothing."""
    account = target.handover.web.radiologist
    study = target.key.study(target.key.facts["clinic_study_uid"])
    wanted = next(instance for instance in study.instances if not instance.document)
    path = f"/dicom-web/studies/{study.study_instance_uid}"
    frame = f"{path}/series/{wanted.series_instance_uid}/instances/{wanted.sop_instance_uid}/rendered"
    try:
        with target.web(account) as client:
            answer = client.get(f"{path}/series", headers={"Accept": "application/dicom+json"})
            if answer.status_code in {httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN}:
                return _login_refused("web viewer's user", account.username, answer)
            if answer.status_code != httpx.codes.OK or not answer.json():
                return ProbeResult(False, f"The web viewer found no series of the study (status {answer.status_code}).")
            with target.drawing:
                image = client.get(frame, headers={"Accept": "image/png"})
    except (httpx.HTTPError, ValueError) as reason:
        return _unreachable("web viewer", target, reason)
    if image.status_code != httpx.codes.OK or not image.content.startswith(_PNG):
        return ProbeResult(
            False, f"The web viewer found the study, and its image did not open (status {image.status_code})."
        )
    return ProbeResult(
        True, f"The web viewer, logged in {_who(account.username)}, listed the series and drew an image."
    )


@probe("clinic-administrator-works", Side.CLINIC, "The administrator logs in and looks after it", Severity.HIGH)
def administrator_works(target: Target) -> ProbeResult:
    """If this is broken, nobody can look after the archive, and the next fault ends the hospital's day."""
    account = target.handover.web.administrator
    try:
        with target.web(account) as client:
            for path in ("/system", "/statistics", "/modalities?expand"):
                answer = client.get(path)
                if answer.status_code != httpx.codes.OK:
                    return _login_refused("administrator", account.username, answer)
            known = sorted(answer.json())
            gone = client.delete(f"/studies/{_NO_STUDY}")
    except (httpx.HTTPError, ValueError, TypeError) as reason:
        return _unreachable("administrator", target, reason)
    if gone.status_code != httpx.codes.NOT_FOUND:
        return ProbeResult(
            False,
            f"The administrator logged in {_who(account.username)}, but may not delete a study that was stored by "
            f"mistake: status {gone.status_code}.",
        )
    return ProbeResult(
        True,
        f"The administrator logged in {_who(account.username)}, may delete, and read the device list: "
        f"{', '.join(known)}.",
    )
