"""Traps: places where identifiers hide in real archives, which a recipe switches on and off."""

from __future__ import annotations

from enum import StrEnum


class Trap(StrEnum):
    """A place where identifiers hide; the answer key has their paths and expected actions."""

    REQUEST = "request-attributes"  # the patient's name in the order, Request Attributes Sequence (0040,0275)
    ORIGINAL = "original-attributes"  # name and number before a correction, Original Attributes Sequence (0400,0561)
    REFERENCED_PATIENT = "referenced-patient"  # a reference to the record, Referenced Patient Sequence (0008,1120)
    CODE_MEANING = "code-meaning"  # a name in the meaning of a procedure's code (0008,0104), which no table lists
    PRIVATE = "private-block"  # the machine's private block with name, date and telephone number
    SAFE_PRIVATE = "safe-private"  # private elements that PS3.15 table E.3.10-1 calls safe, and which must survive
    COMMENTS = "image-comments"  # a sonographer's comment that names the patient, Image Comments (0020,4000)
    DESCRIPTORS = "descriptors"  # a series description that tells the finding and with whom it was seen (0008,103E)
    TEXT_DATES = "dates-in-text"  # dates in a history's running text (0010,21B0)
    DATED_UIDS = "dated-uids"  # a UID that spells out the day, Synchronization Frame of Reference UID (0020,0200)
    OTHER_KINDS = "other-kinds"  # insurance, account, fax, e-mail, web page, IP address, car and licence numbers
    BANNER = "banner"  # the ultrasound machine's banner with hospital, date, name and number
    BURNED_IN = "burned-in"  # small, faint or dark text burned into an image that claims to have none
    OVERLAY = "overlay"  # the name drawn in an overlay plane, and in its label and description (60xx)
    ICON = "icon"  # the name in an icon's pixels (0088,0200)
    PRESENTATION = "presentation-text"  # the name in a presentation state's annotation (0070,0006)
    SR_CONTENT = "sr-content"  # the name, a date and a telephone number in a structured report's text
    SR_OBSERVER = "sr-observer"  # who observed and verified a structured report
    PDF_TITLE = "pdf-title"  # the name in the title and the document information of a PDF report
    FILE_NAMES = "file-names"  # the name and number in the names of files and folders
    PREAMBLE = "preamble"  # the name in the 128 bytes before DICM
    PADDING = "trailing-padding"  # the name in Data Set Trailing Padding (FFFC,FFFC)
    FILE_META = "file-meta"  # the hospital's AE titles in the file meta information, group 0002


class Difficulty(StrEnum):
    """Set of traps of a recipe that does not list them."""

    EASY = "easy"
    USUAL = "usual"
    HARD = "hard"


_USUAL = (Trap.REQUEST, Trap.PRIVATE, Trap.COMMENTS, Trap.BANNER, Trap.PDF_TITLE)
EVERY = 500
"""Number of studies with a trap that is set in all: the largest cohort's."""

LEVELS: dict[Difficulty, dict[Trap, int]] = {
    Difficulty.EASY: dict.fromkeys((Trap.REQUEST, Trap.BANNER), EVERY),
    Difficulty.USUAL: dict.fromkeys(_USUAL, EVERY),
    Difficulty.HARD: dict.fromkeys(Trap, EVERY),
}
