"""Count how many of the planted identifiers are gone from an output, by where they stood."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from pacslab.cohort import Location
from pacslab.deid.audit.report.model import LOCATION_NAMES, Tally

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pacslab.cohort import AnswerKey, PlantedIdentifier
    from pacslab.deid.audit.report.model import Leak
    from pacslab.deid.audit.study_evidence import StudyEvidence


def removed_in_study(evidence: StudyEvidence) -> tuple[Tally, ...]:
    """Return how many planted identifiers are gone, by where they stood; those of a missing image are not.

    An identifier that was only moved to another place is not gone either.
    """
    instances = {instance.sop_instance_uid: instance for instance in evidence.study.instances}
    names = {uid: file.name for uid, file in evidence.file_of.items()}
    leaked: dict[tuple[str, str], set[str]] = defaultdict(set)
    for leak in evidence.leaks:
        leaked[leak.file, leak.token].add(leak.place)
    same_token: dict[tuple[str, str], list[PlantedIdentifier]] = defaultdict(list)
    paths: dict[str, set[str]] = defaultdict(set)
    for identifier in evidence.planted:
        paths[identifier.sop_instance_uid].add(identifier.path)
        same_token[identifier.sop_instance_uid, identifier.token].append(identifier)
    counted: dict[Location, list[bool]] = defaultdict(list)
    for (uid, token), identifiers in same_token.items():
        name = names.get(uid)
        left = leaked.get((name, token), set()) if name is not None else set()
        moved = bool(left - paths[uid])
        for identifier in identifiers:
            if name is None:
                gone = instances[uid].document and bool(evidence.files)
            else:
                gone = identifier.path not in left and not moved
            counted[identifier.location].append(gone)
            moved = False
    return tuple(
        Tally(name=LOCATION_NAMES[location], good=sum(counted[location]), total=len(counted[location]))
        for location in Location
        if counted[location]
    )


def directory_tally(key: AnswerKey, patients: Iterable[int], leaks: Iterable[Leak]) -> tuple[Tally, ...]:
    """Return the share of identifiers in the original DICOMDIR that are absent from the output's.

    There is none where the originals had no DICOMDIR.
    """
    wanted = set(patients)
    planted = [text for text in key.planted if text.location is Location.DICOMDIR and text.patient in wanted]
    left = {leak.token for leak in leaks if leak.location is Location.DICOMDIR}
    good = sum(text.token not in left for text in planted)
    return (Tally(name=LOCATION_NAMES[Location.DICOMDIR], good=good, total=len(planted)),) if planted else ()
