from .attack.dicom_query_retrieve import get_as_stranger
from .attack.eavesdropping import (
    CAPTURE_FILE,
    listen_to_radiologist,
    listen_to_workstation,
    names_in,
    passwords_in,
)
from .findings import Assessment, Finding, Outcome, Side
from .registry import PROBES, probes_for
from .run_probes import assess
from .target import DicomPeer, Target

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
