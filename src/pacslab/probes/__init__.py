"""Attack and clinic probes against a running deployment."""

from pacslab.probes.attack.dicom_query_retrieve import get_as_stranger
from pacslab.probes.attack.eavesdropping import (
    CAPTURE_FILE,
    listen_to_radiologist,
    listen_to_workstation,
    names_in,
    passwords_in,
)
from pacslab.probes.findings import Assessment, Finding, Outcome, Side
from pacslab.probes.registry import PROBES, probes_for
from pacslab.probes.run_probes import assess
from pacslab.probes.target import DicomPeer, Target

__all__ = [
    "CAPTURE_FILE",
    "PROBES",
    "Assessment",
    "DicomPeer",
    "Finding",
    "Outcome",
    "Side",
    "Target",
    "assess",
    "get_as_stranger",
    "listen_to_radiologist",
    "listen_to_workstation",
    "names_in",
    "passwords_in",
    "probes_for",
]
