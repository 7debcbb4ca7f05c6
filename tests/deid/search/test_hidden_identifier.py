"""An identifier outside the attributes, or written another way, is found where it hides."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from tests.support.cohorts import original

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.outputs import Output

KEY = original().key
PATIENT = next(patient for patient in KEY.patients if original().study in patient.studies)
FAMILY, GIVEN = PATIENT.name.split("^")
NUMBER = PATIENT.national_number

HEADER_FORMS = {
    "in capitals": f"{GIVEN} {FAMILY}".upper(),
    "family name first": f"{FAMILY}, {GIVEN}",
    "given name only": GIVEN,
    "backwards": f"{GIVEN} {FAMILY}"[::-1],
    "without a space": f"{GIVEN}{FAMILY}".lower(),
    "in base64": base64.b64encode(PATIENT.spoken_name.encode()).decode(),
    "in hexadecimal": PATIENT.spoken_name.encode().hex(),
    "number in fours": f"{NUMBER[:4]} {NUMBER[4:8]} {NUMBER[8:]}",
    "number with hyphens": f"{NUMBER[:4]}-{NUMBER[4:8]}-{NUMBER[8:]}",
    "number backwards": NUMBER[::-1],
    "number in a sentence": f"patient no. {NUMBER}.",
    "email": f"{GIVEN}.{FAMILY}@post.example",
}


@pytest.mark.parametrize("text", HEADER_FORMS.values(), ids=HEADER_FORMS.keys())
def test_identifier_written_another_way_is_found(output: Output, text: str) -> None:
    output.edit(lambda dataset: setattr(dataset, "SeriesDescription", text[:64]))
    assert output.failed() == {"headers"}


BORN = PATIENT.birth_date
ENGLISH = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]
FRENCH = [
    "janvier",
    "février",
    "mars",
    "avril",
    "mai",
    "juin",
    "juillet",
    "août",
    "septembre",
    "octobre",
    "novembre",
    "décembre",
]
DATE_FORMS = {
    "with full stops": f"{BORN[6:]}.{BORN[4:6]}.{BORN[:4]}",
    "with hyphens": f"{BORN[:4]}-{BORN[4:6]}-{BORN[6:]}",
    "with slashes": f"{BORN[4:6]}/{BORN[6:]}/{BORN[:4]}",
    "with a time": f"{BORN}101500",
}


@pytest.mark.parametrize("text", DATE_FORMS.values(), ids=DATE_FORMS.keys())
def test_date_written_another_way_is_found(output: Output, text: str) -> None:
    output.edit(lambda dataset: setattr(dataset, "SeriesDescription", f"born {text}"))
    assert output.failed() == {"dates"}


def test_date_with_a_month_name_is_found(output: Output) -> None:
    text = f"born {int(BORN[6:])} {ENGLISH[int(BORN[4:6]) - 1]} {BORN[:4]}"
    output.edit(lambda dataset: setattr(dataset, "SeriesDescription", text))
    assert output.failed() == {"dates"}


@pytest.mark.parametrize(
    "text", ["born on {day} {french} {year}", "{english} {day}, {year}", "{day}th {english} {year}"]
)
def test_date_month_as_people_write_it_is_found(output: Output, text: str) -> None:
    month = int(BORN[4:6]) - 1
    said = text.format(day=int(BORN[6:]), year=BORN[:4], french=FRENCH[month], english=ENGLISH[month])

    def say(dataset: Dataset) -> None:
        dataset.SpecificCharacterSet = "ISO_IR 192"
        dataset.SeriesDescription = said

    output.edit(say)
    assert output.failed() == {"dates"}


def in_code_meaning(dataset: Dataset) -> None:
    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = "1", "99LAB", f"Scan of {PATIENT.spoken_name}"
    dataset.ProcedureCodeSequence = Sequence([code])


def in_a_private_sequence(dataset: Dataset) -> None:
    inner = Dataset()
    inner.PatientName = PATIENT.name
    block = dataset.private_block(0x0011, "SOMEBODY", create=True)
    block.add_new(0x01, "SQ", Sequence([inner]))


def in_unknown_bytes(dataset: Dataset) -> None:
    dataset.add_new(0x00189999, "UN", PATIENT.name.encode())


def in_trailing_padding(dataset: Dataset) -> None:
    dataset.add_new(0xFFFCFFFC, "OB", PATIENT.name.encode() + b"\0")


def in_an_overlay_label(dataset: Dataset) -> None:
    dataset.add_new(0x60001500, "LO", PATIENT.spoken_name)


def in_preamble(dataset: Dataset) -> None:
    dataset.preamble = PATIENT.name.encode().ljust(128, b"\0")


def in_file_header(dataset: Dataset) -> None:
    dataset.file_meta.SourceApplicationEntityTitle = GIVEN.upper()[:16]


PLACES: list[tuple[Callable[[Dataset], None], str]] = [
    (in_code_meaning, "nested"),
    (in_a_private_sequence, "private"),
    (in_unknown_bytes, "headers"),
    (in_trailing_padding, "headers"),
    (in_an_overlay_label, "headers"),
    (in_preamble, "headers"),
    (in_file_header, "headers"),
]


@pytest.mark.parametrize(("change", "check"), PLACES, ids=lambda value: getattr(value, "__name__", value))
def test_identifier_in_another_place_is_found(output: Output, change: Callable[[Dataset], None], check: str) -> None:
    output.edit(change)
    assert output.failed() == {check}


def test_identifier_after_the_end_of_the_file_is_found(output: Output) -> None:
    with output.paths[0].open("ab") as file:
        file.write(b"\xfc\xff\xfc\xffOB\0\0\x10\0\0\0" + PATIENT.national_number.encode().ljust(16, b"\0"))
    assert output.failed() == {"headers"}


def test_identifier_in_bytes_outside_attributes_is_found(output: Output) -> None:
    path = output.paths[0]
    path.write_bytes(path.read_bytes() + PATIENT.national_number.encode())
    assert "headers" in output.failed()


@pytest.mark.parametrize("name", [f"{FAMILY}_{GIVEN}.dcm", f"US-{NUMBER}.dcm", f"{GIVEN.lower()}-1.dcm"])
def test_identifier_in_a_file_name_is_found(output: Output, name: str) -> None:
    output.paths[0].rename(output.folder / name)
    report = output.audit()
    assert report.failed() == ("headers",)
    assert "is in the file name" in report.check("headers").worst[0]


def test_identifier_in_a_folder_name_is_found(output: Output) -> None:
    (output.folder / PATIENT.name).mkdir()
    output.paths[0].rename(output.folder / PATIENT.name / "1.dcm")
    assert output.failed() == {"headers"}


def test_uid_original_as_file_name_is_found(output: Output) -> None:
    output.paths[0].rename(output.folder / f"{original().study.instances[0].sop_instance_uid}.dcm")
    assert output.failed() == {"uids"}


def test_date_original_in_a_file_name_is_found(output: Output) -> None:
    output.paths[0].rename(output.folder / f"us-{original().study.date}.dcm")
    assert output.failed() == {"dates"}


def test_identifier_table_beside_the_images_is_found(output: Output) -> None:
    (output.folder / "mapping.csv").write_text(f"new,old\nP1,{PATIENT.spoken_name}\n")
    report = output.audit()
    assert report.failed() == ("headers",)
    assert report.leaks[0].file == "mapping.csv"


def test_uid_original_in_the_file_meta_alone_is_found(output: Output) -> None:
    old = original().study.instances[0].sop_instance_uid
    path = output.paths[0]
    new = output_uid(output)
    content = path.read_bytes()
    header_end = content.index(b"\x08\x00\x05\x00")
    changed = content[:header_end].replace(new.encode(), old.encode()[: len(new)].ljust(len(new), b"0"))
    path.write_bytes(changed + content[header_end:])
    assert output.failed() == {"uids"}


def output_uid(output: Output) -> str:
    found: list[str] = []
    output.edit(lambda dataset: found.append(str(dataset.SOPInstanceUID)))
    return found[0]
