"""Where a recipe lets identifiers hide: each trap is one place that real archives leak from, and can be switched."""

from __future__ import annotations

from enum import StrEnum


class Trap(StrEnum):
    """One hiding place. What a trap plants is noted in the answer key with its path and the action expected."""

    REQUEST = "request-attributes"
    ORIGINAL = "original-attributes"
    REFERENCED_PATIENT = "referenced-patient"
    CODE_MEANING = "code-meaning"
    PRIVATE = "private-block"
    SAFE_PRIVATE = "safe-private"
    COMMENTS = "image-comments"
    DESCRIPTORS = "descriptors"
    TEXT_DATES = "dates-in-text"
    DATED_UIDS = "dated-uids"
    OTHER_KINDS = "other-kinds"
    BANNER = "banner"
    BURNED_IN = "burned-in"
    OVERLAY = "overlay"
    ICON = "icon"
    PRESENTATION = "presentation-text"
    SR_CONTENT = "sr-content"
    SR_OBSERVER = "sr-observer"
    PDF_TITLE = "pdf-title"
    FILE_NAMES = "file-names"
    PREAMBLE = "preamble"
    PADDING = "trailing-padding"
    FILE_META = "file-meta"


EXPLANATIONS: dict[Trap, str] = {
    Trap.REQUEST: "the patient's name in the order, Request Attributes Sequence (0040,0275)",
    Trap.ORIGINAL: "the name and number before a correction, Original Attributes Sequence (0400,0561)",
    Trap.REFERENCED_PATIENT: "a reference to the patient's record, Referenced Patient Sequence (0008,1120)",
    Trap.CODE_MEANING: "a name in the meaning of a procedure's code (0008,0104), which no table lists",
    Trap.PRIVATE: "the machine's private block with name, date and telephone number",
    Trap.SAFE_PRIVATE: "private elements that PS3.15 table E.3.10-1 calls safe, and which must survive",
    Trap.COMMENTS: "a sonographer's comment that names the patient, Image Comments (0020,4000)",
    Trap.DESCRIPTORS: "a series description that tells the finding and with whom it was seen (0008,103E)",
    Trap.TEXT_DATES: "dates in a history's running text (0010,21B0)",
    Trap.DATED_UIDS: "a UID that spells out the day, Synchronization Frame of Reference UID (0020,0200)",
    Trap.OTHER_KINDS: "insurance, account, fax, e-mail, web page, IP address, car and licence numbers",
    Trap.BANNER: "the ultrasound machine's banner with hospital, date, name and number",
    Trap.BURNED_IN: "small, faint or dark text burned into an image that claims to have none",
    Trap.OVERLAY: "the name drawn in an overlay plane, and in its label and description (60xx)",
    Trap.ICON: "the name in an icon's pixels (0088,0200)",
    Trap.PRESENTATION: "the name in a presentation state's annotation (0070,0006)",
    Trap.SR_CONTENT: "the name, a date and a telephone number in a structured report's text",
    Trap.SR_OBSERVER: "who observed and verified a structured report",
    Trap.PDF_TITLE: "the name in the title and the document information of a PDF report",
    Trap.FILE_NAMES: "the name and number in the names of files and folders",
    Trap.PREAMBLE: "the name in the 128 bytes before DICM",
    Trap.PADDING: "the name in Data Set Trailing Padding (FFFC,FFFC)",
    Trap.FILE_META: "the hospital's AE titles in the file meta information, group 0002",
}


class Difficulty(StrEnum):
    """How many hiding places, where a recipe does not list them."""

    EASY = "easy"
    USUAL = "usual"
    HARD = "hard"


_USUAL = (Trap.REQUEST, Trap.PRIVATE, Trap.COMMENTS, Trap.BANNER, Trap.PDF_TITLE)
EVERY = 500
"""How many studies a trap is set in where the recipe names no number: all of them."""

LEVELS: dict[Difficulty, dict[Trap, int]] = {
    Difficulty.EASY: dict.fromkeys((Trap.REQUEST, Trap.BANNER), EVERY),
    Difficulty.USUAL: dict.fromkeys(_USUAL, EVERY),
    Difficulty.HARD: dict.fromkeys(Trap, EVERY),
}
