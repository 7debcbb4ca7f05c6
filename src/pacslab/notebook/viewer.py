"""A small viewer: DICOM images as pictures, with a slider where there are several."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ipywidgets as widgets
import numpy as np
import pydicom
from IPython.display import Image, display
from PIL import Image as Picture
from pydicom.pixels.processing import apply_modality_lut, apply_voi_lut, convert_color_space

from pacslab.errors import NothingYetError, ObjectiveError
from pacslab.notebook.displayed_result import notebook_cell

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    import pyorthanc

_WIDTH = 640


@dataclass(frozen=True)
class Frame:
    """A frame of an image: the data set, and the frame's number from 0."""

    dataset: pydicom.Dataset
    number: int

    @property
    def caption(self) -> str:
        """Return modality, description, patient's name, image and frame number in words."""
        tags = self.dataset
        parts = [
            tags.get("Modality"),
            tags.get("SeriesDescription") or tags.get("StudyDescription"),
            tags.get("PatientName"),
        ]
        words = [str(part) for part in parts if part]
        if tags.get("InstanceNumber"):
            words.append(f"image {tags.InstanceNumber}")
        if int(tags.get("NumberOfFrames") or 1) > 1:
            words.append(f"frame {self.number + 1}")
        return " · ".join(words)

    def png(self) -> bytes:
        """Return the frame as a PNG file: 8 bits, grey or RGB.

        Modality and VOI LUT are applied (PS3.3 C.11.1 and C.11.2), and MONOCHROME1 is inverted.

        Returns
        -------
        bytes
            A PNG file of Rows x Columns pixels.

        """
        tags = self.dataset
        pixels = tags.pixel_array
        if int(tags.get("NumberOfFrames") or 1) > 1:
            pixels = pixels[self.number]
        buffer = io.BytesIO()
        Picture.fromarray(_grey_or_colour(pixels, tags)).save(buffer, "PNG")
        return buffer.getvalue()


def _grey_or_colour(pixels: np.ndarray, tags: pydicom.Dataset) -> np.ndarray:
    """Return a frame as uint8 for display: (rows, columns) in grey, (rows, columns, 3) in RGB."""
    if int(tags.get("SamplesPerPixel") or 1) > 1:
        colours = str(tags.PhotometricInterpretation)
        return (pixels if colours == "RGB" else convert_color_space(pixels, colours, "RGB")).astype(np.uint8)
    values = apply_voi_lut(apply_modality_lut(pixels, tags), tags).astype(float)
    windowed = "WindowCenter" in tags or "VOILUTSequence" in tags
    if int(tags.get("BitsStored") or 8) > 8 or windowed:
        low, high = float(values.min()), float(values.max())
        values = (values - low) * (255 / ((high - low) or 1))
    grey = values.clip(0, 255).astype(np.uint8)
    return 255 - grey if tags.get("PhotometricInterpretation") == "MONOCHROME1" else grey


def frames_of(datasets: Iterable[pydicom.Dataset]) -> list[Frame]:
    """Return every frame of some images.

    Returns
    -------
    list of Frame
        Sorted by series number, instance number and frame; data sets without pixel data are left out.

    """
    ordered = sorted(
        (dataset for dataset in datasets if "PixelData" in dataset),
        key=lambda dataset: (int(dataset.get("SeriesNumber") or 0), int(dataset.get("InstanceNumber") or 0)),
    )
    return [Frame(dataset, number) for dataset in ordered for number in range(int(dataset.get("NumberOfFrames") or 1))]


def datasets_of(what: Any, archive: Callable[[], pyorthanc.Orthanc]) -> list[pydicom.Dataset]:
    """Return the data sets of images that are given in any of several forms.

    Parameters
    ----------
    what
        A dataset, a file or folder, the bytes of a file, an Orthanc identifier of an instance, a series or a
        study; or a list of any of these.
    archive
        Called for a client of the archive, where an identifier is given.

    Returns
    -------
    list of pydicom.Dataset
        In the order given; a folder's files sorted by path.

    Raises
    ------
    NothingYetError
        If it is None or ``...``: the student has not filled in the cell yet.
    ObjectiveError
        If it is none of these, or no DICOM file, or the archive does not return it.

    """
    if what is None or what is Ellipsis:
        raise NothingYetError
    if isinstance(what, pydicom.Dataset):
        return [what]
    if isinstance(what, (bytes, bytearray)):
        return [_parsed(io.BytesIO(what), "these bytes")]
    if isinstance(what, Path) or (isinstance(what, str) and Path(what).exists()):
        files = (
            sorted(path for path in Path(what).rglob("*") if path.is_file()) if Path(what).is_dir() else [Path(what)]
        )
        return [_parsed(path, str(path)) for path in files]
    if isinstance(what, str):
        return _from_archive(what, archive())
    if isinstance(what, (list, tuple)):
        return [dataset for part in what for dataset in datasets_of(part, archive)]
    if isinstance(what, dict) and "ID" in what:
        return _from_archive(str(what["ID"]), archive())
    raise ObjectiveError(
        f"there is nothing to show in {str(what)[:60]!r}",
        "Give an identifier from the archive, a file, or a dataset that pydicom has read.",
    )


def _parsed(source: Any, name: str) -> pydicom.Dataset:
    try:
        return pydicom.dcmread(source)
    except (pydicom.errors.InvalidDicomError, OSError) as reason:
        raise ObjectiveError(f"{name} cannot be read as DICOM ({reason})", "Give a DICOM file.") from None


def _from_archive(identifier: str, archive: pyorthanc.Orthanc) -> list[pydicom.Dataset]:
    with archive:
        for level in ("instances", "series", "studies"):
            if archive.get(f"{archive.url}/{level}/{identifier}").is_success:
                break
        else:
            raise ObjectiveError(
                f"the archive shows you nothing under {identifier[:60]!r}",
                "Give the value of a key 'ID' that the archive listed; a hardened archive also wants a password.",
            )
        names = [identifier]
        if level != "instances":
            listed: Any = archive.get(f"{archive.url}/{level}/{identifier}/instances").json()
            names = [str(instance["ID"]) for instance in listed]
        files = [archive.get(f"{archive.url}/instances/{name}/file") for name in names]
    return [_parsed(io.BytesIO(file.content), "the file") for file in files if file.is_success]


def show(frames: list[Frame]) -> widgets.Widget | None:
    """Show frames in the running cell: a single frame as it is, several with a slider.

    Raises
    ------
    ObjectiveError
        If there is no picture among them.

    """
    if not frames:
        raise ObjectiveError(
            "there is no picture in that", "A PDF report, for one, holds none: read its text with pypdf instead."
        )
    if notebook_cell() is None:
        for frame in frames:
            print(frame.caption)
        return None
    if len(frames) == 1:
        print(frames[0].caption)
        display(Image(frames[0].png(), alt=frames[0].caption, width=_width(frames[0])))  # type: ignore[no-untyped-call]
        return None
    viewer = _viewer(frames)
    display(viewer)  # type: ignore[no-untyped-call]
    return None


def _width(frame: Frame) -> int:
    return min(_WIDTH, max(int(frame.dataset.Columns), _WIDTH * 3 // 4))


def _viewer(frames: list[Frame]) -> widgets.Widget:
    picture = widgets.Image(value=frames[0].png(), format="png", width=_width(frames[0]))
    caption = widgets.Label(value=frames[0].caption)
    slider = widgets.IntSlider(
        value=1,
        min=1,
        max=len(frames),
        description="Image",
        layout=widgets.Layout(width="28rem"),
        continuous_update=True,
    )

    def turn(change: dict[str, Any]) -> None:
        frame = frames[int(change["new"]) - 1]
        picture.value, picture.width, caption.value = frame.png(), str(_width(frame)), frame.caption

    slider.observe(turn, names="value")
    return widgets.VBox([slider, picture, caption])
