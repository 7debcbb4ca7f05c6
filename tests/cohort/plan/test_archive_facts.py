"""Each fact, found again in the files the way a student has to find it."""

from __future__ import annotations

import io
from collections import defaultdict

import pypdf
import pytest

from pacslab.cohort.build import build_cohort
from pacslab.scenario import make_variant

SC, PDF = "1.2.840.10008.5.1.4.1.1.7", "1.2.840.10008.5.1.4.1.1.104.1"


def spoken(dataset) -> str:
    return f"{dataset.PatientName.given_name} {dataset.PatientName.family_name}"


def texts_of(dataset) -> str:
    return "\n".join(str(element.value) for element in dataset.iterall() if element.VR not in ("OB", "OW", "SQ"))


def pdf_of(dataset) -> pypdf.PdfReader:
    return pypdf.PdfReader(io.BytesIO(dataset.EncapsulatedDocument))


@pytest.fixture(scope="module")
def headers(datasets) -> str:
    return "\n".join(texts_of(dataset) for dataset in datasets.values()).lower()


@pytest.fixture(scope="module")
def pdf_texts(datasets) -> dict[str, str]:
    """The text of each patient's report."""
    texts: dict[str, str] = defaultdict(str)
    for dataset in datasets.values():
        if dataset.SOPClassUID == PDF:
            reader = pdf_of(dataset)
            texts[spoken(dataset)] += reader.pages[0].extract_text() + str(reader.metadata)
    return texts


def test_fact_counts_are_those_of_the_files(datasets, key):
    assert key.facts["patient_count"] == str(len({dataset.PatientID for dataset in datasets.values()}))
    assert key.facts["study_count"] == str(len({dataset.StudyInstanceUID for dataset in datasets.values()}))


def test_fact_counts_differ_between_students(recipe):
    plans = [build_cohort(recipe, make_variant("open-archive", f"student{number}")).plan for number in range(12)]
    assert len({(len(plan.people), len(plan.studies)) for plan in plans}) > 3


def test_fact_vip_is_a_single_patient(datasets, key, recipe):
    marked = {spoken(dataset) for dataset in datasets.values() if "VIP" in dataset.get("PatientComments", "")}
    assert marked == {key.facts["prominent_name"]}
    occupations = {
        dataset.Occupation for dataset in datasets.values() if spoken(dataset) == key.facts["prominent_name"]
    }
    assert occupations == {key.facts["prominent_occupation"]}
    assert occupations <= set(recipe.prominent.occupations)


@pytest.mark.parametrize("fact", ["prominent_diagnosis", "cover_page_diagnosis"])
def test_fact_diagnosis_is_in_no_header_and_no_report(fact, key, headers, pdf_texts):
    diagnosis = key.facts[fact].lower()
    assert diagnosis not in headers
    assert all(diagnosis not in text.lower() for text in pdf_texts.values())


@pytest.mark.parametrize("fact", ["prominent_name", "cover_page_patient"])
def test_fact_cover_page_exists_for_the_asked_patient(fact, key, datasets):
    pages = [
        dataset for dataset in datasets.values() if dataset.SOPClassUID == SC and spoken(dataset) == key.facts[fact]
    ]
    assert len(pages) == 1


def test_fact_diagnosis_is_burned_into_the_cover_page(cohort, key):
    for name, diagnosis in (
        (key.facts["prominent_name"], key.facts["prominent_diagnosis"]),
        (key.facts["cover_page_patient"], key.facts["cover_page_diagnosis"]),
    ):
        person = next(draft for draft in cohort.plan.people if draft.spoken == name)
        tokens = {
            identifier.token
            for study in cohort.plan.studies_of(person)
            for identifier in cohort.planted_in(study)
            if identifier.path == "pixels"
        }
        assert diagnosis in tokens


def test_fact_number_ending_has_a_single_owner(datasets, key):
    ending = key.facts["asked_number_ending"]
    owners = {spoken(dataset) for dataset in datasets.values() if dataset.PatientID.endswith(ending)}
    assert owners == {key.facts["asked_number_owner"]}


def test_fact_telephone_is_only_in_the_report_text(key, headers, pdf_texts):
    phone = key.facts["report_phone"]
    assert [name for name, text in pdf_texts.items() if phone in text] == [key.facts["report_patient"]]
    assert phone not in headers
    assert "".join(phone.split()) not in "".join(headers.split())


def test_fact_study_to_clean_has_four_images_page_and_report(datasets, key):
    study = key.study(key.facts["deid_study_uid"])
    found = [dataset for dataset in datasets.values() if dataset.StudyInstanceUID == study.study_instance_uid]
    assert sorted(dataset.Modality for dataset in found) == ["DOC", "OT", "US", "US", "US", "US"]
    assert {spoken(dataset) for dataset in found} == {key.facts["deid_patient"]} == {key.facts["prominent_name"]}
    assert sum(instance.document for instance in study.instances) == 2
    comments = [dataset.ImageComments for dataset in found if "ImageComments" in dataset]
    assert any(key.facts["deid_meaning"] in text and key.facts["deid_patient"] in text for text in comments)


def test_fact_clinic_study_is_an_ordinary_ct(datasets, key):
    found = [dataset for dataset in datasets.values() if dataset.StudyInstanceUID == key.facts["clinic_study_uid"]]
    assert {"CT"} <= {dataset.Modality for dataset in found}
    assert len(found) == int(key.facts["clinic_study_instances"])


def test_fact_public_answers_give_nothing_away(recipe):
    answers = ("prominent_diagnosis", "asked_number_owner", "cover_page_diagnosis", "report_phone")
    for number in range(60):
        key = build_cohort(recipe, make_variant("open-archive", f"student{number}")).questions()
        told = {key.facts[name] for name in key.told}
        assert not told & {key.facts[name] for name in answers}
        people = [key.facts[name] for name in ("cover_page_patient", "report_patient", "asked_number_owner")]
        assert len({*people, key.facts["prominent_name"]}) == 4
