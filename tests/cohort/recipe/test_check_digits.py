"""python-stdnum, written by others, agrees on what the fictional numbers claim: no authority issued any of them."""

from __future__ import annotations

from datetime import date

import pytest
from stdnum import verhoeff
from stdnum.exceptions import InvalidChecksum, InvalidComponent, ValidationError
from stdnum.fr import nir
from stdnum.in_ import aadhaar
from stdnum.us import itin, ssn

from pacslab.cohort.recipe.fictional import (
    US_NATIONAL_NUMBERS,
    national_number,
    passes_nir,
    passes_verhoeff,
    us_national_number,
)
from pacslab.cohort.recipe.sections import Country
from pacslab.scenario import make_variant

COUNT = 400
BORN = date(1961, 3, 9)


@pytest.fixture(scope="module")
def stream():
    return make_variant("open-archive", "asha").stream("numbers")


def with_digits(stream, length):
    return [f"{stream.below(10**length):0{length}d}" for _ in range(COUNT)]


def test_verhoeff_checksum_is_that_of_stdnum(stream):
    numbers = with_digits(stream, 11)
    numbers += [number + verhoeff.calc_check_digit(number) for number in numbers]
    assert [passes_verhoeff(number) for number in numbers] == [verhoeff.is_valid(number) for number in numbers]
    assert all(map(passes_verhoeff, numbers[COUNT:]))


def test_nir_key_is_that_of_stdnum(stream):
    bodies = [f"1{stream.below(100):02d}{stream.between(1, 12):02d}75{text}" for text in with_digits(stream, 6)]
    for body in bodies:
        right = nir.calc_check_digits(body)
        keys = {right, f"{stream.between(1, 97):02d}"}
        assert {key for key in keys if passes_nir(body + key)} == {right}
        assert nir.is_valid(body + right)


def test_indian_number_is_no_aadhaar_and_fails_its_checksum(stream):
    for _ in range(COUNT):
        number = national_number(stream, Country.INDIA)
        with pytest.raises(InvalidChecksum):
            verhoeff.validate(number)
        with pytest.raises(ValidationError):
            aadhaar.validate(number)


@pytest.mark.parametrize("sex", ["F", "M"])
def test_french_number_has_a_wrong_key_and_no_department(stream, sex):
    for _ in range(COUNT):
        number = national_number(stream, Country.FRANCE, sex, BORN)
        assert number[5:7] == "00"
        with pytest.raises(InvalidChecksum):
            nir.validate(number)


def test_ssn_is_in_an_area_never_assigned_and_no_itin(stream):
    for _ in range(COUNT):
        number = us_national_number(stream.below(US_NATIONAL_NUMBERS))
        insured, member = number[:11], number[12:]
        with pytest.raises(InvalidComponent):
            ssn.validate(insured)
        with pytest.raises(InvalidComponent):
            itin.validate(insured)
        assert 1 <= int(member) <= 99
