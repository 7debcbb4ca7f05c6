"""Kinds of instances: images, documents, structured reports, waveforms and presentation states."""

from __future__ import annotations

from enum import StrEnum


class Content(StrEnum):
    """Kind of an instance; all instances of a series are of the same kind."""

    CT_SLICE = "ct"
    RADIOGRAPH = "cr"
    DIGITAL_RADIOGRAPH = "dx"
    MAMMOGRAM = "mg"
    MR_T1 = "mr-t1"
    MR_T2 = "mr-t2"
    MR_FLAIR = "mr-flair"
    ULTRASOUND = "us"
    CINE = "us-cine"
    COLOUR_CINE = "us-colour-cine"
    ECG = "ecg"
    COVER_PAGE = "cover"
    LETTER = "letter"
    REPORT = "report"
    TEXT_REPORT = "sr-text"
    MEASUREMENTS = "sr-measurements"
    DOSE_REPORT = "sr-dose"
    KEY_IMAGES = "key-images"
    PRESENTATION = "presentation"

    @property
    def document(self) -> bool:
        """Return whether it is a scanned or encapsulated document about the patient."""
        return self in (Content.COVER_PAGE, Content.LETTER, Content.REPORT)

    @property
    def image(self) -> bool:
        """Return whether it is an image of the patient, acquired by a modality."""
        return self in _IMAGES

    @property
    def head(self) -> bool:
        """Return whether it is a slice of a head, so that its series shows a face."""
        return self in (Content.MR_T1, Content.MR_T2, Content.MR_FLAIR)

    @property
    def structured(self) -> bool:
        """Return whether it is a structured report: a tree of content items (PS3.3 C.17)."""
        return self in (Content.TEXT_REPORT, Content.MEASUREMENTS, Content.DOSE_REPORT, Content.KEY_IMAGES)

    @property
    def modality(self) -> str:
        """Return the value of Modality (0008,0060)."""
        return _MODALITY.get(self, self.value.upper())


_IMAGES = {
    Content.CT_SLICE,
    Content.RADIOGRAPH,
    Content.DIGITAL_RADIOGRAPH,
    Content.MAMMOGRAM,
    Content.MR_T1,
    Content.MR_T2,
    Content.MR_FLAIR,
    Content.ULTRASOUND,
    Content.CINE,
    Content.COLOUR_CINE,
}
_MODALITY = {
    Content.MR_T1: "MR",
    Content.MR_T2: "MR",
    Content.MR_FLAIR: "MR",
    Content.CINE: "US",
    Content.COLOUR_CINE: "US",
    Content.COVER_PAGE: "OT",
    Content.LETTER: "OT",
    Content.REPORT: "DOC",
    Content.TEXT_REPORT: "SR",
    Content.MEASUREMENTS: "SR",
    Content.DOSE_REPORT: "SR",
    Content.KEY_IMAGES: "KO",
    Content.PRESENTATION: "PR",
}
