"""Check that every image of a study is there, with its pixels."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pacslab.deid.audit.report.model import CheckId
from pacslab.deid.audit.verdicts import Fault, Kept

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pacslab.deid.audit.study_evidence import StudyEvidence
    from pacslab.deid.audit.verdicts import Finding


def check_present(evidence: StudyEvidence) -> Iterator[Finding]:
    """Check that there is a file with pixels for every image of the study."""
    for instance in evidence.required:
        file = evidence.file_of.get(instance.sop_instance_uid)
        complete = file is not None and (file.has_pixels or instance.pixels_outside is None)
        yield Kept("images", complete)
        what = f"image {instance.instance_number} ({instance.modality}, originally {instance.file_name})"
        if file is None:
            yield Fault(CheckId.PRESENT, f"{what} is missing: de-identify it too")
        elif not complete:
            yield Fault(CheckId.PRESENT, f"{what} has no pixels any more: keep PixelData", file.name)
