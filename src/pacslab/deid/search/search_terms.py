"""The search terms of an audit: every identifier of the answer key, and what to call it in a sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pacslab.cohort import Identifier, Keeping
from pacslab.deid.search.identifier import SearchTerm
from pacslab.deid.search.text_forms import words_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pacslab.cohort import AnswerKey, PatientKey, PlantedIdentifier, StudyKey

GENERAL_WORDS: dict[Identifier, str] = {
    Identifier.NAME: "a name",
    Identifier.GEOGRAPHIC: "a place",
    Identifier.DATE: "an original date",
    Identifier.AGE: "an age above 89",
    Identifier.PHONE: "a telephone number",
    Identifier.FAX: "a fax number",
    Identifier.EMAIL: "an e-mail address",
    Identifier.NATIONAL_NUMBER: "the national number",
    Identifier.RECORD_NUMBER: "a record number",
    Identifier.INSURANCE: "an insurance number",
    Identifier.ACCOUNT: "an account",
    Identifier.LICENCE: "a licence number",
    Identifier.VEHICLE: "a vehicle's number",
    Identifier.DEVICE: "a device's name or serial number",
    Identifier.URL: "a web address",
    Identifier.IP_ADDRESS: "an IP address",
    Identifier.BIOMETRIC: "a biometric identifier",
    Identifier.FACE: "a face",
    Identifier.UID: "an original UID",
    Identifier.OTHER: "something that identifies the patient",
}


def search_terms_of(
    key: AnswerKey, studies: tuple[StudyKey, ...], planted: tuple[PlantedIdentifier, ...]
) -> list[SearchTerm]:
    """Return every identifier of the studies' patients and everything else planted in the studies."""
    tokens: dict[tuple[str, Identifier], set[int]] = {}
    written: dict[tuple[str, Identifier], set[str]] = {}
    wanted = {study.study_instance_uid for study in studies}
    patients = [
        patient for patient in key.patients if any(study.study_instance_uid in wanted for study in patient.studies)
    ]
    for patient in patients:
        for token, kind in _known(patient, [study for study in patient.studies if study.study_instance_uid in wanted]):
            if token:
                tokens.setdefault((token, kind), set()).add(patient.index)
    for text in planted:
        if text.kind is not Identifier.FACE:
            tokens.setdefault((text.token, text.kind), set()).add(text.patient)
            if text.written:
                written.setdefault((text.token, text.kind), set()).add(text.written)
    by_index = {patient.index: patient for patient in patients}
    terms = []
    for (token, kind), owners in tokens.items():
        own = any(index in by_index and _is_own(token, kind, by_index[index]) for index in owners)
        words, shared = GENERAL_WORDS[kind], frozenset[str]()
        if own:
            words = _OWN_WORDS[kind]
        elif kind is Identifier.NAME:
            shared = frozenset(word for index in owners if index in by_index for word in words_of(by_index[index].name))
        forms = frozenset(written.get((token, kind), ()))
        terms.append(SearchTerm(token, kind, words, shared, frozenset(owners), of_patient=own, written=forms))
    return terms


def common_words(key: AnswerKey) -> frozenset[str]:
    """Return the words of what must be kept: findings, and what studies are called."""
    texts = {kept.text for instance in key.instances() for kept in instance.kept if kept.keeping is Keeping.MEANING}
    texts |= {study.description for study in key.studies()}
    return frozenset(word for text in texts for word in words_of(text))


def _known(patient: PatientKey, studies: list[StudyKey]) -> Iterator[tuple[str, Identifier]]:
    """Yield what the key says of a patient and of the studies, wherever it was planted."""
    yield patient.name, Identifier.NAME
    yield patient.native_name, Identifier.NAME
    for number in dict.fromkeys((patient.national_number, patient.patient_id, *patient.other_ids)):
        same = number == patient.national_number
        yield number, Identifier.NATIONAL_NUMBER if same else Identifier.RECORD_NUMBER
    yield patient.record_number, Identifier.RECORD_NUMBER
    yield patient.birth_date, Identifier.DATE
    yield patient.address, Identifier.GEOGRAPHIC
    yield patient.phone, Identifier.PHONE
    yield patient.email, Identifier.EMAIL
    for study in studies:
        yield study.date, Identifier.DATE
        yield study.accession_number, Identifier.RECORD_NUMBER
        yield study.study_instance_uid, Identifier.UID
        for instance in study.instances:
            yield instance.series_instance_uid, Identifier.UID
            yield instance.sop_instance_uid, Identifier.UID


_OWN_WORDS = {
    **GENERAL_WORDS,
    Identifier.NAME: "the patient's name",
    Identifier.DATE: "the patient's date of birth",
    Identifier.GEOGRAPHIC: "the patient's address",
    Identifier.PHONE: "the patient's telephone number",
}


def _is_own(token: str, kind: Identifier, patient: PatientKey) -> bool:
    """Whether an identifier is the patient's own, and not that of the staff, the hospital or a relative."""
    if kind is Identifier.NAME:
        names = [patient.name, *([patient.native_name] if patient.native_name else [])]
        return any(set(words_of(name)) <= set(words_of(token)) for name in names)
    if kind is Identifier.DATE:
        return SearchTerm(token, kind, "").day == SearchTerm(patient.birth_date, kind, "").day
    if kind is Identifier.GEOGRAPHIC:
        return token == patient.address
    if kind is Identifier.PHONE:
        return token == patient.phone
    return kind in _ALWAYS_OWN


_ALWAYS_OWN = {
    Identifier.NATIONAL_NUMBER,
    Identifier.RECORD_NUMBER,
    Identifier.EMAIL,
    Identifier.INSURANCE,
    Identifier.ACCOUNT,
    Identifier.VEHICLE,
    Identifier.BIOMETRIC,
}
