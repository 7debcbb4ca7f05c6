"""Occurrences of identifiers in the elements of files; elements of equal bytes are searched once.

Most elements are the same in all images of a series, so what one file's element holds is remembered for the next.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from pacslab.deid.dicom.elements import decoded_by, remember, undecoded
from pacslab.deid.dicom.pdf import PDF_PAGE
from pacslab.deid.dicom.text_places import places_of

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Iterator

    from pydicom.dataset import Dataset
    from pydicom.tag import BaseTag

    from pacslab.cohort import Location
    from pacslab.deid.dicom.elements import Place
    from pacslab.deid.search.fragments import Fragment
    from pacslab.deid.search.index import IdentifierIndex, Match


@dataclass(frozen=True)
class Occurrence:
    """An identifier found at a place of a file, before it is known which patient the file belongs to.

    ``place`` is written as the answer key writes paths, ``line`` is that of a PDF's page, from 1, and 0 elsewhere.
    """

    place: str
    location: Location
    match: Match
    line: int = 0


class ElementOccurrences(NamedTuple):
    """Values of a file, occurrences in them, and fragments of identifiers: (path, number of the value, fragment)."""

    places: tuple[Place, ...]
    occurrences: tuple[Occurrence, ...]
    fragments: tuple[tuple[str, int, Fragment], ...]


class ElementCache:
    """Searches the values of files for identifiers, and remembers the result for elements of equal bytes."""

    def __init__(self, terms: IdentifierIndex) -> None:
        self._terms = terms
        self._known: dict[Hashable, dict[Hashable, ElementOccurrences]] = {}

    def elements(self, dataset: Dataset) -> Iterator[ElementOccurrences]:
        """Yield the occurrences in every element of a dataset, a sequence together with all its items.

        Raises
        ------
        ValueError
            If an element cannot be searched, such as a damaged PDF.

        """
        known = self._known.setdefault(decoded_by(dataset), {})
        for tag, element in sorted(dataset.items(), key=_by_tag):
            key = undecoded(element)
            searched = known.get(key) if key is not None else None
            if searched is None:
                searched = self.search(places_of(dataset, tag))
                if key is not None:
                    remember(known, key, searched)
            yield searched

    def search(self, places: Iterable[Place]) -> ElementOccurrences:
        """Return the values with the occurrences and fragments in them."""
        places = tuple(places)
        occurrences: list[Occurrence] = []
        fragments: list[tuple[str, int, Fragment]] = []
        for number, place in enumerate(places):
            matches = self._terms.in_text(place.text)
            occurrences += [
                Occurrence(place.path, place.location, match, self._line(place, match)) for match in matches.found
            ]
            fragments += [(place.path, number, fragment) for fragment in matches.pieces]
        return ElementOccurrences(places, tuple(occurrences), tuple(fragments))

    def _line(self, place: Place, match: Match) -> int:
        """Return the line of a PDF's page with an identifier, from 1; 0 elsewhere, and where it spans two lines."""
        if not place.path.startswith(PDF_PAGE):
            return 0
        lines = enumerate(place.text.splitlines(), start=1)
        return next((number for number, line in lines if match in self._terms.in_text(line).found), 0)


def _by_tag(item: tuple[BaseTag, object]) -> int:
    return int(item[0])
