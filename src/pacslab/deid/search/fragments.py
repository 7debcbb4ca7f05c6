"""Identifiers that are cut in two, each piece in a text of its own: ``MUKHO`` in one attribute, ``PADHYAY`` in another.

Three ways to cut are known: a number in the middle, a word of a name in the middle, and anything else at the end of one
text and the beginning of another. Both pieces must be there, and long enough that no text holds them by chance: of a
date's eight digits, four are a year and four a time of day, so dates are not sought.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from pacslab.cohort import Identifier

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pacslab.deid.search.identifier import SearchTerm
    from pacslab.deid.search.text_forms import Text

SHORTEST_NUMBER, SHORTEST_WORD, SHORTEST_END = 4, 3, 4
"""How long a piece of a number, of a name's word, and of anything at the end of a text must be."""
LONGEST_TEXT = 4096
_LONGEST_PIECE = 80
_FOUR_DIGITS = re.compile(r"\d(?:[-./ ]?\d){3}")
_NEVER_CUT = {Identifier.AGE, Identifier.OTHER}
"""What is too short, and what is told of the findings, whose words stand in texts that must be kept."""


class Fragment(NamedTuple):
    """One of the two parts of an identifier, or of a word of it: its beginning, or the rest.

    ``cut`` is what was cut, ``after`` how many of its characters the beginning has.
    """

    term: SearchTerm
    cut: str
    after: int
    begins: bool


class FragmentIndex:
    """The pieces of many identifiers, looked for in one text at a time.

    Parameters
    ----------
    common
        Words of texts that must be kept. Where a name's word is cut into such, as in ``white`` and ``head``, nobody can
        tell.

    """

    def __init__(self, common: frozenset[str]) -> None:
        self._numbers: dict[str, list[Fragment]] = {}
        self._words = _Halves(SHORTEST_WORD, common)
        self._ends = _Halves(SHORTEST_END, frozenset())

    def add(self, term: SearchTerm) -> None:
        """Add what an identifier may be cut into."""
        if term.is_number:
            digits = term.digits
            for at in range(SHORTEST_NUMBER, len(digits) - SHORTEST_NUMBER + 1):
                self._numbers.setdefault(digits[:at], []).append(Fragment(term, digits, at, begins=True))
                self._numbers.setdefault(digits[at:], []).append(Fragment(term, digits, at, begins=False))
            return
        if term.kind in _NEVER_CUT:
            return
        self._ends.add(term, "".join(term.parts))
        if term.kind is Identifier.NAME:
            for word in set(term.parts) - term.shared:
                self._words.add(term, word)

    def in_text(self, text: Text) -> Iterator[Fragment]:
        """Yield the pieces that stand in a text."""
        if not SHORTEST_WORD <= len(text.original) <= LONGEST_TEXT:
            return
        if _FOUR_DIGITS.search(text.original):
            for number in sorted(text.numbers):
                yield from self._numbers.get(number, ())
        for word in text.words:
            yield from self._words.begun_by(word)
            yield from self._words.ended_by(word)
        together = text.squeezed
        for at in range(max(0, len(together) - _LONGEST_PIECE), len(together) - SHORTEST_END + 1):
            yield from self._ends.begun_by(together[at:])
        for end in range(SHORTEST_END, min(len(together), _LONGEST_PIECE) + 1):
            yield from self._ends.ended_by(together[:end])


class _Halves:
    """Words of which a text may hold the beginning or the end, filed under their first and last letters."""

    def __init__(self, shortest: int, common: frozenset[str]) -> None:
        self._shortest = shortest
        self._common = common
        self._first: dict[str, list[tuple[SearchTerm, str]]] = {}
        self._last: dict[str, list[tuple[SearchTerm, str]]] = {}

    def add(self, term: SearchTerm, word: str) -> None:
        if len(word) >= 2 * self._shortest:
            self._first.setdefault(word[: self._shortest], []).append((term, word))
            self._last.setdefault(word[-self._shortest :], []).append((term, word))

    def begun_by(self, piece: str) -> Iterator[Fragment]:
        """Yield the words whose beginning a piece is, all but a few letters."""
        for term, word in self._first.get(piece[: self._shortest], ()):
            if word.startswith(piece) and self._tells(word, len(piece)):
                yield Fragment(term, word, len(piece), begins=True)

    def ended_by(self, piece: str) -> Iterator[Fragment]:
        """Yield the words whose end a piece is, all but a few letters."""
        for term, word in self._last.get(piece[-self._shortest :], ()):
            if word.endswith(piece) and self._tells(word, len(word) - len(piece)):
                yield Fragment(term, word, len(word) - len(piece), begins=False)

    def _tells(self, word: str, after: int) -> bool:
        """Whether both pieces of a word are long enough, and neither is a word of its own."""
        pieces = word[:after], word[after:]
        return all(len(piece) >= self._shortest and piece not in self._common for piece in pieces)


def split_over(pieces: Iterable[tuple[str, int, Fragment]]) -> Iterator[tuple[SearchTerm, str, str]]:
    """Yield what stands in two pieces: (identifier, place of the beginning, place of the rest).

    Parameters
    ----------
    pieces
        (place, which of its values, piece). The pieces of a number must stand in two values: in one they are a number
        with a separator in it, or two of many numbers.

    Examples
    --------
    >>> from pacslab.deid.search.identifier import SearchTerm
    >>> from pacslab.deid.search.text_forms import Text
    >>> index = FragmentIndex(frozenset())
    >>> index.add(SearchTerm("Mukhopadhyay^Ana", Identifier.NAME, "the patient's name"))
    >>> texts = {"(0010,2000)": "MUKHO", "(0010,2110)": "PADHYAY"}
    >>> found = [(path, 0, piece) for path, text in texts.items() for piece in index.in_text(Text(text))]
    >>> [(begins, ends) for term, begins, ends in split_over(found)]
    [('(0010,2000)', '(0010,2110)')]

    """
    beginnings: dict[tuple[SearchTerm, str, int], tuple[str, int]] = {}
    rests: dict[tuple[SearchTerm, str, int], tuple[str, int]] = {}
    for place, value, (term, cut, after, begins) in pieces:
        (beginnings if begins else rests).setdefault((term, cut, after), (place, value))
    for halves, begun in beginnings.items():
        if halves in rests and (rests[halves] != begun or not halves[0].is_number):
            yield halves[0], begun[0], rests[halves][0]
