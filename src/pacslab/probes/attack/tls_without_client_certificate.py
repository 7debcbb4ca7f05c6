"""DICOM associations over TLS without a client certificate, which an archive should refuse."""

from __future__ import annotations

import io
import ssl
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pydicom
from pydicom.dataset import Dataset
from pynetdicom import AE
from pynetdicom.sop_class import StudyRootQueryRetrieveInformationModelFind  # type: ignore[attr-defined]

from pacslab.pacs import require_lab_address

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydicom.uid import UID
    from pynetdicom.association import Association

    from pacslab.probes.target import Target

_ASSOCIATION_TIMEOUT_S = 3.0  # seconds of each step


@contextmanager
def _associate_without_certificate(
    target: Target, title: str, service: UID, *syntaxes: UID
) -> Iterator[Association | None]:
    """Yield an association over TLS, without a certificate, under an AE title; None if the archive opens none."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    endpoint = target.archive.dicom
    require_lab_address(endpoint.host)
    caller = AE(ae_title=title)
    caller.acse_timeout = caller.dimse_timeout = caller.network_timeout = caller.connection_timeout = (
        _ASSOCIATION_TIMEOUT_S
    )
    caller.add_requested_context(service, list(syntaxes) or None)
    association = caller.associate(
        endpoint.host,
        endpoint.port,
        ae_title=target.handover.dicom.called_ae_title,
        tls_args=(context, target.handover.web.host),
        bind_address=(target.outsider or "", 0),
    )
    try:
        yield association if association.is_established else None
    finally:
        if association.is_established:
            association.release()


def c_find_without_certificate(target: Target, title: str) -> list[str]:
    """Send a C-FIND over TLS, without a certificate, under an AE title; return the patients' names found.

    An empty list means that the archive did not answer, whatever the reason.
    """
    model = StudyRootQueryRetrieveInformationModelFind
    with _associate_without_certificate(target, title, model) as association:
        if association is None:
            return []
        wanted = Dataset()
        wanted.QueryRetrieveLevel = "STUDY"
        wanted.StudyInstanceUID = target.key.facts["clinic_study_uid"]
        wanted.PatientName = ""
        answers = association.send_c_find(wanted, model)
        return [str(identifier.get("PatientName", "")) for _, identifier in answers if identifier is not None]


def c_store_without_certificate(target: Target, title: str, file: bytes) -> bool:
    """Send a C-STORE over TLS, without a certificate, under an AE title; return whether it was accepted."""
    image = pydicom.dcmread(io.BytesIO(file))
    kind, syntax = image.file_meta.MediaStorageSOPClassUID, image.file_meta.TransferSyntaxUID
    with _associate_without_certificate(target, title, kind, syntax) as association:
        return association is not None and association.send_c_store(image).get("Status") == 0
