"""A screening mammogram: compressed breasts seen from above and obliquely, dense tissue bright (FOR PRESENTATION).

Parenchyma is noise at many scales, as real breasts' is (their power falls with the third power of frequency), denser in
the cone behind the nipple. The chest wall is on the left of a left breast's image and on the right of a right one's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pacslab.cohort.anatomy import exact

if TYPE_CHECKING:
    from pacslab.scenario import Stream

ROWS = 900
COLUMNS = 600
SPACING = 0.28
"""Millimetres between pixels (ImagerPixelSpacing): 252 x 168 mm."""
BITS = 12
WINDOW = (2000, 3600)
"""Window centre and width for presentation."""

VIEWS = (("R", "CC"), ("L", "CC"), ("R", "MLO"), ("L", "MLO"))
"""ImageLaterality and view of the four images of a screening examination, in the order in which they are taken."""
VIEW_CODES = {"CC": ("399162004", "cranio-caudal"), "MLO": ("399368009", "medio-lateral oblique")}
"""ViewCodeSequence (CID 4014, scheme SCT)."""
PATIENT_ORIENTATION = {
    ("R", "CC"): ("P", "L"),
    ("L", "CC"): ("A", "R"),
    ("R", "MLO"): ("P", "FL"),
    ("L", "MLO"): ("A", "FR"),
}
"""Patient Orientation (0020,0020) by laterality and view."""
SHAPES = ("normal", "mass-right", "mass-left", "calcifications-right", "calcifications-left")
"""Findings: a spiculated mass, or a cluster of pleomorphic calcifications."""

_HALF = 2
"""Tissue is drawn at half the resolution, as it has no finer detail."""
_FIELD = (560, 400)
X = ((np.arange(COLUMNS // _HALF) + 0.5) * SPACING * _HALF).astype(np.float32)[None, :]
"""Distance from the chest wall (mm), of shape (1, columns / 2)."""
Y = ((np.arange(ROWS // _HALF) - (ROWS // _HALF - 1) / 2) * SPACING * _HALF).astype(np.float32)[:, None]
"""Distance downwards from the middle of the image (mm), of shape (rows / 2, 1)."""


@dataclass(frozen=True)
class Breast:
    """Tissue that the breasts of a cohort share: fields of shape (560, 400), and noise of shape (1000, 700).

    ``cloud`` is lobules and fat, ``strands`` ligaments, ducts and vessels, from 0 to 1.
    """

    cloud: np.ndarray
    strands: np.ndarray
    noise: np.ndarray


@dataclass(frozen=True)
class Lesion:
    """Place of a finding in a view: centre (row, column) and radius, in pixels of the image."""

    row: int
    column: int
    radius: int


def draw_breast(stream: Stream) -> Breast:
    """Draw the cohort's tissue."""
    cloud = np.zeros(_FIELD, dtype=np.float32)
    for cells, share in ((7, 1.0), (14, 0.62), (28, 0.40), (56, 0.26), (112, 0.16)):
        cloud += np.float32(share) * exact.spline_field(stream, (cells, cells * 5 // 7), _FIELD)
    strands = np.zeros(_FIELD, dtype=np.float32)
    for cells, share in ((18, 0.7), (40, 0.45)):
        bend = exact.spline_field(stream, (cells, cells * 5 // 14), _FIELD)
        strands += np.float32(share) * np.square(np.clip(1 - 3.4 * np.abs(bend), 0, 1))
    return Breast(cloud, strands, exact.normal(stream, 1000, 700))


def patient_mammogram(
    breast: Breast, stream: Stream, shape: str, laterality: str, view: str, *, scan: Stream
) -> np.ndarray:
    """Draw an image; the air around the breast is 0.

    Parameters
    ----------
    breast
        What :func:`draw_breast` returned.
    stream
        The patient's stream: give each view a stream of the same labels, so that all four show the same woman.
    shape
        One of :data:`SHAPES`; a finding shows in both views of its side.
    laterality, view
        A pair of :data:`VIEWS`.
    scan
        The examination's stream: the grain is drawn from it, so that no two examinations are the same.

    Returns
    -------
    numpy.ndarray
        12 bits in uint16 of shape (rows, columns).

    """
    picture, _ = draw(breast, stream, shape, laterality, view, scan=scan)
    return picture


def draw(
    breast: Breast, stream: Stream, shape: str, laterality: str, view: str, *, scan: Stream
) -> tuple[np.ndarray, Lesion | None]:
    """Draw an image as :func:`patient_mammogram` does, and return it with the place of its finding."""
    size, wide, density = stream.uniform(88, 122), stream.uniform(80, 98), stream.uniform(0.25, 0.95)
    depth, height = stream.uniform(0.42, 0.62), stream.uniform(-0.22, 0.22)
    marks, turned = stream.numpy(), stream.choice((1, -1))
    sided = laterality + view
    starts = {
        name: (stream.below(_FIELD[0] - ROWS // _HALF), stream.below(_FIELD[1] - COLUMNS // _HALF)) for name in _ORDER
    }
    grains = {name: (scan.below(1000 - ROWS), scan.below(700 - COLUMNS)) for name in _ORDER}
    inside, thick, nipple = _outline(view, size, wide)
    row, column = starts[sided]
    cloud, strands = (
        field[row : row + ROWS // _HALF, column : column + COLUMNS // _HALF][::turned]
        for field in (breast.cloud, breast.strands)
    )
    cone = (
        1
        - np.square((X - 0.58 * size) * np.float32(1 / (0.44 * size)))
        - np.square((Y - nipple) * np.float32(1 / (0.62 * wide)))
    )
    gland = np.clip(0.55 * cone + 0.75 * cloud + np.float32(0.9 * density - 0.5), 0, 1)
    tissue = 820 + 1500 * gland + (330 + 420 * gland) * strands + 120 * cloud
    tissue *= thick
    tissue[(inside > 0) & (inside < 1.6)] += 330  # the skin
    if view == "MLO":
        _pectoral(tissue, cloud)
    found = None
    ill = shape.endswith("right") == (laterality == "R") and shape != "normal"
    place = nipple + height * wide, depth * size
    if ill and shape.startswith("mass"):
        found = _mass(tissue, marks, *place)
    picture = _upsampled(tissue)
    outside = np.repeat(np.repeat(inside <= 0, _HALF, axis=0), _HALF, axis=1)
    if ill and shape.startswith("calcifications"):
        found = _calcifications(picture, marks, *place)
    row, column = grains[sided]
    noise = breast.noise[row : row + ROWS, column : column + COLUMNS]
    picture += 26 * noise
    np.clip(picture, 1, 4095, out=picture)
    picture[outside] = 0
    image = picture.astype(np.uint16)
    if laterality == "R":
        image = np.ascontiguousarray(image[:, ::-1])
        found = found and Lesion(found.row, COLUMNS - 1 - found.column, found.radius)
    return image, found


_ORDER = tuple(laterality + view for laterality, view in VIEWS)


def _outline(view: str, size: float, wide: float) -> tuple[np.ndarray, np.ndarray, float]:
    """Return the depth under the skin (mm), the share of full thickness there, and the nipple's height (mm)."""
    nipple = 0.0 if view == "CC" else 26.0
    reach = np.where(
        nipple > Y,
        np.float32(wide * (1.0 if view == "CC" else 2.4)),
        np.float32(wide * (1.0 if view == "CC" else 0.92)),
    )
    up = np.abs(Y - nipple) / reach
    across = X * np.float32(1 / size)
    radius = np.sqrt(across * across + up * up * np.sqrt(up))
    inside = (1 - radius) * np.float32(size)
    tip = np.sqrt(np.square(X - np.float32(size)) + np.square(Y - np.float32(nipple)))
    inside = np.maximum(inside, 5.5 - tip)
    thick = np.sqrt(np.clip((inside + 2) * np.float32(1 / 17), 0, 1))
    return inside, thick, nipple


def _pectoral(tissue: np.ndarray, cloud: np.ndarray) -> None:
    """Lay the pectoral muscle over the upper corner at the chest wall."""
    top = Y + np.float32(ROWS * SPACING / 2)
    edge = 62 - 0.30 * top - 0.0005 * top * top + 2 * cloud
    over = np.clip((edge - X) * np.float32(1 / 3.5), 0, 1)
    tissue += over * np.maximum(2050 + 130 * cloud + 7 * (edge - X) - tissue, 0)


def _mass(tissue: np.ndarray, marks: np.random.Generator, y: float, x: float) -> Lesion:
    """Add a dense, spiculated mass, 16 to 20 mm across."""
    dx, dy = X - np.float32(x), Y - np.float32(y)
    away = np.sqrt(dx * dx + dy * dy)
    size = 8 + 2 * float(marks.random())
    tissue += 1000 * np.clip((size + 1.5 - away) * np.float32(1 / 4), 0, 1)
    for turn in marks.random(13) * 360:
        cosine, sine = exact.turned(float(turn))
        along, off = (
            dx * np.float32(cosine) + dy * np.float32(sine),
            np.abs(dy * np.float32(cosine) - dx * np.float32(sine)),
        )
        reach = size + 4 + 9 * float(marks.random())
        ray = np.clip(1 - off, 0, 1) * (along > 0) * np.clip((np.float32(reach) - along) * np.float32(1 / 8), 0, 1)
        tissue += 210 * ray
    return _lesion_at(y, x, size)


def _calcifications(picture: np.ndarray, marks: np.random.Generator, y: float, x: float) -> Lesion:
    """Add a cluster of pleomorphic calcifications, 0.3 to 0.8 mm each, within 14 mm."""
    found = _lesion_at(y, x, 8)
    for _ in range(18):
        down, across = (int(offset) for offset in np.rint((marks.random(2) + marks.random(2) - 1) * 24))
        row, column = found.row + down, found.column + across
        high, wide = (int(size) for size in marks.integers(1, 4, 2))
        picture[row : row + high, column : column + wide] += 900 + 500 * float(marks.random())
    return found


def _lesion_at(y: float, x: float, size: float) -> Lesion:
    return Lesion(round(y / SPACING + (ROWS - 1) / 2), round(x / SPACING), round(size / SPACING))


def _upsampled(picture: np.ndarray) -> np.ndarray:
    """Interpolate an image to twice its rows and columns."""
    for axis in (0, 1):
        after = np.concatenate((picture, picture[-1:] if axis == 0 else picture[:, -1:]), axis=axis)
        following = after[1:] if axis == 0 else after[:, 1:]
        between = (picture + following) * np.float32(0.5)
        shape = list(picture.shape)
        shape[axis] *= 2
        picture = np.stack((picture, between), axis=axis + 1).reshape(shape)
    return picture
