"""Text in the forms in which identifiers are sought: words, numbers and days, whatever their case and separators."""

from __future__ import annotations

import re
import unicodedata
from functools import cached_property

MONTHS = {
    **{
        name: number
        for number, name in enumerate(
            ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"], start=1
        )
    },
    **{
        name: number
        for number, name in enumerate(["janv", "fev", "mars", "avr", "mai", "juin", "juil", "aou", "sept"], start=1)
    },
}
"""The beginnings of months' names in English and French, without accents."""
_MONTH = "|".join(sorted(MONTHS, key=len, reverse=True))
_NAMED_MONTH = re.compile(
    rf"(?<= )(?:(?P<day>\d{{1,2}})(?:st|nd|rd|th|er)? (?P<month>{_MONTH})[a-z]*|"
    rf"(?P<month_before>{_MONTH})[a-z]* (?P<day_after>\d{{1,2}})(?:st|nd|rd|th)?) "
    r"(?P<year>\d{4})(?= )"
)
_DIGIT_RUN = re.compile(r"\d+(?:[-./ ]\d+)*")


def folded(text: str) -> str:
    """Return text without case and accents.

    Examples
    --------
    >>> folded("Aubry-Pâcheblanc")
    'aubry-pacheblanc'

    """
    if text.isascii():
        return text.casefold()
    decomposed = unicodedata.normalize("NFKD", text)
    return "".join(letter for letter in decomposed if not unicodedata.combining(letter)).casefold()


def words_of(text: str) -> list[str]:
    """Return the words and numbers of a text, folded, without punctuation.

    Examples
    --------
    >>> words_of("Benoît^Jean-Marc, 12/05")
    ['benoit', 'jean', 'marc', '12', '05']

    """
    return re.findall(r"[^\W_]+", folded(text))


class Text:
    """One piece of text in the forms in which search terms are sought.

    Examples
    --------
    >>> text = Text("seen on 3 November 2019")
    >>> text.days
    {('2019', '11', '03')}
    >>> text.squeezed
    'seenon3november2019'

    """

    def __init__(self, original: str) -> None:
        self.original = original

    @cached_property
    def words(self) -> list[str]:
        """Words and numbers, folded."""
        return words_of(self.original)

    @cached_property
    def spaced(self) -> str:
        """Words and numbers with one space between them and at both ends, folded."""
        return f" {' '.join(self.words)} "

    @cached_property
    def squeezed(self) -> str:
        """Words and numbers with nothing between them, folded."""
        return "".join(self.words)

    @cached_property
    def days(self) -> set[tuple[str, str, str]]:
        """Every (year, month, day) that the text may mean."""
        found = set()
        for number in self.numbers:
            if len(number) >= 8:
                found.add((number[:4], number[4:6], number[6:8]))
            if len(number) == 8:
                found |= {(number[4:], number[2:4], number[:2]), (number[4:], number[:2], number[2:4])}
        for match in _NAMED_MONTH.finditer(self.spaced):
            day, month, year = (
                match["day"] or match["day_after"],
                match["month"] or match["month_before"],
                match["year"],
            )
            found.add((year, f"{MONTHS[month]:02d}", f"{int(day):02d}"))
        return found

    @cached_property
    def numbers(self) -> set[str]:
        """Every number as written, and with its separators taken out."""
        found: set[str] = set()
        for run in _DIGIT_RUN.findall(self.original):
            found.add(re.sub(r"\D", "", run))
            found.update(re.findall(r"\d+", run))
            found.update(re.sub(r"\D", "", piece) for piece in run.split(" "))
        return found
