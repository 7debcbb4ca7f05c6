"""Formats of the answer key: compact for storage, hashed for a student's machine, and a class's canaries.

A canary is an identifier of a single student's cohort; wherever it is found, it points to that student's data.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from pacslab.cohort.answer_key import AnswerKey, plain
from pacslab.errors import ScenarioError
from pacslab.models import Model

if TYPE_CHECKING:
    from collections.abc import Iterable

_MAGIC = b"PACSLAB-KEY-1\n"
_MAX_BYTES = 512 << 20
"""Bytes of JSON that a compact key may inflate to."""
_SCRYPT_COST = {"n": 1 << 12, "r": 8, "p": 1}  # scrypt: a few milliseconds an answer, hours for every ten-digit number


def to_compact(key: AnswerKey) -> bytes:
    """Return an answer key in about a thirtieth of the size of its JSON: columns instead of objects, deflated."""
    content = key.model_dump(mode="json", exclude_defaults=True)
    planted = content.pop("planted", [])
    columns = sorted({name for row in planted for name in row})
    content["planted"] = {name: _column([row.get(name) for row in planted]) for name in columns}
    return _MAGIC + zlib.compress(json.dumps(content, separators=(",", ":"), ensure_ascii=False).encode(), 6)


def _column(values: list[Any]) -> list[Any]:
    """Return the different values of a column, and for each row the index of its value."""
    places: dict[str, int] = {}
    different: list[Any] = []
    rows = []
    for value in values:
        written = json.dumps(value, sort_keys=True)
        if written not in places:
            places[written] = len(different)
            different.append(value)
        rows.append(places[written])
    return [different, rows]


def from_compact(content: bytes) -> AnswerKey:
    """Return the answer key of its compact form.

    Raises
    ------
    ScenarioError
        If the content is no compact answer key, or is damaged.

    """
    try:
        plain_form = json.loads(_inflated(content))
        columns = plain_form.pop("planted", {})
        rows = zip(*(_cells(column) for column in columns.values()), strict=True)
        planted = [{name: value for name, value in zip(columns, row, strict=True) if value is not None} for row in rows]
        return AnswerKey.model_validate({**plain_form, "planted": planted})
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, zlib.error, ValidationError) as reason:
        line = str(reason).splitlines()[0]
        raise ScenarioError(
            f"this is not an answer key in compact form ({line})", "Make it again with 'pacslab synth --key'."
        ) from None


def _inflated(content: bytes) -> bytes:
    if not content.startswith(_MAGIC):
        raise ValueError("it does not begin as one")
    inflater = zlib.decompressobj()
    text = inflater.decompress(content[len(_MAGIC) :], _MAX_BYTES)
    if not inflater.eof:
        raise ValueError("it was cut off")
    return text


def _cells(column: list[Any]) -> list[Any]:
    different, rows = column
    return [different[at] for at in rows]


class StudentKey(Model):
    """Answer key for a student's machine: the facts that questions mention, and a salted hash of every answer."""

    scenario: str
    student: str
    recipe: str
    salt: str
    told: dict[str, str]
    answers: dict[str, str]

    def agrees(self, fact: str, answer: str) -> bool:
        """Return whether an answer is correct, ignoring letter case and separators.

        Raises
        ------
        KeyError
            If there is no such fact.

        """
        return self.answers[fact] == _hashed(bytes.fromhex(self.salt), fact, answer)


def for_student(key: AnswerKey, salt: bytes) -> StudentKey:
    """Return the answer key for a student's machine.

    Parameters
    ----------
    key
        The whole key; no patient and no planted identifier goes into the copy.
    salt
        16 random bytes or more, for this student only, so that hashes of two students cannot be compared.

    Raises
    ------
    ValueError
        If the salt is shorter.

    """
    if len(salt) < 16:
        raise ValueError(f"a salt of {len(salt)} bytes is too short")
    return StudentKey(
        scenario=key.scenario,
        student=key.student,
        recipe=key.recipe,
        salt=salt.hex(),
        told={name: key.facts[name] for name in key.told},
        answers={name: _hashed(salt, name, value) for name, value in key.facts.items() if name not in key.told},
    )


def _hashed(salt: bytes, fact: str, answer: str) -> str:
    return hashlib.scrypt(plain(answer).encode(), salt=salt + fact.encode(), dklen=24, **_SCRYPT_COST).hex()


class Canaries:
    """Index from identifier to student for a whole class; a look-up takes microseconds.

    Only a digest of 16 bytes is stored of each identifier, so a class of a thousand fits in some tens of megabytes.

    Examples
    --------
    >>> canaries = Canaries()
    >>> canaries.add("asha", {"SZ0-123", "Dupont-Bétrourand"})
    >>> canaries.student_of("dupont betrourand"), canaries.student_of("DUPONT BÉTROURAND")
    (None, 'asha')

    """

    def __init__(self) -> None:
        self._students: list[str] = []
        self._owner: dict[bytes, int] = {}

    def add(self, student: str, identifiers: Iterable[str]) -> None:
        """Add the identifiers of one student's cohort (see ``CohortPlan.canaries``).

        Raises
        ------
        ValueError
            If an identifier already belongs to another student.

        """
        number = len(self._students)
        self._students.append(student)
        for text in identifiers:
            owner = self._owner.setdefault(_digest(text), number)
            if owner != number:
                raise ValueError(f"{text!r} belongs to {self._students[owner]!r} and to {student!r}")

    def student_of(self, identifier: str) -> str | None:
        """Return the student with an identifier in their cohort, or None."""
        owner = self._owner.get(_digest(identifier))
        return None if owner is None else self._students[owner]

    def __len__(self) -> int:
        """Return the number of identifiers."""
        return len(self._owner)


def _digest(text: str) -> bytes:
    return hashlib.blake2b(plain(text).encode(), digest_size=16).digest()
