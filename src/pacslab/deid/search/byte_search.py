"""Search a file for thousands of byte sequences at once, in one pass.

Every sequence is at least six bytes long. Each is filed under its last six bytes, as many identifiers begin alike; a
content is searched once for any of these, and only where one is found are the whole sequences compared.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

GRAM = 6
SHORT = 256
"""Up to this many bytes, a dictionary is quicker than arrays."""
_BITS = 22
_MULTIPLIER = np.uint32(2_654_435_769)  # Knuth: 2**32 divided by the golden ratio
_GOES_ON = b"0123456789."


class Literals:
    """Byte sequences, each with its meaning.

    Examples
    --------
    >>> numbers = Literals()
    >>> numbers.add(b"4711-0815", "the record number")
    >>> list(numbers.in_bytes(b"MRN 4711-0815."))
    ['the record number']

    """

    def __init__(self) -> None:
        self._by_gram: dict[bytes, list[tuple[bytes, int]]] = {}
        self._meanings: list[Any] = []
        self._table: np.ndarray | None = None

    def add(self, form: bytes, meaning: Any) -> None:
        """Add a sequence; shorter ones than six bytes are left out, as they occur by chance."""
        if len(form) >= GRAM:
            self._by_gram.setdefault(form[-GRAM:], []).append((form, len(self._meanings)))
            self._meanings.append(meaning)
            self._table = None

    def in_bytes(self, content: bytes) -> Iterator[Any]:
        """Yield what stands in a content, in order; digits count only where no digit or full stop goes before them."""
        if len(content) < GRAM or not self._by_gram:
            return
        places = range(len(content) - GRAM + 1) if len(content) <= SHORT else self._likely(content)
        by_gram = self._by_gram
        found: list[tuple[int, int]] = []
        for at in places:
            for form, number in by_gram.get(content[at : at + GRAM], ()):
                begin = at + GRAM - len(form)
                if begin < 0 or not content.startswith(form, begin):
                    continue
                if not (begin and form.isdigit() and content[begin - 1] in _GOES_ON):
                    found.append((begin, number))
        for _, number in sorted(found):
            yield self._meanings[number]

    def _likely(self, content: bytes) -> list[int]:
        """Return where some gram may begin: four bytes of it stand at an even place, its first or the next ones."""
        table = self._made()
        found = []
        for shift in (0, 2):
            words = np.frombuffer(content, dtype="<u4", offset=shift, count=(len(content) - shift) // 4)
            found.append(np.flatnonzero(table[_slots(words)]) * 4 + shift)
        even = np.concatenate(found)
        starts: list[int] = np.unique(np.concatenate([even, even[even > 0] - 1])).tolist()
        return starts

    def _made(self) -> np.ndarray:
        if self._table is None:
            table = np.zeros(1 << _BITS, dtype=bool)
            grams = b"".join(gram[at : at + 4] for gram in self._by_gram for at in (0, 1))
            table[_slots(np.frombuffer(grams, dtype="<u4"))] = True
            self._table = table
        return self._table


def _slots(words: np.ndarray) -> np.ndarray:
    """Return the places of four-byte words in the table."""
    slots: np.ndarray = (words * _MULTIPLIER) >> np.uint32(32 - _BITS)
    return slots
