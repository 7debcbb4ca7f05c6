"""The values of a file as text, by path: all that is kept of a file once its pixels are scanned."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from pydicom.tag import Tag

from pacslab.cohort import tag_text
from pacslab.deid.dicom.elements import PIXEL_DATA

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pacslab.deid.dicom.elements import Place

_PIXELS = {tag_text(tag) for tag in PIXEL_DATA}


class Contents:
    """The values of a file but its pixels.

    Parameters
    ----------
    places
        Every value, in the order of the file.

    """

    def __init__(self, places: Iterable[Place]) -> None:
        self.places = tuple(place for place in places if place.path not in _PIXELS)
        self._texts: dict[str, str] = {}
        for path, _, text, *_ in self.places:
            self._texts[path] = f"{self._texts[path]}\\{text}" if path in self._texts else text

    def at(self, path: str) -> str:
        """Return the text at a path of the answer key, several values with a backslash between; empty where none is."""
        return self._texts.get(path, "").strip()

    def text_of(self, keyword: str) -> str:
        """Return the text of an attribute of the file; empty where it is missing."""
        return self.at(_path(keyword))

    def holds(self, keyword: str) -> bool:
        """Whether an attribute of the file has a value, or something in its sequence has."""
        path = _path(keyword)
        return bool(self.at(path)) or any(known.startswith(f"{path}[") for known in self._texts)

    def private_path(self, path: str, creator: str) -> str:
        """Return where a private element lies now: its creator may have another block; empty where it has none."""
        outer, dot, last = path.rpartition(".")
        group = last[1:5]
        for block in range(0x10, 0x100):
            if self.at(f"{outer}{dot}({group},{block:04X})") == creator:
                return f"{outer}{dot}({group},{block:02X}{last[8:10]})"
        return ""


@cache
def _path(keyword: str) -> str:
    return tag_text(Tag(keyword))
