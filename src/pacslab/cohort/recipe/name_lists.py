"""Name lists of a locale from Faker, transliterated to Latin letters.

Only Faker's lists are used, never its generator: names are drawn by a variant's streams. Another version of Faker may
have other lists and give a student other patients, so :class:`Words` has version and digest for the answer key.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import re
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from pacslab.scenario import did_you_mean

MIN_NAME_LENGTH = 4
"""Letters of a name; shorter names occur in other words by chance."""
_NAME = re.compile(r"[^\W\d_]+(?:['-][^\W\d_]+)*")


@dataclass(frozen=True)
class Words:
    """Given and family names, each list without repetition and in a fixed order.

    ``origin`` is the provenance of lists that are not the recipe's own: name, version and SHA-256.
    """

    female: tuple[str, ...]
    male: tuple[str, ...]
    family: tuple[str, ...]
    origin: dict[str, str] = field(default_factory=dict)


def locales() -> list[str]:
    """Return the locales with name lists in Faker."""
    spec = importlib.util.find_spec("faker")
    if spec is None or spec.origin is None:
        return []
    folder = Path(spec.origin).parent / "providers" / "person"
    return sorted(path.name for path in folder.iterdir() if re.fullmatch(r"[a-z]{2,3}(_[A-Za-z]+)?", path.name))


@cache
def list_of_words(locale: str) -> Words:
    """Return the names of a locale, in Latin letters.

    Raises
    ------
    ValueError
        If Faker has no such locale, or no names of women and men in it.

    """
    known = locales()
    if locale not in known:
        hint = did_you_mean(locale, known) or "'fr_FR', 'hi_IN' and 'en_US' are three that it has."
        raise ValueError(f"Faker has no names for the locale {locale!r}. {hint}")
    provider: Any = importlib.import_module(f"faker.providers.person.{locale}").Provider
    female, male, family = (
        _usable(getattr(provider, name, ())) for name in ("first_names_female", "first_names_male", "last_names")
    )
    if not (female and male and family):
        raise ValueError(f"Faker's locale {locale!r} has no separate names of women and men; use another, or 'names'")
    both = set(female) & set(male)
    lists = tuple(tuple(name for name in names if name not in both) for names in (female, male))
    family = tuple(name for name in family if name not in {*female, *male})
    digest = hashlib.sha256("\n".join((*lists[0], "", *lists[1], "", *family)).encode()).hexdigest()
    return Words(lists[0], lists[1], family, {f"faker {locale}": f"{version('faker')} sha256:{digest}"})


def _usable(names: Any) -> tuple[str, ...]:
    """Return names of one word and four letters or more, in Latin letters, sorted.

    A name that begins with a dependent vowel sign is an error of the list and is left out.
    """
    latin = {_latin(name) for name in names if name[:1] not in _SIGNS}
    return tuple(sorted(name for name in latin if len(name) >= MIN_NAME_LENGTH and _NAME.fullmatch(name)))


@cache
def _native_forms(locale: str) -> dict[str, str]:
    provider: Any = importlib.import_module(f"faker.providers.person.{locale}").Provider
    forms: dict[str, str] = {}
    for kind in ("first_names_female", "first_names_male", "last_names"):
        for name in getattr(provider, kind, ()):
            if _latin(name) != name:
                forms[_latin(name)] = max(name, forms.get(_latin(name), ""), key=lambda form: (len(form), form))
    return forms


def has_native_forms(locale: str) -> bool:
    """Return whether a locale's lists are in another script than Latin."""
    return bool(_native_forms(locale))


def native_form(locale: str, name: str) -> str:
    """Return a name in the locale's own script, or '' if that is Latin."""
    return _native_forms(locale).get(name, "")


_CONSONANTS = dict(
    zip(
        "कखगघङचछजझञटठडढणतथदधनपफबभमयरलवशषसहळ",
        [
            "k",
            "kh",
            "g",
            "gh",
            "n",
            "ch",
            "chh",
            "j",
            "jh",
            "n",
            "t",
            "th",
            "d",
            "dh",
            "n",
            "t",
            "th",
            "d",
            "dh",
            "n",
            "p",
            "ph",
            "b",
            "bh",
            "m",
            "y",
            "r",
            "l",
            "v",
            "sh",
            "sh",
            "s",
            "h",
            "l",
        ],
        strict=True,
    )
)
_VOWELS = dict(zip("अआइईउऊऋएऐओऔऑ", ["a", "a", "i", "i", "u", "u", "ri", "e", "ai", "o", "au", "o"], strict=True))
_SIGNS = dict(zip("ािीुूृेैोौॉॅ", ["a", "i", "i", "u", "u", "ri", "e", "ai", "o", "au", "o", "e"], strict=True))
_VIRAMA, _NUKTA = "्", "़"
_MARKS = {"ं": "n", "ँ": "n", "ः": "h"}  # noqa: RUF001 - the sign of Devanagari is meant
_JOINERS = re.compile("[\u200b-\u200d\ufeff]")


def _latin(name: str) -> str:
    """Transliterate a name to Latin letters: Devanagari as in Indian passports, without diacritics."""
    name = _JOINERS.sub("", name).strip()
    if not any("\u0900" <= char <= "\u097f" for char in name):
        return name
    parts: list[str] = []
    pending = False  # a consonant whose own vowel, a, is spoken unless a sign or the end of the word follows
    for char in name:
        if char in _CONSONANTS:
            parts += ["a"] * pending + [_CONSONANTS[char]]
            pending = True
        elif char in _SIGNS:
            parts.append(_SIGNS[char])
            pending = False
        elif char == _VIRAMA:
            pending = False
        elif char in _VOWELS:
            parts += ["a"] * pending + [_VOWELS[char]]
            pending = False
        elif char in _MARKS:
            parts += ["a"] * pending + [_MARKS[char]]
            pending = False
        elif char != _NUKTA:
            return ""
    if pending and name[-2:-1] == _VIRAMA:  # a cluster at the end keeps it: Krishna, Chandra
        parts.append("a")
    return "".join(parts).capitalize()
