"""Identity numbers, telephone numbers, addresses and UIDs that cannot belong to anybody.

India
    National number: twelve digits like an Aadhaar number. Issued ones never begin with 0 or 1, and their last digit is
    a Verhoeff checksum (Unique Identification Authority of India, "UIDAI numbering scheme": 11 digits, the first from 2
    to 9, and a check digit). Ours begin with 0 or 1 *and* fail the checksum.
    Telephone: ``5550dddddd``. The National Numbering Plan (Department of Telecommunications, 2003) keeps the area
    code 555 spare, mobile numbers begin with 6 to 9, and no subscriber number begins with 0, the trunk prefix.
    Postcode: PIN codes begin with 1 to 9 (India Post); ours with 0.
France
    National number: like a NIR, "numéro de sécurité sociale" (INSEE; code de la sécurité sociale R. 161-1): sex, year,
    month, department, commune, order, and a key of two digits, 97 less the number modulo 97. Ours have department 00,
    which does not exist (01 to 95, 2A, 2B, 97, 98, 99), *and* a wrong key.
    Telephone: the six blocks that ARCEP's numbering plan (décision 2018-0881, 2.5.12) keeps for films and novels:
    01 99 00, 02 61 91, 03 53 01, 04 65 71, 05 36 49 and 06 39 98, each with four more digits.
    Postcode: begins with the department; 00 does not exist.
USA
    National number: a social security number, and two digits for the member of the insured's family, as health plans
    and the armed forces wrote it. The Social Security Administration never assigned area 000, 666 or 900 to 999, group
    00 or serial 0000 ("SSN randomization", 2011); the Internal Revenue Service uses 9dd with groups 50 and up for
    taxpayer numbers (ITIN). Ours have area 900 to 999 and group 01 to 49.
    Telephone: ``(area) 555-01dd``, kept for fiction by the North American Numbering Plan (ATIS-0300115, on 555 line
    numbers).
    Postcode: 000dd; the Postal Service's lowest ZIP code is 00501.
Everywhere
    E-mail and web: the top-level domains ``.example`` and ``.invalid`` (RFC 2606). IP addresses: 2001:db8::/32, kept
    for documentation (RFC 3849). Number plates, insurance and licence numbers begin with ``ZZ0``, which no state,
    insurer or council uses.
UID
    ``2.25.`` and a random UUID as one decimal number (PS3.5 B.2, ISO/IEC 9834-8), which needs no registered root. UIDs
    that spell out a date stand below :data:`UID_ROOT`, a UUID drawn once for this project.

Unique
    "Any two of a thousand students share no identifier" asks for some 24,000 patients of a hospital without a common
    number. Where the blocks kept for fiction are too small, the number has more digits than the real one: telephone
    numbers an extension, without which they are shared, and US national numbers the family member. Those, surnames and
    addresses are dealt out (:func:`~.surnames.disjoint_numbers`), everything else is drawn from so many digits that
    two students meet in fewer than one class of a thousand in three hundred; a class's canaries
    (:class:`~pacslab.cohort.Canaries`) say so where it happens. Days, ages, sex, occupations, diagnoses,
    villages and postcodes by themselves are quasi-identifiers: many people share them in life, and here; and so are the
    hospital's own, its name, staff and machines, which all its patients have.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pacslab.cohort.encoding.explicit_vr import IMPLEMENTATION_CLASS_UID
from pacslab.cohort.recipe.sections import Country

if TYPE_CHECKING:
    from datetime import date

    from pacslab.scenario import Stream

UID_ROOT = IMPLEMENTATION_CLASS_UID
"""The root of what this project names itself: 2.25. and a UUID made for it."""

_VERHOEFF_PERMUTATION = (1, 5, 7, 6, 2, 8, 3, 0, 9, 4)
FRENCH_BLOCKS = ("019900", "026191", "035301", "046571", "053649", "063998")
_US_AREAS = """
    201 202 203 205 206 207 208 209 210 212 213 214 215 216 217 218 219 224 225 228 229 231 234 239 240 248
    251 252 253 254 256 260 262 267 269 270 276 281 301 302 303 304 305 307 308 309 310 312 313 314 315 316
    317 318 319 320 321 323 325 330 331 334 336 337 339 347 351 352 360 361 386 401 402 404 405 406 407 408
    409 410 412 413 414 415 417 419 423 424 425 430 432 434 435 440 443 469 478 479 480 484 501 502 503 504
    505 507 508 509 510 512 513 515 516 517 518 520 530 540 541 551 559 561 562 563 567 570 571 573 574 575
    580 585 586 601 602 603 605 606 607 608 609 610 612 614 615 616 617 618 619 620 623 626 630 631 636 641
    646 650 651 660 661 662 678 682 701 702 703 704 706 707 708 712 713 714 715 716 717 718 719 720 724 727
    731 732 734 740 754 757 760 763 765 770 772 773 774 775 781 785 786 801 802 803 804 805 806 808 810 812
    813 814 815 816 817 818 828 830 831 832 843 845 847 848 850 856 857 858 859 860 862 863 864 865 870 878
    901 903 904 906 907 908 909 910 912 913 914 915 916 917 918 919 920 925 928 931 936 937 940 941 947 949
    951 952 954 956 970 971 972 973 978 979 980 985 989
"""
US_AREAS = tuple(_US_AREAS.split())
"""Area codes of the United States (North American Numbering Plan Administration)."""
US_NATIONAL_NUMBERS = 100 * 49 * 9999 * 99
"""Numbers that :func:`us_national_number` can return."""
EXTENSIONS = 100_000
"""Extensions of a telephone number."""


def _dihedral(a: int, b: int) -> int:
    """Return the product of two elements of the dihedral group of ten elements."""
    if a < 5:
        return (a + b) % 5 if b < 5 else 5 + (a + b) % 5
    return 5 + (a - b) % 5 if b < 5 else (a - b) % 5


def passes_verhoeff(number: str) -> bool:
    """Return whether a number's last digit is its Verhoeff checksum (J. Verhoeff, 1969).

    Examples
    --------
    >>> passes_verhoeff("2363"), passes_verhoeff("2364")
    (True, False)

    """
    check = 0
    for place, digit in enumerate(reversed(number)):
        value = int(digit)
        for _ in range(place % 8):
            value = _VERHOEFF_PERMUTATION[value]
        check = _dihedral(check, value)
    return check == 0


def passes_nir(number: str) -> bool:
    """Return whether a French number of 15 digits has the right key: 97 less the first 13 digits modulo 97.

    Examples
    --------
    >>> passes_nir("295109912611193"), passes_nir("295109912611199")
    (True, False)

    """
    return int(number[13:]) == 97 - int(number[:13]) % 97


def digits(stream: Stream, count: int) -> str:
    """Return decimal digits, drawn together."""
    return f"{stream.below(10**count):0{count}d}"


def national_number(stream: Stream, country: Country = Country.INDIA, sex: str = "F", born: date | None = None) -> str:
    """Return an identity number of a country that was never issued to anybody.

    Parameters
    ----------
    stream
        The stream that digits are drawn from.
    country
        The country of the number.
    sex, born
        Encoded in a French number.

    """
    if country is Country.FRANCE:
        when = f"{born:%y%m}" if born else "5001"
        body = f"{'2' if sex == 'F' else '1'}{when}00{digits(stream, 6)}"
        right = 97 - int(body) % 97
        return f"{body}{(right + stream.between(1, 95)) % 97 + 1:02d}"
    if country is Country.USA:
        return us_national_number(stream.below(US_NATIONAL_NUMBERS))
    number = str(stream.below(2)) + digits(stream, 11)
    if passes_verhoeff(number):
        number = number[:-1] + str((int(number[-1]) + 1) % 10)
    return number


def us_national_number(number: int) -> str:
    """Return the never issued number of an index below :data:`US_NATIONAL_NUMBERS`.

    Examples
    --------
    >>> us_national_number(0), us_national_number(US_NATIONAL_NUMBERS - 1)
    ('900-01-0001-01', '999-49-9999-99')

    """
    number, area = divmod(number, 100)
    number, group = divmod(number, 49)
    member, serial = divmod(number, 9999)
    return f"9{area:02d}-{group + 1:02d}-{serial + 1:04d}-{member + 1:02d}"


def telephones(country: Country) -> int:
    """Return the count of telephone numbers reserved for fiction or spare in a country, with extensions."""
    lines = {Country.INDIA: 1_000_000, Country.FRANCE: 10_000 * len(FRENCH_BLOCKS), Country.USA: 100 * len(US_AREAS)}
    return lines[country] * EXTENSIONS


def telephone(number: int, country: Country = Country.INDIA) -> str:
    """Return the telephone number of an index below :func:`telephones`, with its extension: an SH value.

    Examples
    --------
    >>> telephone(12_345), telephone(12_345, Country.FRANCE)
    ('5550000000-12345', '0199000000-12345')

    """
    line, extension = divmod(number, EXTENSIONS)
    if country is Country.FRANCE:
        line, block = divmod(line, len(FRENCH_BLOCKS))
        return f"{FRENCH_BLOCKS[block]}{line:04d}-{extension:05d}"
    if country is Country.USA:
        line, area = divmod(line, len(US_AREAS))
        return f"{US_AREAS[area]}55501{line:02d}-{extension:05d}"
    return f"5550{line:06d}-{extension:05d}"


DOORS: dict[Country, tuple[int, int]] = {
    Country.INDIA: (99 * 98, 999),
    Country.FRANCE: (998, 9998),
    Country.USA: (9998, 999),
}
"""Houses of a street, and flats of a house."""


def street(house: int, flat: int, name: str, country: Country) -> str:
    """Return a street address in the country's form; house and flat count from 0."""
    if country is Country.FRANCE:
        return f"{house + 1} {name}, appt {flat + 1}"
    if country is Country.USA:
        return f"{house + 1} {name} Apt {flat + 1}"
    ward, block = divmod(house, 98)
    return f"{ward + 1}-{block + 1}-{flat + 1} {name}"


def postcodes(country: Country) -> int:
    """Return the count of postcodes with a prefix that was never issued."""
    return 1000 if country is Country.INDIA else 100


def postcode(number: int, country: Country, prefix: str) -> str:
    """Return the postcode of an index below :func:`postcodes`: six digits in India, five in France and the US."""
    return f"{prefix}{number:0{3 if country is Country.INDIA else 2}d}"


def plate(stream: Stream) -> str:
    """Return a number for a car, an insurance or a licence, in a form that no authority issues."""
    return f"ZZ0-{digits(stream, 14)}"


def ip_address(stream: Stream) -> str:
    """Return an IPv6 address of the documentation prefix (RFC 3849)."""
    first, second, third = (stream.between(1, 0xFFFF) for _ in range(3))
    return f"2001:db8:{first:x}:{second:x}::{third:x}"


def uid(stream: Stream) -> str:
    """Return a UID from a version 4 UUID (PS3.5 B.2)."""
    value = int.from_bytes(stream.bytes(16), "big")
    value = value & ~(0xF << 76) | 4 << 76
    value = value & ~(0x3 << 62) | 2 << 62
    return f"2.25.{value}"


def dated_uid(stream: Stream, day: date) -> str:
    """Return a UID of at most 64 characters that spells out a day, as many modalities do."""
    return f"{UID_ROOT}.{day:%Y%m%d}.{stream.between(1_000_000_000, 9_999_999_999)}"[:64]
