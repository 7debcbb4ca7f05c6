"""Check that files say, truthfully, that, how and with which dates they were de-identified (PS3.15 E.1.1)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pacslab.cohort import Location
from pacslab.deid.audit.report.model import CheckId
from pacslab.deid.audit.verdicts import Fault

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pacslab.deid.audit.study_evidence import StudyEvidence
    from pacslab.deid.audit.verdicts import Finding
    from pacslab.deid.dicom.attribute_texts import Contents

CODES = {str(code) for code in range(113100, 113113)}
"""De-identification Method, CID 7050 of PS3.16."""
_METHOD_CODE = re.compile(r"\(0012,0064\)\[\d+\]\.\(0008,0100\)")
_BIRTH_DATE = "(0010,0030)"


def check_flags(evidence: StudyEvidence) -> Iterator[Finding]:
    """Check that each file says that, how and with which dates it was de-identified (PS3.15 E.1.1, PS3.3 C.12.1)."""
    burned = {text.sop_instance_uid for text in evidence.planted if text.location is Location.PIXELS}
    for file, instance in evidence.present:
        for fault in _flag_faults(file.contents, burned=instance.sop_instance_uid in burned):
            yield Fault(CheckId.FLAGS, fault, file.name)
        if instance.face and file.contents.text_of("RecognizableVisualFeatures") != "NO":
            yield Fault(
                CheckId.FLAGS,
                "RecognizableVisualFeatures (0028,0302) of a head must be 'NO' once the face is gone",
                file.name,
            )


def _flag_faults(contents: Contents, *, burned: bool) -> Iterator[str]:
    if contents.text_of("PatientIdentityRemoved") != "YES":
        yield "PatientIdentityRemoved (0012,0062) must be 'YES'"
    if not contents.text_of("DeidentificationMethod") and not _coded(contents):
        yield (
            "say what you did in DeidentificationMethod (0012,0063), or with codes of CID 7050 in "
            "DeidentificationMethodCodeSequence (0012,0064)"
        )
    annotation = contents.text_of("BurnedInAnnotation")
    if annotation != "NO" and (burned or annotation):
        yield "BurnedInAnnotation (0028,0301) must be 'NO' once the text is gone"
    right = "MODIFIED" if _has_dates(contents) else "REMOVED"
    found = contents.text_of("LongitudinalTemporalInformationModified")
    if found != right:
        dates = "moved" if right == "MODIFIED" else "removed"
        yield (
            f"LongitudinalTemporalInformationModified (0028,0303) is {found!r} and must be {right!r}, "
            f"as dates are {dates}"
        )


def _coded(contents: Contents) -> bool:
    return any(_METHOD_CODE.fullmatch(place.path) and place.text.strip() in CODES for place in contents.places)


def _has_dates(contents: Contents) -> bool:
    return any(place.vr in ("DA", "DT") and place.path.rpartition(".")[2] != _BIRTH_DATE for place in contents.places)
