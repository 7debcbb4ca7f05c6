"""Check that every picture is untouched outside the burned-in text, and that all pixels can be searched."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pacslab.deid.audit.report.model import CheckId
from pacslab.deid.audit.verdicts import Fault, Kept
from pacslab.deid.dicom.attribute_names import attribute
from pacslab.deid.dicom.dicomdir import within_record

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pacslab.deid.audit.study_evidence import StudyEvidence
    from pacslab.deid.audit.verdicts import Finding

_UNSEEN = "{} cannot be looked at: remove it, or save it plainly"


def check_anatomy(evidence: StudyEvidence) -> Iterator[Finding]:
    """Check that no pixel changed outside the burned-in text."""
    for instance in evidence.required:
        file = evidence.file_of.get(instance.sop_instance_uid)
        if instance.pixels_outside is None or (instance.face and instance.brain is None):
            continue
        yield Kept("brains" if instance.face else "untouched pictures", file is not None and file.intact)
        if file is None or not file.has_pixels or file.intact:
            continue
        if file.pixels.undecodable:
            yield Fault(CheckId.ANATOMY, file.pixels.undecodable, file.name)
        elif file.contents.text_of("LossyImageCompression") == "01":
            yield Fault(
                CheckId.ANATOMY,
                "the pixels were compressed with loss: save the image uncompressed or without loss",
                file.name,
            )
        elif instance.face:
            yield Fault(
                CheckId.ANATOMY,
                "the brain is not the original any more: take off the face in front of it, and nothing of the brain",
                file.name,
            )
        else:
            size = " x ".join(str(length) for length in file.pixels.shape)
            yield Fault(
                CheckId.ANATOMY,
                f"the picture ({size} pixels) is not the original outside the burned-in text: paint over the text "
                "only, and do not crop, turn, scale or brighten the image",
                file.name,
            )


def check_pixels_readable(evidence: StudyEvidence) -> Iterator[Finding]:
    """Report pixels that cannot be decoded: they cannot be shown to be clean."""
    documents = {instance.sop_instance_uid for instance in evidence.study.instances if instance.document}
    for file in evidence.files:
        if file.pixels.undecodable:
            is_document = file.instance is not None and file.instance.sop_instance_uid in documents
            check = CheckId.DOCUMENTS if is_document else CheckId.PIXELS
            yield Fault(check, file.pixels.undecodable, file.name)
        for graphic in file.graphics:
            if graphic.plane is None:
                yield Fault(CheckId.PIXELS, _UNSEEN.format(attribute(graphic.path)), file.name)


def check_icons_readable(unsearched: Iterable[tuple[str, str]]) -> Iterator[Finding]:
    """Report icons of a DICOMDIR, (file, path), that could not be searched."""
    for name, path in unsearched:
        yield Fault(CheckId.PIXELS, _UNSEEN.format(attribute(within_record(path))), name)
