"""Which image of the archive a file was made from, without trusting its name or its UIDs.

The picture itself says it, as far as its pixels are the original's. A file whose pixels were changed, and one without
pixels, is told by what else it holds, and by the files that lie in the same study as it.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from pacslab.cohort import InstanceKey, PatientKey, StudyKey
    from pacslab.deid.audit.evidence import OutputFile
    from pacslab.deid.dicom.attribute_texts import Contents


def match(files: list[OutputFile], studies: tuple[StudyKey, ...], people: dict[str, PatientKey]) -> None:
    """Match files to the images they were made from: by their pixels; else by UID; else by kind and number.

    A file that is a second copy of an image stays without one. What its pixels cannot tell is sought first in the study
    from which the other files with the same new Study Instance UID were made. ``people`` says whose each study is.
    """
    taken: set[str] = set()
    for file in files:
        if file.instance is not None and file.instance.sop_instance_uid in taken:
            file.instance = None
        elif file.instance is not None:
            taken.add(file.instance.sop_instance_uid)
    _match_rest(files, [one for study in studies for one in study.instances], taken, (_same_uid,))
    for new, study in _homes(files, studies).items():
        rest = [file for file in files if file.contents.text_of("StudyInstanceUID") == new]
        _match_rest(rest, study.instances, taken, _ALIKE)
    if len(studies) == 1:
        _match_rest(files, studies[0].instances, taken, _ALIKE)
    else:
        _match_whole_studies(files, studies, taken, people)
        _match_by_patient(files, studies, taken, people)


def _homes(files: list[OutputFile], studies: tuple[StudyKey, ...]) -> dict[str, StudyKey]:
    """Return the study from which most files of each Study Instance UID were made, as far as it is known.

    A UID that was not replaced says it itself.
    """
    home = {one.sop_instance_uid: index for index, study in enumerate(studies) for one in study.instances}
    votes: dict[str, Counter[int]] = defaultdict(Counter)
    for file in files:
        if file.instance is not None:
            votes[file.contents.text_of("StudyInstanceUID")][home[file.instance.sop_instance_uid]] += 1
    found = {new: studies[counted.most_common(1)[0][0]] for new, counted in votes.items()}
    return {study.study_instance_uid: study for study in studies} | found


def _match_whole_studies(
    files: list[OutputFile], studies: tuple[StudyKey, ...], taken: set[str], people: dict[str, PatientKey]
) -> None:
    """Match studies of which no file could be told to those of which no file was found, by what they are made of."""
    known = _pseudonyms(files, studies, people)
    groups: dict[str, list[OutputFile]] = defaultdict(list)
    for file in files:
        if file.instance is None and not file.intact:
            groups[file.contents.text_of("StudyInstanceUID")].append(file)
    for rest in groups.values():
        kinds = Counter(file.contents.text_of("SOPClassUID") for file in rest)
        free = [study for study in studies if not any(one.sop_instance_uid in taken for one in study.instances)]
        patient = known.get(rest[0].contents.text_of("PatientID"))
        free = [study for study in free if patient in (None, people[study.study_instance_uid].index)]
        fitting = [study for study in free if Counter(one.sop_class_uid for one in study.instances) >= kinds]
        if fitting:
            _match_rest(rest, min(fitting, key=lambda study: _unlike(rest[0], study, people)).instances, taken, _ALIKE)


def _match_by_patient(
    files: list[OutputFile], studies: tuple[StudyKey, ...], taken: set[str], people: dict[str, PatientKey]
) -> None:
    """Match files that lost their study to what is missing of the patient whose pseudonym they bear."""
    known = _pseudonyms(files, studies, people)
    for file in files:
        patient = known.get(file.contents.text_of("PatientID"))
        if file.instance is None and patient is not None:
            mine = [study for study in studies if people[study.study_instance_uid].index == patient]
            _match_rest([file], [one for study in mine for one in study.instances], taken, _ALIKE)


def _pseudonyms(
    files: list[OutputFile], studies: tuple[StudyKey, ...], people: dict[str, PatientKey]
) -> dict[str, int]:
    """Return whose each new PatientID is, as far as files were matched, and where it is one patient's."""
    owner = {
        one.sop_instance_uid: people[study.study_instance_uid].index for study in studies for one in study.instances
    }
    found: dict[str, set[int]] = defaultdict(set)
    for file in files:
        if file.instance is not None:
            found[file.contents.text_of("PatientID")].add(owner[file.instance.sop_instance_uid])
    return {new: min(owners) for new, owners in found.items() if len(owners) == 1}


def _unlike(file: OutputFile, study: StudyKey, people: dict[str, PatientKey]) -> float:
    """Return how little of what stays fits: sex, description, and the age in years."""
    patient = people[study.study_instance_uid]
    age = file.contents.text_of("PatientAge")[:3]
    years = int(study.date[:4]) - int(patient.birth_date[:4]) - (study.date[4:8] < patient.birth_date[4:8])
    return (
        20 * (file.contents.text_of("PatientSex") != patient.sex)
        + 10 * (file.contents.text_of("StudyDescription") != study.description)
        + (min(abs(int(age) - years), 15) if age.isdigit() else 15)
    )


def _match_rest(
    files: Iterable[OutputFile],
    instances: Iterable[InstanceKey],
    taken: set[str],
    ways: tuple[Callable[[Contents, InstanceKey], bool], ...],
) -> None:
    instances = list(instances)
    files = [file for file in files if file.instance is None and not file.intact]
    for alike in ways:
        for file in files:
            if file.instance is None:
                free = (one for one in instances if one.sop_instance_uid not in taken and alike(file.contents, one))
                file.instance = next(free, None)
                taken |= {file.instance.sop_instance_uid} if file.instance else set()


def _same_uid(contents: Contents, one: InstanceKey) -> bool:
    return contents.text_of("SOPInstanceUID") == one.sop_instance_uid


def _same_kind(contents: Contents, one: InstanceKey) -> bool:
    return contents.text_of("SOPClassUID") == one.sop_class_uid


def _same_number(contents: Contents, one: InstanceKey) -> bool:
    return _same_kind(contents, one) and contents.text_of("InstanceNumber") == str(one.instance_number)


def _same_modality(contents: Contents, one: InstanceKey) -> bool:
    return contents.text_of("Rows") != "" and contents.text_of("Modality") == one.modality


_ALIKE = (_same_number, _same_kind, _same_modality)
