"""Attack probes: a stranger, a former device or a user with too few rights tries what should be refused.

A module of this folder registers its probes when it is imported, which happens here.
"""

from pacslab.probes.attack import (
    ae_title_spoofing,
    audit_log,
    dicom_query_retrieve,
    dicom_store,
    eavesdropping,
    passwords,
    privilege_escalation,
    tls,
    web_anonymous,
)

__all__ = [
    "ae_title_spoofing",
    "audit_log",
    "dicom_query_retrieve",
    "dicom_store",
    "eavesdropping",
    "passwords",
    "privilege_escalation",
    "tls",
    "web_anonymous",
]
