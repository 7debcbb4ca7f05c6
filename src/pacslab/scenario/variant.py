"""One student's variant of a scenario, and its deterministic random streams.

Everything that differs between two students is drawn from HMAC-SHA256(course key, student id and scenario id), so the
same inputs give the same bytes on every machine, and nobody without the course key can compute another's values.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from pacslab.errors import ScenarioError

if TYPE_CHECKING:
    from collections.abc import Sequence

T = TypeVar("T")

STUDENT_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}")
SELF_PACED_KEY = b"pacslab self-paced mode: nobody is graded with this key"


class Stream:
    """A deterministic source of random values: HMAC-SHA256 in counter mode.

    Python's and NumPy's generators promise the same values only within a version; these values do not change with a
    dependency's version.

    Examples
    --------
    >>> stream = Stream(b"key")
    >>> stream.below(10), stream.digits(4), stream.choice(["CT", "MR"])
    (6, '8870', 'CT')

    """

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._counter = 0
        self._buffer = b""

    def bytes(self, count: int) -> bytes:
        """Return the next ``count`` bytes."""
        while len(self._buffer) < count:
            block = hmac.digest(self._key, self._counter.to_bytes(8, "big"), hashlib.sha256)
            self._counter += 1
            self._buffer += block
        taken, self._buffer = self._buffer[:count], self._buffer[count:]
        return taken

    def below(self, limit: int) -> int:
        """Return an integer in ``range(limit)``; 64 spare bits keep the modulo bias below 2**-64."""
        if limit < 1:
            raise ValueError(f"a range of {limit} values is empty")
        size = (limit.bit_length() + 7) // 8 + 8
        return int.from_bytes(self.bytes(size), "big") % limit

    def between(self, low: int, high: int) -> int:
        """Return an integer from ``low`` to ``high``, both included."""
        return low + self.below(high - low + 1)

    def uniform(self, low: float = 0.0, high: float = 1.0) -> float:
        """Return a float in [low, high)."""
        return low + (high - low) * (int.from_bytes(self.bytes(7), "big") >> 3) / (1 << 53)

    def choice(self, items: Sequence[T]) -> T:
        """Return a random item."""
        return items[self.below(len(items))]

    def sample(self, items: Sequence[T], count: int) -> list[T]:
        """Return ``count`` different items in random order."""
        pool = list(items)
        if count > len(pool):
            raise ValueError(f"cannot draw {count} different items from {len(pool)}")
        return [pool.pop(self.below(len(pool))) for _ in range(count)]

    def digits(self, count: int) -> str:
        """Return ``count`` decimal digits."""
        return "".join(str(self.below(10)) for _ in range(count))

    def numpy(self) -> np.random.Generator:
        """Return a NumPy generator (PCG64) seeded from this stream, for pixel noise."""
        return np.random.Generator(np.random.PCG64(int.from_bytes(self.bytes(16), "big")))


@dataclass(frozen=True)
class Variant:
    """One student's version of a scenario.

    ``seed`` (32 bytes) fixes all of it: patients, studies, planted identifiers, passwords and the questions' answers.
    """

    scenario: str
    student: str
    seed: bytes

    def stream(self, *labels: object) -> Stream:
        """Return the random stream of a purpose; streams of different labels are independent."""
        label = "\x1f".join(str(part) for part in labels).encode()
        return Stream(hmac.digest(self.seed, label, hashlib.sha256))

    @property
    def id(self) -> str:
        """Return 16 hexadecimal digits that name this variant in folders and caches and reveal nothing."""
        return hmac.digest(self.seed, b"variant id", hashlib.sha256)[:8].hex()


def make_variant(scenario: str, student: str, course_key: bytes = SELF_PACED_KEY) -> Variant:
    """Return the variant of a student.

    Parameters
    ----------
    scenario
        The scenario's id, for example ``open-archive``.
    student
        The student's id: 1 to 64 letters, digits, ``.``, ``_``, ``@`` or ``-``, beginning with a letter or digit.
    course_key
        The instructor's secret; the self-paced key unless given.

    Returns
    -------
    Variant
        The same for the same three arguments, on every machine: its seed is HMAC-SHA256(course key, student and
        scenario).

    Raises
    ------
    ScenarioError
        If the student id has other characters.

    Examples
    --------
    >>> variant = make_variant("open-archive", "asha")
    >>> variant.id
    '6fe1417a34c9f837'
    >>> variant.stream("patients").digits(6)
    '649131'

    """
    if not STUDENT_ID.fullmatch(student):
        raise ScenarioError(
            f"the student id {student[:80]!r} cannot be used",
            "Use 1 to 64 letters, digits, '.', '_', '@' or '-', beginning with a letter or a digit.",
        )
    message = f"{student}\x00{scenario}".encode()
    return Variant(scenario, student, hmac.digest(course_key, message, hashlib.sha256))
