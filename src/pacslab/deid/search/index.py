"""Index of identifiers in all the forms in which they may be written, to find them in text.

An identifier put back to front, in another order, in other letter case, with other separators or in base64 is still
the identifier. A search term knows the written forms of a planted token; :class:`IdentifierIndex` looks for all in one
piece of text at a time.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from pacslab.cohort import Identifier
from pacslab.deid.search.byte_search import Literals
from pacslab.deid.search.fragments import FragmentIndex
from pacslab.deid.search.identifier import SHORTEST, SHORTEST_ANYWHERE, SearchTerm
from pacslab.deid.search.text_forms import Text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pacslab.deid.search.fragments import Fragment

REMEMBERED = 4096
MANY = 20_000


@dataclass(frozen=True)
class Match:
    """An identifier that stands in a text. ``alone`` says that what stands there gives it away in anybody's file.

    A date, a short number or one part of a name does so only in a file of the patient whose it is.
    """

    term: SearchTerm
    alone: bool


class Matches(NamedTuple):
    """What stands in a text: identifiers, and pieces of some that are cut in two."""

    found: tuple[Match, ...]
    pieces: tuple[Fragment, ...]


class IdentifierIndex:
    """The identifiers of many patients, sought together in one pass; ``common`` are words that must be kept.

    Examples
    --------
    >>> index = IdentifierIndex([SearchTerm("Martin^Claire", Identifier.NAME, "the patient's name")])
    >>> {match.term.token for match in index.in_text("Mme CLAIRE MARTIN").found}
    {'Martin^Claire'}

    """

    def __init__(self, terms: Iterable[SearchTerm], common: frozenset[str] = frozenset()) -> None:
        self.all = tuple(dict.fromkeys(terms))
        self._raw = Literals()
        self._anywhere = Literals()
        self._uids = Literals()
        self._phrases: dict[str, list[tuple[str, Match]]] = {}
        self._numbers: dict[str, list[Match]] = {}
        self._days: dict[tuple[str, str, str], list[Match]] = {}
        self._by_token = {term.token: term for term in reversed(self.all)}
        self._pieces = FragmentIndex(common)
        self._remembered: dict[str, Matches] = {}
        for term in self.all:
            self._index(term)

    def _index(self, term: SearchTerm) -> None:
        sure = Match(term, alone=True)
        for written in term.literals:
            self._raw.add(written, sure)
        if term.kind is Identifier.UID:
            self._uids.add(term.token.encode(), sure)
        elif term.kind is Identifier.DATE and term.day:
            self._days.setdefault(term.day, []).append(Match(term, alone=False))
        for phrase in term.phrases:
            self._phrases.setdefault(phrase.split()[0], []).append((phrase, Match(term, alone=term.alone(phrase))))
        if term.kind not in (Identifier.UID, Identifier.DATE):
            for form in term.squeezed:
                self._anywhere.add(form.encode(), sure)
            if term.is_number and len(term.digits) >= SHORTEST:
                found = Match(term, alone=len(term.digits) >= SHORTEST_ANYWHERE)
                for digits in {term.digits, term.digits[::-1]}:
                    self._numbers.setdefault(digits, []).append(found)
            self._pieces.add(term)

    def by_token(self, token: str) -> SearchTerm:
        """Return the search term of a planted token."""
        return self._by_token[token]

    def in_text(self, text: str) -> Matches:
        """Return what stands in a text; short texts, which images of a series share, are remembered."""
        if text in self._remembered:
            return self._remembered[text]
        forms = Text(text)
        found = tuple(dict.fromkeys(self._in(forms))) if len(text) >= SHORTEST else ()
        standing = Matches(found, tuple(self._pieces.in_text(forms)))
        if len(text) <= REMEMBERED and len(self._remembered) < MANY:
            self._remembered[text] = standing
        return standing

    def _in(self, text: Text) -> Iterator[Match]:
        if "." in text.original:
            yield from self._uids.in_bytes(text.original.encode(errors="replace"))
        for word in dict.fromkeys(text.words):
            for phrase, found in self._phrases.get(word, ()):
                if phrase in text.spaced:
                    yield found
        yield from self._anywhere.in_bytes(text.squeezed.encode())
        if not any(letter.isdigit() for letter in text.original):
            return
        for number in sorted(text.numbers):
            yield from self._numbers.get(number, ())
        for day in sorted(text.days):
            yield from self._days.get(day, ())

    def in_bytes(self, content: bytes) -> tuple[Match, ...]:
        """Return the identifiers whose bytes stand in binary content as they are, whatever their letter case."""
        return tuple(dict.fromkeys(self._raw.in_bytes(content.lower())))
