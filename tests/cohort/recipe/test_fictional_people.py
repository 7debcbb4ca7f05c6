"""No identity can collide with a living person's, and every file says that it is synthetic."""

from __future__ import annotations

import io
import re
import uuid
from datetime import date, timedelta
from ipaddress import IPv6Address, IPv6Network

import pydicom
import pytest

from pacslab.cohort.build import build_cohort, is_synthetic
from pacslab.cohort.recipe.fictional import (
    UID_ROOT,
    US_NATIONAL_NUMBERS,
    dated_uid,
    ip_address,
    national_number,
    passes_nir,
    passes_verhoeff,
    plate,
    postcode,
    postcodes,
    telephone,
    telephones,
    uid,
    us_national_number,
)
from pacslab.cohort.recipe.sections import Country
from pacslab.scenario import make_variant


@pytest.mark.parametrize(("number", "valid"), [("2363", True), ("2364", False), ("1428570", True), ("1428571", False)])
def test_aadhaar_checksum_is_verhoeff(number, valid):
    assert passes_verhoeff(number) is valid


def test_aadhaar_of_10000_patients_is_never_valid():
    stream = make_variant("open-archive", "numbers").stream("numbers")
    for _ in range(10_000):
        number = national_number(stream)
        assert re.fullmatch(r"[01]\d{11}", number)
        assert not passes_verhoeff(number)
        assert re.fullmatch(r"5550\d{6}-\d{5}", telephone(stream.below(telephones(Country.INDIA))))
        assert re.fullmatch(r"0\d{5}", postcode(stream.below(postcodes(Country.INDIA)), Country.INDIA, "012"))


def test_nir_of_10000_patients_is_never_valid():
    stream = make_variant("clinique", "numbers").stream("numbers")
    for turn in range(10_000):
        born = date(1930, 1, 1) + timedelta(days=3 * turn)
        number = national_number(stream, Country.FRANCE, "FM"[turn % 2], born)
        assert re.fullmatch(rf"{2 - turn % 2}{born:%y%m}00\d{{8}}", number), "department 00"
        assert 1 <= int(number[13:]) <= 97
        assert not passes_nir(number)
        assert re.fullmatch(
            r"0(19900|26191|35301|46571|53649|63998)\d{4}-\d{5}",
            telephone(stream.below(telephones(Country.FRANCE)), Country.FRANCE),
        )
        assert re.fullmatch(r"00\d{3}", postcode(stream.below(postcodes(Country.FRANCE)), Country.FRANCE, "004"))


def test_nir_key_is_97_less_the_remainder():
    assert passes_nir("255081416802538")  # the example of the social security's own documentation
    assert not passes_nir("255081416802539")


def test_ssn_of_10000_patients_is_never_valid():
    stream = make_variant("community-hospital", "numbers").stream("numbers")
    for _ in range(10_000):
        area, group, serial, member = national_number(stream, Country.USA).split("-")
        assert 900 <= int(area) <= 999
        assert 1 <= int(group) <= 49, "groups from 50 are taxpayer numbers"
        assert (len(serial), len(member)) == (4, 2)
        number = telephone(stream.below(telephones(Country.USA)), Country.USA)
        assert re.fullmatch(r"[2-9][0-8]\d55501\d{2}-\d{5}", number)
        assert re.fullmatch(r"000\d{2}", postcode(stream.below(postcodes(Country.USA)), Country.USA, "000"))


def test_identity_numbers_are_distinct():
    for country in Country:
        last = telephones(country) - 1
        assert len({telephone(number, country) for number in (*range(5000), *range(last - 5000, last))}) == 10_000
        assert len(telephone(last, country)) <= 16, "an SH value"
    last = US_NATIONAL_NUMBERS - 1
    assert len({us_national_number(number) for number in (*range(5000), *range(last - 5000, last))}) == 10_000
    assert us_national_number(last) == "999-49-9999-99"


def test_uids_are_random_uuids():
    stream = make_variant("open-archive", "numbers").stream("uids")
    for _ in range(200):
        root, arc, value = uid(stream).split(".")
        assert (root, arc) == ("2", "25")
        assert uuid.UUID(int=int(value)).version == 4
        assert uuid.UUID(int=int(value)).variant == uuid.RFC_4122


def test_identity_other_numbers_belong_to_nobody():
    stream = make_variant("open-archive", "numbers").stream("others")
    day = date(2019, 11, 3)
    for _ in range(1000):
        assert re.fullmatch(r"ZZ0-\d{14}", plate(stream))
        assert IPv6Address(ip_address(stream)) in IPv6Network("2001:db8::/32"), "kept for documentation"
        dated = dated_uid(stream, day)
        assert dated.startswith(f"{UID_ROOT}.20191103.")
        assert len(dated) <= 64


def test_identity_of_every_patient_is_fictional(recipe):
    for number in range(100):
        people = build_cohort(recipe, make_variant("open-archive", f"student{number}")).plan.people
        for person in people:
            assert person.national_number[0] in "01"
            assert not passes_verhoeff(person.national_number)
            assert person.postcode.startswith("0")
            assert person.email.endswith(".example")
            assert {person.phone[:4], person.contact_phone[:4]} == {"5550"}
        assert sum(person.prominent for person in people) == 1
        for values in (
            [person.national_number[-4:] for person in people],
            [person.given for person in people],
            [person.family for person in people],
            [person.diagnosis for person in people],
        ):
            assert len(set(values)) == len(people)


def test_synthetic_mark_is_in_every_file(datasets, cohort):
    assert all(is_synthetic(dataset) for dataset in datasets.values())
    assert all(is_synthetic(pydicom.dcmread(io.BytesIO(file))) for file in cohort.follow_up())


def test_synthetic_mark_is_missing_in_foreign_files(datasets):
    real = next(iter(datasets.values())).copy()
    real.Manufacturer = "ACME Medical"
    assert not is_synthetic(real)
    del real.Manufacturer
    assert not is_synthetic(real)
    real.SyntheticData = "YES"
    assert is_synthetic(real)
