"""An identifier that is cut in two is still there: in two attributes, two values of one, or two items of a sequence.

Generated from the answer keys of all hospitals: every identifier of every kind of object, at every place where both
pieces are long enough.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from pacslab.cohort import Identifier
from pacslab.deid.search.identifier import SearchTerm
from pacslab.deid.search.index import IdentifierIndex
from tests.support.outputs import put
from tests.support.single_faults import HOSPITALS, by_hospital, hospital, name_of, written

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pacslab.cohort import InstanceKey
    from tests.support.single_faults import Hospital

pytestmark = pytest.mark.worker_group.with_args(by_hospital)

WHOLE = {Identifier.DATE, Identifier.AGE, Identifier.UID, Identifier.OTHER, Identifier.FACE}
"""What is not sought in pieces: too short, or said of the findings as well."""
FIRST, SECOND, ITEMS = "(0010,2000)", "(0010,2110)", "(0040,0275)[{}].(0040,0007)"
WAYS = {
    "two attributes": lambda start, other: [(FIRST, "LO", start), (SECOND, "LO", other)],
    "two values": lambda start, other: [(FIRST, "LO", [start, other])],
    "two items": lambda start, other: [(ITEMS.format(0), "LO", start), (ITEMS.format(1), "LO", other)],
    "in the other order": lambda start, other: [(FIRST, "LO", other), (SECOND, "LO", start)],
}


def cuts(text: str, shortest: int) -> Iterator[tuple[str, str]]:
    """Yield a text in two pieces, of so many letters and digits at least."""
    for at in range(len(text) + 1):
        pieces = text[:at], text[at:]
        if all(sum(letter.isalnum() for letter in piece) >= shortest for piece in pieces):
            yield pieces


def leaks(place: Hospital, instance: InstanceKey, written_there: list[tuple[str, str, object]]) -> set[str]:
    """Return the identifiers that the audit finds in a cleaned file with some more values."""
    uid = instance.sop_instance_uid
    dataset = place.cleaned(uid)
    for path, vr, value in written_there:
        put(dataset, path, vr, value)
    report = place.audit(place.study_of[uid], {uid: (name_of(uid), written(dataset))})
    return {leak.token for leak in report.leaks}


def own_words(place: Hospital) -> Iterator[tuple[InstanceKey, str, str]]:
    """Yield a file of each patient with the patient's name and a word of it that is long enough to be cut."""
    for patient in place.key.patients:
        for word in patient.name.split("^"):
            if word.isalpha() and len(word) >= 6:
                yield patient.studies[0].instances[0], patient.name, word


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", HOSPITALS)
def test_split_name_within_a_word_is_found(name: str, way: str) -> None:
    place = hospital(name)
    names = list(own_words(place))
    assert names
    for instance, whole, word in names:
        for start, other in cuts(word, 3):
            assert whole in leaks(place, instance, WAYS[way](f"seen {start}", f"{other} today")), (start, other)


@pytest.mark.parametrize("name", HOSPITALS)
def test_split_identifier_anywhere_is_found(name: str) -> None:
    place = hospital(name)
    ways = list(WAYS.values())
    tokens = {
        (identifier.token, identifier.kind): case.instance
        for case in place.cases
        for identifier in [case.planted]
        if identifier.kind not in WHOLE
    }
    pieces = [
        (number, token, instance, halves)
        for number, ((token, _), instance) in enumerate(tokens.items())
        for halves in list(cuts(token, 4))[:: 1 + len(token) // 8]
    ]
    assert len(pieces) > 100
    for number, token, instance, (start, other) in pieces:
        assert token in leaks(place, instance, ways[number % len(ways)](start, other)), (start, other)


@pytest.mark.parametrize("name", HOSPITALS)
def test_split_piece_alone_is_no_leak(name: str) -> None:
    place = hospital(name)
    for instance, _, word in own_words(place):
        start, other = next(cuts(word, 3))
        assert not leaks(place, instance, [(FIRST, "LO", start)])
        assert not leaks(place, instance, [(FIRST, "LO", other)])


@pytest.mark.parametrize("name", HOSPITALS)
def test_split_pieces_of_another_name_are_no_leak(name: str) -> None:
    """Such pieces may be words: they count only in the file of the patient whose name they make."""
    place = hospital(name)
    words = list(own_words(place))
    for (instance, mine, _), (_, theirs, word) in pairwise(words):
        if mine != theirs:
            assert not leaks(place, instance, WAYS["two attributes"](*next(cuts(word, 3)))), (mine, theirs)


def test_split_name_of_two_words_of_the_findings_is_no_leak() -> None:
    """Mrs Whitehead's head has white matter, which says nothing of her; cut elsewhere, her name is found."""
    needles = IdentifierIndex(
        [SearchTerm("Whitehead^Ann", Identifier.NAME, "the patient's name")], frozenset({"white", "matter"})
    )
    assert not needles.in_text("several white matter lesions").pieces
    assert not needles.in_text("HEAD").pieces
    assert needles.in_text("Whit").pieces
    assert needles.in_text("ehead").pieces
