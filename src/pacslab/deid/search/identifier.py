"""One spelling of an identifier to search for."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from functools import cached_property
from itertools import permutations

from pacslab.cohort import Identifier
from pacslab.deid.search.text_forms import words_of

SHORTEST = 4
SHORTEST_ANYWHERE = 7
SHORTEST_RAW = 6
_NEVER_ALONE = {Identifier.DATE, Identifier.AGE}


@dataclass(frozen=True)
class SearchTerm:
    """One identifier, its kind, and what to call it in a sentence.

    ``shared`` are parts of a name that do not give this person away alone: a relative's family name is the patient's.
    ``owners`` are the patients in whose files it was planted; ``of_patient`` says that it is the patient's own and not
    the hospital's, the staff's or a relative's. ``written`` are texts in which it stood where they are not the token.

    Examples
    --------
    >>> name = SearchTerm("Martin^Claire", Identifier.NAME, "the patient's name")
    >>> name.parts
    ['martin', 'claire']
    >>> name.alone(" claire martin "), name.alone(" claire ")
    (True, False)
    >>> SearchTerm("03.11.2019", Identifier.DATE, "an original date").day
    ('2019', '11', '03')

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
