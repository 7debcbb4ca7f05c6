"""The numbers of the text detector, each with its unit and the reason for its value.

``docs/calibration.md`` shows them beside what the detector finds and what it takes for text by mistake. They were tuned
together on seeded variants of the recipes; a reason without a figure bounds a number, and no experiment stands behind
that number alone.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


def _number(default: Any, unit: str, chosen: str) -> Any:
    return field(default=default, metadata={"unit": unit, "chosen": chosen})


@dataclass(frozen=True)
class DetectorParameters:
    """All tuned numbers of the detector; ``metadata`` of each field holds its ``unit`` and how it was ``chosen``.

    Lengths are in pixels of the image at the size at which it is searched: its own, then halved again and again.
    """

    reader_scale: int = _number(
        3, "times", "Tesseract knows letters of 20 to 40 pixels best; burned-in ones have about 10."
    )
    halve_above: int = _number(
        400, "pixels", "Larger images are searched at half their size as well, for larger letters."
    )
    reader_letters: int = _number(4, "characters", "Tesseract reads up to three characters into any pattern.")
    reader_confidence_long: float = _number(40, "of 100", "Enough where at least long_row marks stand in a row.")
    reader_confidence_short: float = _number(60, "of 100", "Anatomy has short rows as well, so more is asked of them.")
    reader_slack_columns: int = _number(4, "pixels", "A word may begin so far left of its marks after scaling.")
    reader_slack_rows: int = _number(6, "pixels", "The middle of a word may lie so far above or below its marks.")
    margin: int = _number(6, "pixels", "Covers the soft edge and lost dots around letters of one grey value.")
    band_heights: int = _number(
        2, "line heights", "Blended lines stand together; the next may be too faint to be found."
    )
    crowded_band_heights: int = _number(
        3,
        "line heights",
        "As band_heights, but the height found may be that of small letters, and the next line fainter.",
    )
    faint_share: float = _number(
        0.5, "of the usual range", "Letters drawn bright have more; fainter ones were blended in."
    )
    usual_range_percentiles: tuple[int, int] = _number((1, 99), "%", "Leaves out drawn letters and markers themselves.")
    usual_range_stride: int = _number(8, "pixels", "One pixel in 64 gives the same percentiles in less time.")
    edge_share: int = _number(
        4, "one part in", "An edge of drawn letters shares at least this part of its area with them."
    )
    continuation_heights: int = _number(
        3, "line heights", "A row goes on beyond found text if only some of its letters have one value."
    )

    min_height: int = _number(5, "pixels", "The smallest legible capitals.")
    max_height: int = _number(34, "pixels", "Larger letters are found in the image made smaller.")
    max_width: int = _number(54, "pixels", "A W of max_height, with its neighbour touching.")
    max_width_heights: int = _number(
        3, "heights", "Two or three letters may touch; a wider mark is a line or a border."
    )
    min_fill: float = _number(0.8, "pixels per row", "A stroke of one pixel covers nearly every row of its letter.")
    min_marks: int = _number(4, "marks", "Marks of one grey value side by side; measured anatomy has none in a row.")
    min_blended_marks: int = _number(5, "marks", "Without one grey value, four thin marks in a row are found in bone.")
    small_height: int = _number(10, "pixels", "Lower letters lose a foot in noise: one of a few may stand higher.")
    long_row: int = _number(7, "marks", "Anatomy has hardly any rows of so many blended marks close to each other.")
    very_long_row: int = _number(14, "marks", "Some of so many may be lost, which leaves the rest further apart.")
    even_feet: float = _number(
        0.85, "of the marks", "On bone as bright as the letters, type still stands on one row of pixels."
    )
    even_jump: int = _number(
        4, "one part of jump", "Marks with even feet on one line are type at a quarter of the contrast."
    )
    most_values: int = _number(40, "grey values", "Bounds the time; drawn text is among the values of most patches.")
    min_corners: int = _number(10, "pixels", "Equal right and lower neighbours of a value; noise has fewer by chance.")
    jump: float = _number(0.03, "of the image's range", "The least contrast at which drawn letters are legible.")
    stroke_widths: tuple[int, ...] = _number((7, 9), "pixels", "Strokes of letters up to max_height are thinner.")
    blur_sigma: float = _number(0.7, "pixels", "Joins strokes that hardly rise above noise, and keeps letters apart.")
    noise_factor: float = _number(
        2.0, "times the local noise", "Lower values mark noise, higher ones lose faint strokes."
    )
    noise_block: int = _number(24, "pixels", "A square in which letters cover too little to change the median.")
    noise_floor: float = _number(
        0.004, "of the image's range", "In areas without noise rounding must not count as a mark."
    )
    noise_sigma: float = _number(1.48, "times", "From median absolute deviation to standard deviation of normal noise.")
    min_piece: int = _number(4, "pixels", "A dot or a hyphen; fewer have the letters' grey value by chance.")
    gap_heights: float = _number(2.2, "heights", "The widest space between two words of a row.")
    gap_least_height: int = _number(8, "pixels", "Letters lower than this are spaced as if they had this height.")
    apart_heights: float = _number(1.6, "heights", "The widest gap to a dot, hyphen or cut letter beside a row.")
    baseline_share: float = _number(0.3, "heights", "How far a descender's foot may hang below its neighbour's.")
    baseline_pixels: int = _number(2, "pixels", "The least tolerance for feet, for low letters in noise.")
    height_ratio: tuple[float, float] = _number((0.55, 1.8), "times", "From small letter after capital to the reverse.")
    height_memory: int = _number(3, "marks", "A mark is compared with the tallest of so many before it.")

    foot_share: float = _number(0.06, "heights", "Feet that differ by less stand on one line; one pixel always does.")
    sure_width: float = _number(1.5, "heights a mark", "With the space beside it a letter of Latin type is narrower.")
    sure_width_long: float = _number(2.0, "heights a mark", "As sure_width, for rows of which some marks may be lost.")
    sure_overlap: float = _number(-0.1, "heights", "Boxes of letters hardly overlap; those of folds do.")
    sure_level: float = _number(0.6, "of the marks", "So many stand on the line in a long row, with descenders.")
    max_mark_width: float = _number(1.2, "heights a mark", "A short row that is wider is anatomy.")
    max_gap: float = _number(0.8, "heights", "Marks of a short row further apart are no word.")
    min_level: float = _number(0.5, "of the marks", "A row with more marks off its line is no row of type.")
    alike_heights: float = _number(0.9, "heights", "Capitals and small letters of one size differ by less.")
    lean_level: float = _number(0.83, "of the marks", "Of five or six folds of a brain, one stands off the line.")
    lean_level_small: float = _number(0.75, "of the marks", "As lean_level, below small_height: one foot may be lost.")
    lean_width_small: float = _number(1.1, "heights a mark", "The widest row to which lean_level_small applies.")
    lean_gap: float = _number(0.5, "heights", "Letters of one word stand closer.")
    lean: tuple[float, float] = _number(
        (0.45, 1.0), "width to height", "Median of Latin letters; folds are longer or flatter."
    )

    line_heights: tuple[int, ...] = _number(
        (6, 7, 8, 9, 10, 12, 14, 17, 20), "pixels", "Capitals or small letters, in steps of a fifth at most."
    )
    line_lengths: tuple[int, ...] = _number((9, 13, 18), "heights", "A name, a name and a number, a whole line.")
    line_stroke: int = _number(5, "pixels", "Strokes of letters as low as line_heights are thinner.")
    min_speck: int = _number(4, "pixels", "Fewer pixels stand out from noise by chance.")
    line_gap: int = _number(2, "rows", "Strokes end above and below a line; an outline crosses these rows.")
    line_gap_pixels: int = _number(1, "pixels a column", "In these rows a letter that hangs down may leave one pixel.")
    min_stroke: int = _number(2, "pixels a column", "Fewer are an accent or the end of a curve.")
    ordinary_share: float = _number(
        0.85, "of the lines", "So many lines of a slice have no writing: the quantile compared with."
    )
    crowded: float = _number(
        1.4, "strokes a row and square", "Bright strokes: excess over the ordinary line, times the root of the length."
    )
    crowded_dark: float = _number(
        1.8, "strokes a row and square", "Dark ones: shadows between ribs crowd a little as well."
    )


DEFAULT = DetectorParameters()
"""The numbers with which the recipe runs."""
