"""Faces rendered from MR series of the head, and matched with portraits.

No header is needed: skin borders on air, and its surface is the face. It is drawn as a relief in slanting light, and
compared with portraits millimetre by millimetre.
"""

from __future__ import annotations

import io
import warnings
from collections import defaultdict
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np
import scipy
from PIL import Image

from pacslab.cohort import PORTRAIT_PIXEL_MM, Portrait, build_cohort, load_recipe, portraits
from pacslab.deid.deidentify.defacing import air_ends_at
from pacslab.deid.dicom.elements import text_of
from pacslab.deid.dicom.output_folder import parse_dicom
from pacslab.deid.dicom.output_sources import open_source
from pacslab.deid.dicom.volumes import volume_of
from pacslab.deid.reidentification.attacks import Link
from pacslab.deid.reidentification.background_knowledge import FIRST_NAMES, LAST_NAMES

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from pydicom.dataset import FileDataset

    from pacslab.cohort import Cohort
    from pacslab.scenario import Variant

CITY_HOSPITAL = "district-hospital-standard"
"""The hospital whose heads are released: it has an MR."""
STRANGERS = 16
"""Portraits of people who are in no archive."""
ALIKE = 0.7
"""Millimetres by which two pictures of one face differ at most, in the middle; other people's differ by more."""
CLEARLY = 0.75
"""The best portrait must differ less than this share of what the second best does."""
HEIGHT, WIDTH = 92.0, 96.0
"""The part of a face that is compared, from the lowest slice up and across (mm)."""
_FARTHEST = 8.0
_SLIDE = 4
_BEHIND = 120.0
"""What lies so many mm behind the foremost point is no face."""
_LIGHT = np.array([-0.42, 0.42, 0.80])


@dataclass(frozen=True)
class Face:
    """A face as a series shows it: depth as in a :class:`Portrait`, and the pseudonym under which it was released."""

    pseudonym: str
    series: str
    depth: np.ndarray

    @property
    def picture(self) -> bytes:
        """Return the face as a PNG."""
        return relief(self.depth)


def city_hospital(variant: Variant) -> Cohort:
    """Return the patients of the hospital in the city, a student's own; no pixels yet."""
    return build_cohort(load_recipe(CITY_HOSPITAL), variant)


def heads_of(cohort: Cohort) -> list[bytes]:
    """Return the first series of each MR of the head: what a hospital might release for research on the brain."""
    contents: list[bytes] = []
    for study in cohort.plan.studies:
        first = study.series[0]
        if first.content.head:
            contents += [content for _, content in islice(cohort.study_files(study), len(first.instances))]
    return contents


def portraits_around(cohort: Cohort) -> tuple[Portrait, ...]:
    """Return portraits that got around: of the cohort's patients, and of people who were never examined; by name."""
    stream = cohort.variant.stream("strangers")
    names = tuple(f"{stream.choice(FIRST_NAMES)} {stream.choice(LAST_NAMES)}" for _ in range(STRANGERS))
    return tuple(sorted(portraits(cohort.variant, cohort.plan.people, names), key=lambda portrait: portrait.name))


def render_faces(output: Path | str) -> list[Face]:
    """Return the face of every MR series of an output of which a surface can be made, in order of pseudonyms.

    Raises
    ------
    DeidError
        If the output cannot be read at all.

    """
    series: dict[str, list[FileDataset]] = defaultdict(list)
    for _, content in open_source(output).contents():
        dataset, _ = parse_dicom(content)
        if dataset is not None and "PixelData" in dataset and text_of(dataset, "Modality") == "MR":
            series[text_of(dataset, "SeriesInstanceUID")].append(dataset)
    faces = []
    for uid, slices in series.items():
        depth = _surface(slices)
        if depth is not None:
            faces.append(Face(text_of(slices[0], "PatientID"), uid, depth))
    return sorted(faces, key=lambda face: (face.pseudonym, face.series))


def _surface(slices: list[FileDataset]) -> np.ndarray | None:
    """Return the depth of the skin behind the foremost plane: mm, shape (levels, columns) of a portrait's grid."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        volume = volume_of(slices)
    if volume is None:
        return None
    solid = volume.values > air_ends_at(volume.values)
    step, along, across = volume.spacing
    depth = np.where(solid.any(axis=1), solid.argmax(axis=1) * np.float32(along), np.nan)
    if (step, across) == PORTRAIT_PIXEL_MM:
        return depth
    rows = np.arange(0, depth.shape[0] * step, PORTRAIT_PIXEL_MM[0]) / step
    columns = np.arange(0, depth.shape[1] * across, PORTRAIT_PIXEL_MM[1]) / across
    nearest = np.meshgrid(rows.round().astype(int), columns.round().astype(int), indexing="ij")
    return np.asarray(depth[nearest[0].clip(max=depth.shape[0] - 1), nearest[1].clip(max=depth.shape[1] - 1)])


def match_faces(faces: Iterable[Face], known: Sequence[Portrait]) -> list[Link]:
    """Link each face with the only portrait that fits it; none is reported if no portrait fits, or two do."""
    links = []
    for face in faces:
        ranked = sorted((unlike(face.depth, portrait.depth), portrait.name) for portrait in known)
        best = ranked[0] if ranked else (_FARTHEST, "")
        second = ranked[1][0] if len(ranked) > 1 else _FARTHEST
        if best[0] < ALIKE and best[0] < CLEARLY * second:
            by = f"the face: {best[0]:.1f} mm from the portrait, the next person's {second:.1f} mm"
            links.append(Link(face.pseudonym, best[1], by))
    return links


def unlike(depth: np.ndarray, other: np.ndarray) -> float:
    """Return the mean difference of two faces in millimetres, at the best horizontal alignment.

    Parameters
    ----------
    depth, other
        Depths in mm of shape (levels, columns), NaN where there is no skin.

    Returns
    -------
    float
        Millimetres; 8 for surfaces that cannot be compared.

    """
    mine = _framed(depth, 0)
    return min(_apart(mine, _framed(other, slide)) for slide in range(-_SLIDE, _SLIDE + 1))


def _framed(depth: np.ndarray, slide: int) -> np.ndarray:
    """Return the part of a face that is compared: from the lowest rows up, about the middle column."""
    high, wide = round(HEIGHT / PORTRAIT_PIXEL_MM[0]), round(WIDTH / PORTRAIT_PIXEL_MM[1])
    left = (depth.shape[1] - wide) // 2 + slide
    return depth[:high, left : left + wide]


def _apart(surface: np.ndarray, other: np.ndarray) -> float:
    """Return the mean absolute difference in mm of two surfaces, without their median offset; 8 mm at most a point."""
    if surface.shape != other.shape:
        return _FARTHEST
    between = surface - other
    known = np.isfinite(between)
    if known.mean() < 0.6:
        return _FARTHEST
    between = between[known] - np.median(between[known])
    return float(np.minimum(np.abs(between), _FARTHEST).mean())


def relief(depth: np.ndarray) -> bytes:
    """Return a surface as a PNG: a relief in light from above and one side, the crown at the top."""
    there = np.isfinite(depth)
    larger = (PORTRAIT_PIXEL_MM[0] / PORTRAIT_PIXEL_MM[1], 1)
    surface = scipy.ndimage.zoom(np.where(there, depth, depth[there].max(initial=0.0)), larger, order=3)
    head = scipy.ndimage.zoom(there.astype(np.uint8), larger, order=0) > 0
    surface = scipy.ndimage.gaussian_filter(surface, 1.2)
    down, across = np.gradient(surface, PORTRAIT_PIXEL_MM[1])
    normals = np.dstack([across, down, np.ones_like(across)])
    normals /= np.linalg.norm(normals, axis=2, keepdims=True)
    light = np.clip(normals @ (_LIGHT / np.linalg.norm(_LIGHT)), 0, 1)
    light[~head | (surface > depth[there].min(initial=np.inf) + _BEHIND)] = 0
    picture = Image.fromarray((light[::-1] * 255).astype(np.uint8))
    stored = io.BytesIO()
    picture.resize((picture.width * 2, picture.height * 2), Image.Resampling.BICUBIC).save(stored, "PNG")
    return stored.getvalue()


def side_by_side(pictures: Sequence[bytes]) -> bytes:
    """Return several PNGs as one, from left to right."""
    opened = [Image.open(io.BytesIO(picture)) for picture in pictures]
    sheet = Image.new("L", (sum(picture.width for picture in opened), max(picture.height for picture in opened)))
    left = 0
    for picture in opened:
        sheet.paste(picture, (left, 0))
        left += picture.width
    stored = io.BytesIO()
    sheet.save(stored, "PNG")
    return stored.getvalue()
