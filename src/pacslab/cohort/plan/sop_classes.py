"""SOP class, image size and bit depth of each kind of instance, and the text of DA and TM values."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydicom import uid

from pacslab.cohort.anatomy import cr, ct, mg, mr, us
from pacslab.cohort.plan.instance_kinds import Content

if TYPE_CHECKING:
    from datetime import datetime

MANUFACTURER = "PACS Lab (synthetic data, no real patient)"
"""Manufacturer (0008,0070) of every file: not in PS3.15 table E.1-1, so de-identification keeps it."""

SOP_CLASS: dict[Content, str] = {
    Content.CT_SLICE: uid.CTImageStorage,
    Content.RADIOGRAPH: uid.ComputedRadiographyImageStorage,
    Content.DIGITAL_RADIOGRAPH: uid.DigitalXRayImageStorageForPresentation,
    Content.MAMMOGRAM: uid.DigitalMammographyXRayImageStorageForPresentation,
    Content.MR_T1: uid.MRImageStorage,
    Content.MR_T2: uid.MRImageStorage,
    Content.MR_FLAIR: uid.MRImageStorage,
    Content.ULTRASOUND: uid.UltrasoundImageStorage,
    Content.CINE: uid.UltrasoundMultiFrameImageStorage,
    Content.COLOUR_CINE: uid.UltrasoundMultiFrameImageStorage,
    Content.ECG: uid.TwelveLeadECGWaveformStorage,
    Content.COVER_PAGE: uid.SecondaryCaptureImageStorage,
    Content.LETTER: uid.SecondaryCaptureImageStorage,
    Content.REPORT: uid.EncapsulatedPDFStorage,
    Content.TEXT_REPORT: uid.BasicTextSRStorage,
    Content.MEASUREMENTS: uid.ComprehensiveSRStorage,
    Content.DOSE_REPORT: uid.XRayRadiationDoseSRStorage,
    Content.KEY_IMAGES: uid.KeyObjectSelectionDocumentStorage,
    Content.PRESENTATION: uid.GrayscaleSoftcopyPresentationStateStorage,
}
"""SOP classes (PS3.4 B.5)."""


CINE_FRAMES = 12
"""Frames of an ultrasound loop."""
COLOUR_FRAMES = 8
"""Frames of an ultrasound loop in colour; they are three times as large."""
EXTENT = {
    Content.CT_SLICE: (ct.SIZE, ct.SIZE),
    Content.RADIOGRAPH: (cr.COLUMNS, cr.ROWS),
    Content.DIGITAL_RADIOGRAPH: (cr.COLUMNS, cr.ROWS),
    Content.MAMMOGRAM: (mg.COLUMNS, mg.ROWS),
    Content.MR_T1: (mr.COLUMNS, mr.ROWS),
    Content.MR_T2: (mr.COLUMNS, mr.ROWS),
    Content.MR_FLAIR: (mr.COLUMNS, mr.ROWS),
    Content.ULTRASOUND: (us.COLUMNS, us.ROWS),
    Content.CINE: (us.COLUMNS, us.ROWS),
    Content.COLOUR_CINE: (us.COLUMNS, us.ROWS),
}
"""Columns and rows of each kind of image."""
BITS_STORED = {
    Content.MR_T1: 12,
    Content.MR_T2: 12,
    Content.MR_FLAIR: 12,
    Content.RADIOGRAPH: 12,
    Content.DIGITAL_RADIOGRAPH: 12,
    Content.MAMMOGRAM: 12,
}
"""BitsStored where it is less than BitsAllocated; lossless JPEG and JPEG 2000 encode it."""


def day(moment: datetime) -> str:
    """Return a DA value (PS3.5 table 6.2-1)."""
    return moment.strftime("%Y%m%d")


def clock(moment: datetime) -> str:
    """Return a TM value, without a fraction."""
    return moment.strftime("%H%M%S")
