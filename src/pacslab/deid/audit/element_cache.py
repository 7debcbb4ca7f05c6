"""What the elements of files hold, decoded and searched once: most are the same in all images of a series."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pacslab.deid.audit.evidence import Occurrence
from pacslab.deid.dicom.elements import decoded_by, remember, undecoded
from pacslab.deid.dicom.pdf import PDF_PAGE
from pacslab.deid.dicom.text_places import places_of

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Iterator

    from pydicom.dataset import Dataset
    from pydicom.tag import BaseTag

    from pacslab.deid.dicom.elements import Place
    from pacslab.deid.search.fragments import Fragment
    from pacslab.deid.search.index import IdentifierIndex, Match


class Searched(NamedTuple):
    """Values of a file, the identifiers in them, and pieces of some: each with its place, and in which value it is."""

    places: tuple[Place, ...]
    sightings: tuple[Occurrence, ...]
    pieces: tuple[tuple[str, int, Fragment], ...]


class Elements:
    """Looks for identifiers in the values of files, and knows again what held the same bytes."""

    def __init__(self, needles: IdentifierIndex) -> None:
        self._needles = needles
        self._known: dict[Hashable, dict[Hashable, Searched]] = {}

    def of(self, dataset: Dataset) -> Iterator[Searched]:
        """Yield what every element of a dataset holds, with a sequence all within it.

        Raises
        ------
        ValueError
            If nobody can say what one of them holds.

        """
        known = self._known.setdefault(decoded_by(dataset), {})
        for tag, element in sorted(dataset.items(), key=_by_tag):
            key = undecoded(element)
            searched = known.get(key) if key is not None else None
            if searched is None:
                searched = self.searched(places_of(dataset, tag))
                if key is not None:
                    remember(known, key, searched)
            yield searched

    def searched(self, places: Iterable[Place]) -> Searched:
        """Return values with what stands in them."""
        places = tuple(places)
        sightings: list[Occurrence] = []
        pieces: list[tuple[str, int, Fragment]] = []
        for number, place in enumerate(places):
            standing = self._needles.in_text(place.text)
            sightings += [
                Occurrence(place.path, place.location, found, self._line(place, found)) for found in standing.found
            ]
            pieces += [(place.path, number, piece) for piece in standing.pieces]
        return Searched(places, tuple(sightings), tuple(pieces))

    def _line(self, place: Place, found: Match) -> int:
        """Return in which line of a PDF's page an identifier stands, from 1; 0 elsewhere and where it goes over two."""
        if not place.path.startswith(PDF_PAGE):
            return 0
        lines = enumerate(place.text.splitlines(), start=1)
        return next((number for number, line in lines if found in self._needles.in_text(line).found), 0)


def _by_tag(item: tuple[BaseTag, object]) -> int:
    return int(item[0])
