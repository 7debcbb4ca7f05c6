"""What each kind of object is: its SOP class, how large its pictures are, and how its days and times are written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pacslab.cohort.anatomy import cr, ct, mg, mr, us
from pacslab.cohort.plan.instance_kinds import Content

if TYPE_CHECKING:
    from datetime import datetime

MANUFACTURER = "PACS Lab (synthetic data, no real patient)"
"""Stands in Manufacturer (0008,0070) of every file: not in PS3.15 table E.1-1, so de-identification keeps it."""

SOP_CLASS = {
    Content.CT_SLICE: "1.2.840.10008.5.1.4.1.1.2",
    Content.RADIOGRAPH: "1.2.840.10008.5.1.4.1.1.1",
    Content.DIGITAL_RADIOGRAPH: "1.2.840.10008.5.1.4.1.1.1.1",
    Content.MAMMOGRAM: "1.2.840.10008.5.1.4.1.1.1.2",
    Content.MR_T1: "1.2.840.10008.5.1.4.1.1.4",
    Content.MR_T2: "1.2.840.10008.5.1.4.1.1.4",
    Content.MR_FLAIR: "1.2.840.10008.5.1.4.1.1.4",
    Content.ULTRASOUND: "1.2.840.10008.5.1.4.1.1.6.1",
    Content.CINE: "1.2.840.10008.5.1.4.1.1.3.1",
    Content.COLOUR_CINE: "1.2.840.10008.5.1.4.1.1.3.1",
    Content.ECG: "1.2.840.10008.5.1.4.1.1.9.1.1",
    Content.COVER_PAGE: "1.2.840.10008.5.1.4.1.1.7",
    Content.LETTER: "1.2.840.10008.5.1.4.1.1.7",
    Content.REPORT: "1.2.840.10008.5.1.4.1.1.104.1",
    Content.TEXT_REPORT: "1.2.840.10008.5.1.4.1.1.88.11",
    Content.MEASUREMENTS: "1.2.840.10008.5.1.4.1.1.88.33",
    Content.DOSE_REPORT: "1.2.840.10008.5.1.4.1.1.88.67",
    Content.KEY_IMAGES: "1.2.840.10008.5.1.4.1.1.88.59",
    Content.PRESENTATION: "1.2.840.10008.5.1.4.1.1.11.1",
}
"""SOP classes (PS3.4 B.5)."""


CINE_FRAMES = 12
"""Frames of an ultrasound loop."""
COLOUR_FRAMES = 8
"""Frames of one in colour, which are three times as large."""
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
"""Where BitsStored is less than the pixels' type holds: lossless JPEG and JPEG 2000 need to know."""


def day(moment: datetime) -> str:
    """Return a DA value."""
    return moment.strftime("%Y%m%d")


def clock(moment: datetime) -> str:
    """Return a TM value."""
    return moment.strftime("%H%M%S")
