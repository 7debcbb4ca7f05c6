"""Search a file for thousands of byte sequences at once, in one pass of an Aho-Corasick automaton."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ahocorasick_rs import BytesAhoCorasick

if TYPE_CHECKING:
    from collections.abc import Iterator

SHORTEST = 6
"""Shorter sequences than this many bytes occur by chance."""
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
        self._meanings: dict[bytes, list[tuple[int, Any]]] = {}
        self._count = 0
        self._forms: list[bytes] = []
        self._automaton: BytesAhoCorasick | None = None

    def add(self, form: bytes, meaning: Any) -> None:
        """Add a sequence; shorter ones than six bytes are left out."""
        if len(form) >= SHORTEST:
            self._meanings.setdefault(form, []).append((self._count, meaning))
            self._count += 1
            self._automaton = None

    def in_bytes(self, content: bytes) -> Iterator[Any]:
        """Yield what stands in a content, in order; digits count only where no digit or full stop goes before them."""
        if len(content) < SHORTEST or not self._meanings:
            return
        found = []
        for index, begin, _ in self._built().find_matches_as_indexes(content, overlapping=True):
            form = self._forms[index]
            if not (begin and form.isdigit() and content[begin - 1] in _GOES_ON):
                found += [(begin, number, meaning) for number, meaning in self._meanings[form]]
        for _, _, meaning in sorted(found, key=lambda place: place[:2]):
            yield meaning

    def _built(self) -> BytesAhoCorasick:
        if self._automaton is None:
            self._forms = list(self._meanings)
            self._automaton = BytesAhoCorasick(self._forms)
        return self._automaton
