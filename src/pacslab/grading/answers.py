"""Compare a student's answer with the answer key, forgiving what is not the point."""

from __future__ import annotations

import re
import unicodedata

_TITLES = {"mr", "mrs", "ms", "dr", "prof", "shri", "sri", "smt", "kum"}
_ENOUGH_DIGITS = 8


def _plain(text: str) -> str:
    decomposed = unicodedata.normalize("NFKD", text)
    return "".join(char for char in decomposed if not unicodedata.combining(char)).casefold()


def _name_parts(text: str) -> list[str]:
    parts = re.split(r"[\s^=,.;]+", _plain(text))
    return sorted(part for part in parts if part and part not in _TITLES)


def _number(answer: object) -> float | None:
    try:
        return float(str(answer).replace(",", "").strip())
    except ValueError:
        return None


def same_answer(answer: object, expected: str, compare: str) -> bool:
    """Return whether an answer is right.

    Parameters
    ----------
    answer
        What the student gave; any type that prints as its value.
    expected
        The answer key's value.
    compare
        ``number``; ``name`` (the parts in any order, titles, case and accents ignored); ``digits`` (all else
        ignored, a country code allowed on either side); ``text`` (only letters and digits count).

    Examples
    --------
    >>> same_answer("Dr. Asha Müller", "MULLER^ASHA", "name")
    True
    >>> same_answer("+91 1234 5678 9012", "123456789012", "digits")
    True
    >>> same_answer("1,204", "1204", "number"), same_answer("12", "1204", "number")
    (True, False)

    """
    text = str(answer)
    if compare == "number":
        return _number(answer) is not None and _number(answer) == _number(expected)
    if compare == "name":
        return bool(_name_parts(text)) and _name_parts(text) == _name_parts(expected)
    if compare == "digits":
        given, right = re.sub(r"\D", "", text), re.sub(r"\D", "", expected)
        shorter, longer = sorted((given, right), key=len)
        return len(shorter) >= min(_ENOUGH_DIGITS, len(right)) and longer.endswith(shorter)
    return bool(text.strip()) and re.sub(r"[\W_]+", "", _plain(text)) == re.sub(r"[\W_]+", "", _plain(expected))
