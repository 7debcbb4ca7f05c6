"""Check that no identifier is left: each leak is a fault, in words."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from pacslab.deid.audit.report.wording import DIRECTORY, WORST_FIRST, in_line
from pacslab.deid.audit.verdicts import Fault
from pacslab.deid.dicom.attribute_names import attribute
from pacslab.deid.dicom.dicomdir import within_record
from pacslab.deid.search.search_terms import GENERAL_WORDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pacslab.cohort import Identifier
    from pacslab.deid.audit.report.model import CheckId, Leak

_PLACE_WORDS = {
    "pixels": "can still be read in the picture",
    "face": "can be rendered",
    "file name": "is in the file name",
    "preamble": "is in the preamble, the first 128 bytes",
    "DICOMDIR": "is in the DICOMDIR",
    "bytes of the file": "is in the bytes of the file, outside every attribute that can be read",
    "the file's text": "is in the text",
}


def leak_faults(leaks: Iterable[Leak]) -> Iterator[Fault]:
    """Yield leaks as faults, with one sentence for the same place of several files; the worst come first."""
    places: dict[tuple[CheckId, Identifier, str, str, int], set[tuple[str, str]]] = defaultdict(set)
    for leak in leaks:
        within = within_record(leak.place)
        places[leak.check, leak.kind, leak.words, within, leak.line].add((leak.file, leak.place))
    general = set(GENERAL_WORDS.values())
    ranked = sorted(places, key=lambda group: (WORST_FIRST.index(group[1]), group[2] in general, group))
    for check, kind, words, place, line in ranked:
        for file, whole in sorted(places[check, kind, words, place, line]):
            stands = _PLACE_WORDS.get(place, f"is in {attribute(place)}{in_line(line)}")
            if place.endswith(("(7FE0,0010)", ",3000)")):
                stands = f"can still be read in {attribute(place)}"
            yield Fault(check, f"{words} {stands}{'' if whole == place else f' of {DIRECTORY}'}", file)
