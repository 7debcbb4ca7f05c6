"""Invented surnames from a country's syllables, and disjoint shares of a number space for students.

A list of names is too short for a class: a thousand students have some 24,000 patients. So every family name ends with
a coined part, or is one, and a coined part belongs to a single student.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pacslab.cohort.recipe.sections import Country

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pacslab.scenario import Variant


def disjoint_numbers(variant: Variant, purpose: str, space: int, slots: int) -> Iterator[int]:
    """Yield a variant's share of ``range(space)``: ``slots`` different numbers in a shuffled order.

    The space is cut into ``space // slots`` shares, and the variant draws a share. So two variants have all numbers in
    common or none: for a thousand students the chance that any two draw the same is 500,000 divided by the shares.

    Parameters
    ----------
    variant, purpose
        The variant, and a label: every purpose has a share of its own.
    space, slots
        The size of the space and of a share; the same for all variants of a recipe.

    Examples
    --------
    >>> from pacslab.scenario import make_variant
    >>> numbers = list(disjoint_numbers(make_variant("open-archive", "asha"), "telephone", 1_000_000, 5))
    >>> len(set(numbers)), all(number < 1_000_000 for number in numbers)
    (5, True)
    >>> other = disjoint_numbers(make_variant("open-archive", "ravi"), "telephone", 1_000_000, 5)
    >>> set(numbers).isdisjoint(other)
    True

    """
    share = variant.stream("share", purpose).below(space // slots)
    for slot in range(slots):
        yield _shuffled(share * slots + slot, space)


def _shuffled(number: int, space: int) -> int:
    """Return a number's image in a fixed permutation of ``range(space)``: a Feistel network with cycle walking."""
    half = ((space - 1).bit_length() + 1) // 2
    mask = (1 << half) - 1
    while True:
        left, right = number >> half, number & mask
        for turn in range(4):
            mixed = hashlib.blake2b(b"%d:%d" % (turn, right), digest_size=8).digest()
            left, right = right, left ^ (int.from_bytes(mixed, "big") & mask)
        number = left << half | right
        if number < space:
            return number


Pair = tuple[str, str]
"""A syllable or name in Latin letters, and in the country's own script."""


@dataclass(frozen=True)
class Syllables:
    """Parts of coined surnames: open syllables, then an ending that begins with a consonant.

    So a name has a single division into syllables, and different numbers give different names.
    """

    onsets: tuple[Pair, ...]
    vowels: tuple[Pair, ...]
    endings: tuple[Pair, ...]

    def count(self, length: int) -> int:
        """Return the number of names with this many open syllables."""
        return int((len(self.onsets) * len(self.vowels)) ** length * len(self.endings))

    def name(self, number: int, length: int) -> Pair:
        """Return the name of a number below :meth:`count`.

        Examples
        --------
        >>> SYLLABLES[Country.FRANCE].name(12_345, 2)
        ('Bétrourand', '')

        """
        number, ending = divmod(number, len(self.endings))
        parts = [self.endings[ending]]
        for _ in range(length):
            number, vowel = divmod(number, len(self.vowels))
            number, onset = divmod(number, len(self.onsets))
            parts[:0] = [self.onsets[onset], self.vowels[vowel]]
        return "".join(latin for latin, _ in parts).capitalize(), "".join(native for _, native in parts)


def _latin_only(words: str) -> tuple[Pair, ...]:
    return tuple((word, "") for word in words.split())


def _pairs(words: str) -> tuple[Pair, ...]:
    return tuple((latin, native) for latin, native in (word.split(":") for word in words.split()))


_CONSONANTS = _pairs("k:क g:ग ch:च j:ज t:त d:द n:न p:प b:ब m:म y:य r:र l:ल v:व s:स h:ह kh:ख dh:ध bh:भ sh:श")
_LAST = _pairs("k:क r:र l:ल n:न t:त d:द m:म v:व j:ज p:प")
_ENGLISH_ENDINGS = _latin_only(
    "bank beck berg borough bourne bridge brook bury by caster cliff combe cote crest croft dale dell den fell field "
    "ford forth gate grave greave grove ham hart hill holme hope house hurst keld land lea leigh ley lock low man mead "
    "mere mond more mount ney pool port rick ridge sett shaw shire side stead stoke stone thorpe thwaite ton vale wade "
    "wall ward water way well wick wood worth yard"
)
SYLLABLES: dict[Country, Syllables] = {
    Country.INDIA: Syllables(
        onsets=_CONSONANTS,
        vowels=(("a", ""), *_pairs("i:ि u:ु e:े o:ो")),
        endings=tuple(
            (f"{onset}a{coda}", onset_native + coda_native)
            for onset, onset_native in _CONSONANTS
            for coda, coda_native in _LAST
        ),
    ),
    Country.FRANCE: Syllables(
        onsets=_latin_only("b br bl ch d dr f fl g gr l m n p pl r s t tr v"),
        vowels=_latin_only("a é i o ou au ai e"),
        endings=_latin_only(
            "bert bois bourg champ court dac don fort gnac gny guet lac lard lier lin mard mer mont nac nard neau nier "
            "noy quet quier rand reau rel ric rier rin sac sart tard tel tier val vier ville zac"
        ),
    ),
    Country.USA: Syllables(
        onsets=_latin_only("b br c cl d dr f fl g gr h k l m n p pr r s st t tr w wh"),
        vowels=_latin_only("a e i o u ea oo ou"),
        endings=tuple((f"{link}{ending}", "") for link in "lnrmstd" for ending, _ in _ENGLISH_ENDINGS),
    ),
}
"""Syllables of Marathi and Hindi, French and English, by ear."""
