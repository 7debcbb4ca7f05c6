"""What the text detector finds, and what it takes for text by mistake, measured on seeded cohorts.

``python -m pacslab.deid.deidentify.calibration --out docs/calibration.md`` writes the page of the documentation. The
answer key of each cohort holds every burned-in text with its pixels, so nothing is judged by eye.
"""

from __future__ import annotations

import argparse
import io
from collections import defaultdict
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pydicom

from pacslab.cohort import build_cohort, load_recipe
from pacslab.deid.deidentify.burned_in_text import SECTIONS
from pacslab.deid.deidentify.text_detection.detector import can_read, text_in
from pacslab.deid.deidentify.text_detection.parameters import DEFAULT, DetectorParameters
from pacslab.deid.dicom.pixels import decode, planes
from pacslab.errors import DeidError
from pacslab.scenario import make_variant

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pacslab.cohort import AnswerKey, InstanceKey, PlantedIdentifier

RECIPE = "community-hospital"
"""The cohort with burned-in text in every modality."""
VARIANTS = 2
MOST_IMAGES = 8
"""Images of a modality and a cohort that are searched, of those with text and of those without."""
COVERED = 0.95
"""A text is found when the boxes cover so much of its glyphs' pixels: what is left spells nothing."""
COMMAND = "python -m pacslab.deid.deidentify.calibration --out docs/calibration.md"
WITHOUT_FRAMES = {"OT", "DOC", "SR", "KO", "PR", "ECG"}
"""Documents and objects without an image: the recipe withholds them, or they have no pixels."""


@dataclass
class ModalityTally:
    """Counts of one modality: texts and images searched, what was found, and what was flagged without text."""

    images: int = 0
    texts: int = 0
    found: int = 0
    without_text: int = 0
    flagged: int = 0
    flagged_area: list[float] = field(default_factory=list)

    @property
    def area(self) -> float:
        """Return the mean share of the pixels flagged in images without text, 0 to 1."""
        return float(np.mean(self.flagged_area)) if self.flagged_area else 0.0


def measure(variants: int = VARIANTS, parameters: DetectorParameters = DEFAULT) -> dict[str, ModalityTally]:
    """Search images of seeded cohorts for text, by letters alone: no rule names a place.

    Parameters
    ----------
    variants
        How many cohorts; each has its own patients, images and texts.
    parameters
        The numbers of the detector.

    Returns
    -------
    dict of str to ModalityTally
        Counts by modality. The same on every machine with the same Tesseract.

    Raises
    ------
    DeidError
        If there is no Tesseract.

    """
    if not can_read():
        raise DeidError("there is no tesseract to calibrate with", "apt install tesseract-ocr (Debian, Ubuntu)")
    tallies: dict[str, ModalityTally] = defaultdict(ModalityTally)
    for number in range(1, variants + 1):
        cohort = build_cohort(load_recipe(RECIPE), make_variant("calibration", f"cohort-{number}"))
        contents = dict(cohort.instances())
        for instance, texts in _chosen(cohort.answer_key()):
            _search(contents[instance.file_name], texts, tallies[instance.modality], parameters)
    return dict(tallies)


def _chosen(key: AnswerKey) -> Iterator[tuple[InstanceKey, list[PlantedIdentifier]]]:
    """Yield images and the texts burned into them: some of each modality, first of every series, with and without."""
    counts: dict[tuple[str, bool], int] = defaultdict(int)
    for study in key.studies():
        searched_series: set[str] = set()
        for instance in study.instances:
            texts = [planted for planted in key.planted_in([instance.sop_instance_uid]) if planted.box is not None]
            texts = [planted for planted in texts if planted.mask is not None and planted.location == "pixels"]
            if instance.modality in WITHOUT_FRAMES:
                continue
            if not texts and instance.series_instance_uid in searched_series:
                continue
            if counts[instance.modality, bool(texts)] < MOST_IMAGES:
                counts[instance.modality, bool(texts)] += 1
                if not texts:
                    searched_series.add(instance.series_instance_uid)
                yield instance, texts


def _search(
    content: bytes, texts: list[PlantedIdentifier], tally: ModalityTally, parameters: DetectorParameters
) -> None:
    """Search one image, and add what was found in it to the counts of its modality."""
    dataset = pydicom.dcmread(io.BytesIO(content))
    pixels = decode(dataset)
    if pixels is None:
        return
    flagged = np.zeros(next(planes(pixels)).shape[:2], dtype=bool)
    for box in text_in(pixels, section=dataset.Modality in SECTIONS, parameters=parameters):
        flagged[box.row : box.row + box.height, box.column : box.column + box.width] = True
    if not texts:
        tally.without_text += 1
        tally.flagged += bool(flagged.any())
        tally.flagged_area.append(float(flagged.mean()))
        return
    tally.images += 1
    for text in texts:
        if text.box is None:
            continue
        box = text.box
        under = flagged[box.row : box.row + box.height, box.column : box.column + box.width]
        glyphs = text.glyphs()[: under.shape[0], : under.shape[1]]
        tally.texts += 1
        tally.found += bool(under[glyphs].size and under[glyphs].mean() >= COVERED)


def parameter_table(parameters: DetectorParameters = DEFAULT) -> str:
    """Return a table of all numbers of the detector, in Markdown: name, value, unit, and the reason."""
    rows = ["| parameter | value | unit | why |", "|---|---|---|---|"]
    for number in fields(parameters):
        value = getattr(parameters, number.name)
        shown = ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)
        rows.append(f"| `{number.name}` | {shown} | {number.metadata['unit']} | {number.metadata['chosen']} |")
    return "\n".join(rows)


def result_table(tallies: dict[str, ModalityTally]) -> str:
    """Return recall and false alarms by modality, in Markdown."""
    rows = [
        "| modality | images with text | texts | texts found | recall | images without text | flagged | area flagged |",
        "|---|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for modality, tally in sorted(tallies.items()):
        recall = f"{tally.found / tally.texts:.0%}" if tally.texts else "-"
        area = f"{tally.area:.1%}" if tally.without_text else "-"
        rows.append(
            f"| {modality} | {tally.images} | {tally.texts} | {tally.found} | {recall} | {tally.without_text} | "
            f"{tally.flagged} | {area} |"
        )
    return "\n".join(rows)


def page(tallies: dict[str, ModalityTally], variants: int) -> str:
    """Return the page of the documentation, in Markdown."""
    return f"""# How well burned-in text is found

The reference recipe paints over burned-in text where a rule names its place. Where no rule does, it searches the image
by the letters themselves (`pacslab.deid.deidentify.text_detection`). This page shows how well that search works alone,
without any rule, and the numbers with which it runs. It is written by

    {COMMAND}

which builds {variants} seeded cohorts of the recipe `{RECIPE}` and compares the boxes found with the answer key. Of
each modality and cohort at most {MOST_IMAGES} images with text are searched, and {MOST_IMAGES} without, one a
series.

## Recall and false alarms

A text is *found* when at least {COVERED:.0%} of its glyphs' pixels lie in a box. *Flagged* are images without an
identifier burned in of which some part would be painted over; *area flagged* is the mean share of the pixels of all
images without text. Markers and scales count as false alarms here, as the answer key lists identifiers only.

{result_table(tallies)}

Ultrasound images are nearly all cleaned by rules (the rows above Sequence of Ultrasound Regions), so the last line of
defence matters most in the other modalities. A modality with few texts gives a coarse figure: one text more or less is
worth several per cent.

## Numbers of the detector

Every number is a field of `DetectorParameters` and an argument of the functions: to try others, pass
`dataclasses.replace(DEFAULT, ...)` to `measure`.

The numbers were tuned together, on some twenty seeded variants of the recipes, until no burned-in text was missed and
no anatomy taken for text. The last column says what a number is for and what bounds it; where it gives no figure, no
experiment stands behind that number alone.

{parameter_table()}
"""


def main() -> None:
    """Measure, and write the page."""
    parser = argparse.ArgumentParser(description="Write the calibration page of the text detector.")
    parser.add_argument("--out", type=Path, required=True, help="The Markdown file to write.")
    parser.add_argument("--variants", type=int, default=VARIANTS, help=f"Cohorts (default: {VARIANTS}).")
    options = parser.parse_args()
    options.out.write_text(page(measure(options.variants), options.variants), encoding="utf-8")


if __name__ == "__main__":
    main()
