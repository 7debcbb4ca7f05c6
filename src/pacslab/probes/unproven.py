"""A caller who opens DICOM over TLS and shows no certificate: anybody can, unless the archive asks for one."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

from pydicom.dataset import Dataset
from pynetdicom import AE
from pynetdicom.sop_class import StudyRootQueryRetrieveInformationModelFind  # type: ignore[attr-defined]

from pacslab.pacs.addresses import require_lab_address

if TYPE_CHECKING:
    from pacslab.probes.site import Site

_PATIENCE = 3.0  # seconds of each step


def found_without_certificate(site: Site, title: str) -> list[str]:
    """Search the archive for studies over TLS, without a certificate, under an AE title; return the names found.

    An empty list says that the archive did not answer, whatever the reason.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    endpoint = site.archive.dicom
    require_lab_address(endpoint.host)
    caller = AE(ae_title=title)
    caller.acse_timeout = caller.dimse_timeout = caller.network_timeout = caller.connection_timeout = _PATIENCE
    caller.add_requested_context(StudyRootQueryRetrieveInformationModelFind)
    association = caller.associate(
        endpoint.host,
        endpoint.port,
        ae_title=site.handover.dicom.called_ae_title,
        tls_args=(context, site.handover.web.host),
        bind_address=(site.outsider or "", 0),
    )
    if not association.is_established:
        return []
    wanted = Dataset()
    wanted.QueryRetrieveLevel = "STUDY"
    wanted.StudyInstanceUID = site.key.facts["clinic_study_uid"]
    wanted.PatientName = ""
    answers = association.send_c_find(wanted, StudyRootQueryRetrieveInformationModelFind)
    found = [str(one.get("PatientName", "")) for _, one in answers if one is not None]
    if association.is_established:
        association.release()
    return found
