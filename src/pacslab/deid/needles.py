"""Identifiers as they may be written, and finding them in text.

An identifier put back to front, in another order, in other letter case, with other separators or in base64 is still
the identifier. A needle knows the written forms of one planted token; :class:`Needles` looks for all of them in one
piece of text at a time.
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from functools import cached_property
from itertools import permutations
from typing import TYPE_CHECKING, NamedTuple

from pacslab.cohort.answer_key import Identifier
from pacslab.deid.literals import Literals
from pacslab.deid.pieces import Pieces
from pacslab.deid.texts import Text, words_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pacslab.deid.pieces import Piece

SHORTEST = 4
SHORTEST_ANYWHERE = 7
SHORTEST_RAW = 6
REMEMBERED = 4096
MANY = 20_000
_NEVER_ALONE = {Identifier.DATE, Identifier.AGE}


@dataclass(frozen=True)
class Needle:
    """One identifier, its kind, and what to call it in a sentence.

    ``shared`` are parts of a name that do not give this person away alone: a relative's family name is the patient's.
    ``owners`` are the patients in whose files it was planted; ``of_patient`` says that it is the patient's own and not
    the hospital's, the staff's or a relative's. ``written`` are texts in which it stood where they are not the token.
    """

    token: str
    kind: Identifier
    words: str
    shared: frozenset[str] = frozenset()
    owners: frozenset[int] = frozenset()
    of_patient: bool = False
    written: frozenset[str] = frozenset()

    @cached_property
    def parts(self) -> list[str]:
        """The token's words and numbers."""
        return words_of(self.token)

    @cached_property
    def phrases(self) -> tuple[str, ...]:
        """Written forms that count where words begin and end, each with a space on either side."""
        written = {" ".join(words_of(text)) for text in self.written}
        if self.kind in (Identifier.DATE, Identifier.UID) or self.is_number:
            return tuple(sorted(f" {form} " for form in written if len(form) >= SHORTEST))
        forms = {" ".join(self.parts)} | written
        if self.kind is Identifier.NAME:
            if 1 < len(self.parts) <= 4:
                forms |= {" ".join(order) for order in permutations(self.parts)}
            alone = set(self.parts) - self.shared
            forms |= {part for part in alone if len(part) >= SHORTEST and not part.isdigit()}
        forms |= {form[::-1] for form in forms if len(form) >= SHORTEST_ANYWHERE}
        return tuple(sorted(f" {form} " for form in forms if len(form) >= SHORTEST))

    def alone(self, phrase: str) -> bool:
        """Whether a phrase gives the person away in anybody's file.

        One part of a name, one short word, a date or an age may be somebody else's as well, and relatives share a
        family name, be it of two words.
        """
        if self.kind in _NEVER_ALONE:
            return False
        if self.kind is not Identifier.NAME:
            return phrase.count(" ") > 2 or len(phrase) > 2 + SHORTEST_ANYWHERE
        whole = set(self.parts)
        part = set(phrase.split()) < whole or set(phrase[::-1].split()) < whole
        return phrase.count(" ") > 2 and not part

    @cached_property
    def squeezed(self) -> tuple[str, ...]:
        """Written forms that count anywhere in a text without separators; long enough not to occur by chance."""
        if self.kind in (Identifier.DATE, Identifier.UID):
            return ()
        forms: set[str] = set()
        if not self.is_number:
            orders = permutations(self.parts) if 1 < len(self.parts) <= 4 else [tuple(self.parts)]
            for order in orders:
                together = "".join(order)
                forms |= {together, together[::-1]}
        forms |= {"".join(words_of(form)) for form in _encoded(self.token)}
        return tuple(sorted(form for form in forms if len(form) >= SHORTEST_ANYWHERE))

    @cached_property
    def is_number(self) -> bool:
        """Whether the token is digits and separators only: a record or telephone number."""
        return bool(self.digits) and not re.search(r"[^\d\s+()./-]", self.token)

    @cached_property
    def digits(self) -> str:
        """The token's digits."""
        return "".join(re.findall(r"\d", self.token))

    @cached_property
    def literals(self) -> tuple[bytes, ...]:
        """Byte sequences to look for in a whole file, folded to lower case."""
        if len(self.token) < SHORTEST_RAW:
            return ()
        forms = {self.token, self.token.replace("^", " "), *_encoded(self.token)}
        if self.kind is Identifier.NAME and len(self.parts) > 1:
            forms |= {"^".join(reversed(self.parts)), " ".join(reversed(self.parts))}
        encoded = {form.encode() for form in forms} | {self.token.encode("utf-16-le")}
        return tuple(sorted(form.lower() for form in encoded if len(form) >= SHORTEST_RAW))

    @cached_property
    def day(self) -> tuple[str, str, str] | None:
        """Year, month and day of a date written as ``20191103``, ``2019-11-03`` or ``03.11.2019``."""
        last = re.fullmatch(r"(\d{2})\D(\d{2})\D(\d{4})", self.token)
        digits = "".join(reversed(last.groups())) if last else self.digits[:8]
        return (digits[:4], digits[4:6], digits[6:]) if len(digits) == 8 else None


def _encoded(token: str) -> set[str]:
    """Return the token in hexadecimal and in base64.

    Base64 at each of its three alignments, without the characters that depend on what stands beside the token.
    """
    raw = token.encode()
    if len(raw) < SHORTEST_RAW:
        return set()
    forms = {raw.hex()}
    for pad in range(3):
        text = base64.b64encode(b"\0" * pad + raw).decode().rstrip("=")
        forms.add(text[(0, 2, 3)[pad] : len(text) - (1 if (pad + len(raw)) % 3 else 0)])
    return {form for form in forms if len(form) >= 8}


@dataclass(frozen=True)
class Found:
    """An identifier that stands in a text. ``alone`` says that what stands there gives it away in anybody's file.

    A date, a short number or one part of a name does so only in a file of the patient whose it is.
    """

    needle: Needle
    alone: bool


class Standing(NamedTuple):
    """What stands in a text: identifiers, and pieces of some that are cut in two."""

    found: tuple[Found, ...]
    pieces: tuple[Piece, ...]


class Needles:
    """The identifiers of many patients, looked for together in one pass; ``common`` are words that must be kept."""

    def __init__(self, needles: Iterable[Needle], common: frozenset[str] = frozenset()) -> None:
        self.all = tuple(dict.fromkeys(needles))
        self._raw = Literals()
        self._anywhere = Literals()
        self._uids = Literals()
        self._phrases: dict[str, list[tuple[str, Found]]] = {}
        self._numbers: dict[str, list[Found]] = {}
        self._days: dict[tuple[str, str, str], list[Found]] = {}
        self._of_token = {needle.token: needle for needle in reversed(self.all)}
        self._pieces = Pieces(common)
        self._remembered: dict[str, Standing] = {}
        for needle in self.all:
            self._index(needle)

    def _index(self, needle: Needle) -> None:
        sure = Found(needle, alone=True)
        for written in needle.literals:
            self._raw.add(written, sure)
        if needle.kind is Identifier.UID:
            self._uids.add(needle.token.encode(), sure)
        elif needle.kind is Identifier.DATE and needle.day:
            self._days.setdefault(needle.day, []).append(Found(needle, alone=False))
        for phrase in needle.phrases:
            self._phrases.setdefault(phrase.split()[0], []).append((phrase, Found(needle, alone=needle.alone(phrase))))
        if needle.kind not in (Identifier.UID, Identifier.DATE):
            for form in needle.squeezed:
                self._anywhere.add(form.encode(), sure)
            if needle.is_number and len(needle.digits) >= SHORTEST:
                found = Found(needle, alone=len(needle.digits) >= SHORTEST_ANYWHERE)
                for digits in {needle.digits, needle.digits[::-1]}:
                    self._numbers.setdefault(digits, []).append(found)
            self._pieces.add(needle)

    def of_token(self, token: str) -> Needle:
        """Return the needle of a planted token."""
        return self._of_token[token]

    def in_text(self, text: str) -> Standing:
        """Return what stands in a text; short texts, which images of a series share, are remembered."""
        if text in self._remembered:
            return self._remembered[text]
        forms = Text(text)
        found = tuple(dict.fromkeys(self._in(forms))) if len(text) >= SHORTEST else ()
        standing = Standing(found, tuple(self._pieces.in_text(forms)))
        if len(text) <= REMEMBERED and len(self._remembered) < MANY:
            self._remembered[text] = standing
        return standing

    def _in(self, text: Text) -> Iterator[Found]:
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

    def in_bytes(self, content: bytes) -> tuple[Found, ...]:
        """Return the identifiers whose bytes stand in binary content as they are, whatever their letter case."""
        return tuple(dict.fromkeys(self._raw.in_bytes(content.lower())))
