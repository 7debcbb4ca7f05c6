"""Three hospitals, read back with independent code: the key is right, and it is complete."""

from __future__ import annotations

import hashlib
import re
import subprocess
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import httpx
import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import uniform_filter

from pacslab.cohort.answer_key import Identifier, Keeping, Location, Role
from pacslab.cohort.build import Cohort, build_cohort, is_synthetic
from pacslab.cohort.dicomdir_media import as_media
from pacslab.cohort.pixel_digests import digest_outside, digest_within
from pacslab.cohort.plan.instance_kinds import Content
from pacslab.cohort.plan.sop_classes import COLOUR_FRAMES
from pacslab.cohort.recipe.recipe import load_recipe
from pacslab.cohort.recipe.traps import Trap
from pacslab.deid import face_remains, scratch_orthanc
from pacslab.scenario import make_variant
from tests.support.reading import drawn_at, pdf_text, read, stands, text_of, texts, value_at, written_forms

if TYPE_CHECKING:
    from pathlib import Path

    from pydicom.dataset import FileDataset

    from pacslab.cohort.answer_key import AnswerKey

HOSPITALS = ("district-hospital-standard", "clinique", "community-hospital")


@dataclass
class HospitalFiles:
    cohort: Cohort
    files: dict[str, bytes]
    datasets: dict[str, FileDataset]
    key: AnswerKey

    def instances(self):
        names = {instance.sop_instance_uid: instance.file_name for instance in self.key.instances()}
        for uid, dataset in self.datasets.items():
            yield uid, names[uid], self.files[names[uid]], dataset


@pytest.fixture(scope="module", params=HOSPITALS)
def hospital(request) -> HospitalFiles:
    cohort = build_cohort(load_recipe(request.param), make_variant("hospitals", "asha"))
    files = dict(cohort.instances())
    read_back = [read(content) for content in files.values()]
    return HospitalFiles(cohort, files, {image.SOPInstanceUID: image for image in read_back}, cohort.answer_key())


def test_hospital_cohort_holds_every_kind_of_object(hospital):
    classes = Counter(dataset.SOPClassUID.name for dataset in hospital.datasets.values())
    assert 400 <= len(hospital.files) <= 460
    assert len(hospital.key.patients) == 24
    assert classes["CT Image Storage"] == 6 * 24
    for name in (
        "MR Image Storage",
        "Digital X-Ray Image Storage - For Presentation",
        "Digital Mammography X-Ray Image Storage - For Presentation",
        "Ultrasound Image Storage",
        "Ultrasound Multi-frame Image Storage",
        "Secondary Capture Image Storage",
        "Encapsulated PDF Storage",
        "Basic Text SR Storage",
        "Comprehensive SR Storage",
        "X-Ray Radiation Dose SR Storage",
        "Key Object Selection Document Storage",
        "Grayscale Softcopy Presentation State Storage",
        "12-lead ECG Waveform Storage",
    ):
        assert classes[name] >= 2, name
    syntaxes = {dataset.file_meta.TransferSyntaxUID.name for dataset in hospital.datasets.values()}
    assert len(syntaxes) == 6, syntaxes
    series = Counter((dataset.StudyInstanceUID, dataset.SeriesInstanceUID) for dataset in hospital.datasets.values())
    assert max(Counter(study for study, _ in series).values()) >= 6, "several series a study"


def test_hospital_flair_and_colour_loop_are_in_a_recipe():
    """FLAIR, which shows fluid dark, and a loop in colour: each in a recipe."""
    seen = {}
    for name in HOSPITALS:
        cohort = build_cohort(load_recipe(name), make_variant("hospitals", "asha"))
        for study in cohort.plan.studies:
            for series in study.series:
                seen.setdefault(series.content, (cohort, study))
    flair, loop = Content.MR_FLAIR, Content.COLOUR_CINE
    for content, count in ((flair, 26), (loop, 1)):
        cohort, study = seen[content]
        files = dict(cohort.study_files(study))
        read_back = [read(files[name]) for name in files if f"/{content.value}-" in name]
        assert len(read_back) == count
        image = read_back[count // 2]
        if content is flair:
            assert (image.Modality, image.SequenceVariant, image.InversionTime) == ("MR", "SK", 2500)
        else:
            assert image.pixel_array.shape == (COLOUR_FRAMES, 480, 640, 3)
            assert image.PhotometricInterpretation in ("RGB", "YBR_FULL_422")
            assert [dataset.RegionDataType for dataset in image.SequenceOfUltrasoundRegions] == [1, 2]
            red, _, blue = np.moveaxis(image.pixel_array[0].astype(int), -1, 0)
            assert (red > blue + 60).any()
            assert (blue > red + 60).any()


def test_hospital_has_the_people_of_the_risk_lab(hospital):
    key = hospital.key
    family = key.with_role(Role.FAMILY)
    assert len(family) == hospital.cohort.recipe.people.family
    assert len({(person.name.partition("^")[0], person.address) for person in family}) == 1
    (twice,) = key.with_role(Role.TWO_IDS)
    assert {study.patient_id for study in twice.studies} == {twice.patient_id, *twice.other_ids}
    assert len({study.patient_id for study in twice.studies}) == 2
    (rare,) = key.with_role(Role.RARE_DISEASE)
    assert rare.diagnosis in hospital.cohort.recipe.people.rare_diseases
    (oldest,) = key.with_role(Role.OLDEST)
    ages = [
        identifier
        for identifier in key.planted
        if identifier.kind is Identifier.AGE and identifier.patient == oldest.index
    ]
    assert {age.path for age in ages} >= {"(0010,1010)"}
    assert all(int(age.token[:3]) > 89 for age in ages)
    (prominent,) = key.with_role(Role.PROMINENT)
    assert prominent.prominent


def test_hospital_prior_studies_are_years_earlier(hospital):
    gaps = []
    for patient in hospital.key.patients:
        years = sorted(int(study.date[:4]) for study in patient.studies)
        gaps += [years[-1] - years[0]] if len(years) > 1 else []
    assert len(gaps) == 3
    assert max(gaps) >= 1


def test_hospital_prior_study_shares_patient_and_no_image():
    """Prior studies lie years apart: the same anatomy, and noise of their own in every slice."""
    for student in ("deid", "student"):
        key = build_cohort(load_recipe("clinique"), make_variant("bench", student)).answer_key()
        told = [instance.pixels_outside for instance in key.instances() if instance.pixels_outside is not None]
        assert len(told) == len(set(told))


def test_planted_identifier_is_where_the_key_says(hospital):
    by_instance: dict[str, list] = {}
    for identifier in hospital.key.planted:
        by_instance.setdefault(identifier.sop_instance_uid, []).append(identifier)
    seen = Counter()
    for uid, name, content, dataset in hospital.instances():
        for identifier in by_instance[uid]:
            if identifier.box is None:
                assert stands(identifier, name, content, dataset), (name, identifier)
            seen[identifier.location] += 1
    assert set(seen) == set(Location) - {Location.DICOMDIR}


def test_planted_identifier_is_of_its_kind(hospital):
    kinds = {
        "name": Identifier.NAME,
        "native_name": Identifier.NAME,
        "spoken_name": Identifier.NAME,
        "national_number": Identifier.NATIONAL_NUMBER,
        "record_number": Identifier.RECORD_NUMBER,
        "phone": Identifier.PHONE,
        "email": Identifier.EMAIL,
        "address": Identifier.GEOGRAPHIC,
    }
    patients = {person.index: person for person in hospital.key.patients}
    seen = set()
    for identifier in hospital.key.planted:
        meant = {
            kind for what, kind in kinds.items() if getattr(patients[identifier.patient], what) == identifier.token
        }
        assert meant <= {identifier.kind}, (identifier.path, identifier.token)
        seen |= {(identifier.location, kind) for kind in meant}
    assert seen >= {(Location.PIXELS, Identifier.NAME), (Location.PDF, Identifier.NAME)}


ACTIONS = {
    "(0008,0018)": "U",
    "(0008,0020)": "Z",
    "(0008,0050)": "Z",
    "(0008,0080)": "X/Z/D",
    "(0008,0090)": "Z",
    "(0008,1070)": "X/Z/D",
    "(0010,0010)": "Z",
    "(0010,0030)": "Z",
    "(0010,1040)": "X",
    "(0010,2154)": "X",
    "(0018,1000)": "X/Z/D",
    "(0020,000D)": "U",
    "(0020,0010)": "Z",
}
"""Some rows of PS3.15 table E.1-1, written down here once more."""


def test_planted_identifier_has_the_action_of_the_standard(hospital):
    whole = {
        Location.PRIVATE: {"X"},
        Location.UID: {"U"},
        Location.PIXELS: {"C"},
        Location.FACE: {"C"},
        Location.UNLISTED: {"C"},
        Location.OVERLAY: {"X"},
        Location.PREAMBLE: {"X"},
        Location.PADDING: {"X"},
        Location.PDF: {"D"},
    }
    found: dict[str, set[str]] = {}
    for identifier in hospital.key.planted:
        assert identifier.action in whole.get(identifier.location, {identifier.action}), (
            identifier.path,
            identifier.action,
        )
        found.setdefault(identifier.path, set()).add(identifier.action)
    assert {path: found.get(path) for path in ACTIONS} == {path: {action} for path, action in ACTIONS.items()}


def test_planted_glyphs_change_nothing_outside_their_mask(hospital):
    digests = {instance.sop_instance_uid: instance for instance in hospital.key.instances()}
    burned: dict[str, list] = {}
    for identifier in hospital.key.planted:
        if identifier.box is not None and identifier.location is not Location.FACE:
            burned.setdefault(identifier.sop_instance_uid, []).append(identifier)
    assert burned
    for uid, planted in burned.items():
        dataset = hospital.datasets[uid]
        pixels = dataset.pixel_array
        for identifier in planted:
            region, glyphs = drawn_at(identifier, dataset, pixels), identifier.glyphs()
            assert region.shape == glyphs.shape
            lit, drawn = (plane - uniform_filter(plane, 9) for plane in (region, glyphs.astype(float)))
            assert abs(np.corrcoef(lit.ravel(), drawn.ravel())[0, 1]) > 0.1, (identifier.path, identifier.token)
        boxes = [identifier.box for identifier in planted if identifier.location is Location.PIXELS]
        if digests[uid].face:
            continue
        if dataset.file_meta.TransferSyntaxUID.name != "JPEG Baseline (Process 1)":
            assert digest_outside(pixels, boxes) == digests[uid].pixels_outside


def test_head_series_have_face_and_brain_in_the_key(hospital):
    """Along the face's surface the air ends, and the brain is what the digest is made of."""
    faces = {
        identifier.sop_instance_uid: identifier
        for identifier in hospital.key.planted
        if identifier.location is Location.FACE
    }
    texts_in = {
        identifier.sop_instance_uid for identifier in hospital.key.planted if identifier.location is Location.PIXELS
    }
    heads = [instance for instance in hospital.key.instances() if instance.face]
    assert {head.modality for head in heads} == {"MR"}
    assert set(faces) < {head.sop_instance_uid for head in heads}
    for head in heads[:: len(heads) // 24]:
        pixels = hospital.datasets[head.sop_instance_uid].pixel_array
        if head.brain is not None and head.sop_instance_uid not in texts_in:
            brain = head.brain.drawn(*pixels.shape)
            assert digest_within(pixels, brain) == head.pixels_outside
            spoilt = pixels.copy()
            spoilt[tuple(np.argwhere(brain)[0])] ^= 1
            assert digest_within(spoilt, brain) != head.pixels_outside
        if head.sop_instance_uid in faces:
            planted = faces[head.sop_instance_uid]
            assert (planted.kind, planted.action) == (Identifier.FACE, "C")
            assert not (planted.glyphs() & (drawn_at(planted, None, pixels) == 0)).mean() > 0.2
            assert face_remains(pixels, planted.box, planted.glyphs())


def test_names_are_all_known_to_the_key(hospital):
    """Search every text, binary value, preamble, file name and PDF for everything that means the patient."""
    people = {patient.index: patient for patient in hospital.cohort.plan.people}
    for study in hospital.cohort.plan.studies:
        person = people[study.person.index]
        words = [*re.findall(r"[^\W\d_]+", f"{person.given} {person.family}"), *person.native.split("^")]
        numbers = [person.national_number, person.record_number, person.second_id, person.phone, person.email]
        numbers += [person.contact_phone, person.insurance, person.account, person.licence, person.vehicle]
        numbers += [person.fax, person.web_page, study.accession, study.study_id, study.order, study.step, study.uid]
        numbers += [form for day in (person.birth_date, study.time) for form in (f"{day:%Y%m%d}", f"{day:%d.%m.%Y}")]
        numbers += [study.serial_number, hospital.cohort.recipe.hospital.name, study.reading.name, study.referring.name]
        pattern = re.compile(
            "|".join(
                [*(rf"(?<![^\W\d_]){re.escape(word)}(?![^\W\d_])" for word in words if word)]
                + [re.escape(number) for number in numbers if number]
            ),
            re.IGNORECASE,
        )
        for series in study.series:
            for instance in series.instances:
                known = hospital.key.planted_in({instance.uid})
                paths = {term.path for term in known}
                places = {term.location for term in known}
                content = hospital.files[instance.file_name]
                dataset = hospital.datasets[instance.uid]
                for path, text in [*texts(dataset), *texts(dataset.file_meta)]:
                    assert path in paths or not pattern.search(text), f"{instance.file_name} {path}: {text}"
                assert Location.PREAMBLE in places or not content[:128].strip(b"\0")
                assert Location.FILE_NAME in places or not pattern.search(instance.file_name)
                if "EncapsulatedDocument" in dataset:
                    page, information = pdf_text(dataset)
                    told = {form for term in known if term.location is Location.PDF for form in written_forms(term)}
                    for found in pattern.findall(page + information):
                        assert any(found.lower() in form.lower() for form in told), found


def test_numbers_in_raw_bytes_are_counted_by_the_key(hospital):
    for _, name, content, dataset in hospital.instances():
        if dataset.file_meta.TransferSyntaxUID.name == "Deflated Explicit VR Little Endian":
            continue
        patient = next(person for person in hospital.key.patients if person.index == _owner(hospital, dataset))
        planted = hospital.key.planted_in({dataset.SOPInstanceUID})
        places = {
            (identifier.location, identifier.path)
            for identifier in planted
            if patient.national_number in (identifier.token, identifier.written)
            and identifier.location not in (Location.PIXELS, Location.FILE_NAME, Location.PDF)
        }
        found = content.count(patient.national_number.encode())
        if not any(identifier.location is Location.PDF for identifier in planted):
            assert found == len(places), name


def _owner(hospital, dataset) -> int:
    return hospital.key.patient_of(dataset.StudyInstanceUID).index


def test_private_elements_that_are_safe_are_in_the_key(hospital):
    kinds = Counter()
    for instance in hospital.key.instances():
        dataset = hospital.datasets[instance.sop_instance_uid]
        for tally in instance.kept:
            kinds[tally.keeping] += 1
            kinds[tally.path] += 1
            if tally.path == "pdf page 1":
                assert tally.text.lower() in pdf_text(dataset)[0].lower()
                continue
            value = value_at(dataset, tally.path)
            samples = tally.keeping is Keeping.CONTENT and isinstance(value, bytes)
            assert tally.text in (hashlib.sha256(value).hexdigest() if samples else text_of(value)), tally
            if tally.keeping is Keeping.SAFE_PRIVATE:
                tag = int(tally.path[1:5], 16), int(tally.path[6:10], 16)
                assert dataset[tag[0], tag[1] >> 8].value == tally.creator
    assert set(kinds) > set(Keeping)
    assert kinds["pdf page 1"] == sum(image.modality == "DOC" for image in hospital.key.instances()) > 0


def test_references_resolve_within_the_study(hospital):
    own = {uid: dataset.StudyInstanceUID for uid, dataset in hospital.datasets.items()}
    checked = 0
    for identifier in hospital.key.planted:
        if (
            identifier.kind is Identifier.UID
            and identifier.path.endswith("(0008,1155)")
            and "(0008,1120)" not in identifier.path
        ):
            assert own[identifier.token] == own[identifier.sop_instance_uid], identifier
            checked += 1
    assert checked > 50


def test_files_are_marked_synthetic_in_their_character_set(hospital):
    recipe = hospital.cohort.recipe
    for dataset in hospital.datasets.values():
        assert is_synthetic(dataset)
        assert dataset.SpecificCharacterSet == recipe.character_set.value
    names = {patient.native_name for patient in hospital.key.patients}
    if recipe.locale == "hi_IN":
        assert all("\u0900" <= name[0] <= "\u097f" for name in names)
        assert {str(read_dataset.PatientName.ideographic) for read_dataset in hospital.datasets.values()} == names
    accents = {char for patient in hospital.key.patients for char in patient.name if not char.isascii()}
    assert (recipe.country.value == "france") == bool(accents)


ENGLISH = re.compile(
    r"\b(seen|with|born|review of|results|report|patient.s|key images|measurements|telephone|mail|driving|findings)\b",
    re.IGNORECASE,
)
FRENCH = re.compile(r"\b(vu\(e\)|vu avec|né\(e\)|relecture|résultats|compte rendu|images clés|mesures|courriel|permis)")


def test_hospital_writes_in_its_own_language(hospital):
    french = hospital.cohort.recipe.country.value == "france"
    told, languages = [], set()
    for dataset in hospital.datasets.values():
        for path, text in texts(dataset):
            if path.endswith(
                ("(0040,A160)", "(0008,103E)", "(0020,4000)", "(0010,21B0)", "(0038,4000)", "(0040,1002)")
            ):
                told.append(text)
            if path.endswith(("(0042,0010)", "(0070,0006)", "(6000,0022)")):
                told.append(text)
            if path.endswith("(0008,0100)") and text in ("en", "fr"):
                languages.add(text)
        if "EncapsulatedDocument" in dataset:
            page, information = pdf_text(dataset)
            told += [page, information.replace("synthetic data", "")]
            assert ("Proche à prévenir" in page) == french
            assert ("Relative to call" in page) == (not french)
    foreign, own = (ENGLISH, FRENCH) if french else (FRENCH, ENGLISH)
    assert not [text for text in told if foreign.search(text)]
    assert len({found.lower() for text in told for found in own.findall(text.lower())}) >= 8
    assert languages == {"fr" if french else "en"}
    assert not any("\ufffd" in text or "Ã" in text for text in told)


def test_scanned_page_is_in_the_hospitals_language(hospital, program, tmp_path):
    program("tesseract")
    french = hospital.cohort.recipe.country.value == "france"
    series = [plan_series for study in hospital.cohort.plan.studies for plan_series in study.series]
    printed = {Content.LETTER: ("adressage", "referral"), Content.COVER_PAGE: ("dossier", "hospital number")}
    for content, (ours, theirs) in printed.items():
        uid = next(series_uid.instances[0].uid for series_uid in series if series_uid.content is content)
        page = hospital.datasets[uid]
        Image.fromarray(page.pixel_array).resize((page.Columns * 2, page.Rows * 2)).save(tmp_path / "page.png")
        read_back = subprocess.run(
            ["tesseract", tmp_path / "page.png", "-"], capture_output=True, text=True, check=True
        ).stdout.lower()
        assert (ours in read_back, theirs in read_back) == (french, not french), read_back


def test_traps_are_set_and_absent_when_off(hospital):
    recipe = hospital.cohort.recipe
    set_in = Counter(trap for study in hospital.cohort.plan.studies for trap in study.traps)
    assert set(set_in) == set(Trap)
    if not isinstance(recipe.traps, dict):
        return
    for trap, number in recipe.traps.items():
        assert set_in[trap] == (len(hospital.cohort.plan.studies) if number == "all" else number)


def test_hospital_variant_gives_the_same_bytes(hospital):
    again = build_cohort(hospital.cohort.recipe, hospital.cohort.variant)
    study = again.plan.studies[-1]
    for name, content in again.study_files(study):
        assert content == hospital.files[name]


def test_dicomdir_names_only_people_of_the_key(hospital, tmp_path, program):
    """One file of each series is enough: a record stands for each."""
    files, recipe = tmp_path / "files", hospital.cohort.recipe
    for study in hospital.cohort.plan.studies:
        for series in study.series:
            path = files / series.instances[0].file_name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(hospital.files[series.instances[0].file_name])
    names = {instance.sop_instance_uid: instance.file_name for instance in hospital.key.instances()}
    some = hospital.key.model_copy(update={"patients": _with_first_instances(hospital.key)})
    key = as_media(hospital.cohort, files, tmp_path / "media", some)
    directory = read((tmp_path / "media" / "DICOMDIR").read_bytes())
    told = {
        (identifier.patient, identifier.token) for identifier in key.planted if identifier.location is Location.DICOMDIR
    }
    records = directory.DirectoryRecordSequence
    people = {
        directory_record.PatientName: directory_record
        for directory_record in records
        if directory_record.DirectoryRecordType == "PATIENT"
    }
    assert {str(name) for name in people} == {person.person_name for person in hospital.cohort.plan.people}
    assert {directory_record.SpecificCharacterSet for directory_record in records} == {recipe.character_set.value}
    written = " ".join(text_of(text) for record in records for _, text in texts(record))
    for patient in hospital.cohort.plan.people:
        for token in patient.identifiers:
            assert token not in written or (patient.index, token) in told, token
        assert patient.spoken not in written or (patient.index, patient.spoken) in told
    assert not [word for word in written.split() if "\ufffd" in word]
    assert all(instance.file_name != names[instance.sop_instance_uid] for instance in key.instances())
    answer = subprocess.run(
        [program("dciodvfy"), tmp_path / "media" / "DICOMDIR"],
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    errors = [line for line in (answer.stdout + answer.stderr).splitlines() if line.startswith("Error")]
    assert not errors, errors[:5]


def _with_first_instances(key):
    """The key's patients with the first instance of each series only."""
    patients = []
    for patient in key.patients:
        studies = []
        for study in patient.studies:
            first = {}
            for instance in study.instances:
                first.setdefault(instance.series_instance_uid, instance)
            studies.append(study.model_copy(update={"instances": tuple(first.values())}))
        patients.append(patient.model_copy(update={"studies": tuple(studies)}))
    return tuple(patients)


@pytest.fixture(scope="module")
def one_of_each(hospital, tmp_path_factory) -> list[Path]:
    """One file of each kind of object in each of its transfer syntaxes, and those with the most traps."""
    folder = tmp_path_factory.mktemp("each")
    chosen = {}
    for study in hospital.cohort.plan.studies:
        for series in study.series:
            for instance in (series.instances[0], series.instances[-1]):
                dataset = hospital.datasets[instance.uid]
                syntax = dataset.file_meta.TransferSyntaxUID
                where = (series.content, syntax, instance.number == 1)
                if len(study.traps) >= len(chosen.get(where, (None, ()))[1]):
                    chosen[where] = (instance, study.traps)
    paths = []
    for (content, syntax, first), (instance, _) in chosen.items():
        paths.append(folder / f"{content.value}-{syntax.split('.', 6)[-1]}-{first}.dcm")
        paths[-1].write_bytes(hospital.files[instance.file_name])
    assert len(paths) > 40
    return paths


def test_conformance_dciodvfy_accepts_every_kind_of_object(one_of_each, program, tmp_path):
    dciodvfy, dcmconv = program("dciodvfy"), program("dcmconv")

    def said(path: Path) -> str:
        if read(path.read_bytes()).file_meta.TransferSyntaxUID.name.startswith("Deflated"):
            inflated = tmp_path / path.name  # Debian's dciodvfy is built without zlib
            subprocess.run([dcmconv, "+te", path, inflated], check=True, capture_output=True)
            path = inflated
        answer = subprocess.run([dciodvfy, path], capture_output=True, text=True, check=False, errors="replace")
        return answer.stdout + answer.stderr

    with ThreadPoolExecutor() as pool:
        for path, text in zip(one_of_each, pool.map(said, one_of_each), strict=True):
            assert "Error" not in text, f"{path.name}: {text}"
            assert text.strip(), f"{path.name}: dciodvfy knows no such object"


def test_conformance_dcmtk_reads_and_draws_every_file(hospital, one_of_each, program, tmp_path):
    paths = []
    for number, content in enumerate(hospital.files.values()):
        paths.append(tmp_path / f"{number}.dcm")
        paths[-1].write_bytes(content)
    answer = subprocess.run([program("dcmdump"), "-q", *paths], capture_output=True, check=False)
    assert answer.returncode == 0, answer.stderr.decode()
    assert answer.stderr == b""
    drawn = 0
    for path in one_of_each:
        dataset = read(path.read_bytes())
        if "PixelData" not in dataset or "2000" in dataset.file_meta.TransferSyntaxUID.name:
            continue  # DCMTK has no decoder for JPEG 2000
        picture = tmp_path / "picture.pgm"
        subprocess.run([program("dcmj2pnm"), "+op", path, picture], check=True, capture_output=True)
        assert picture.stat().st_size > 10_000
        drawn += 1
    assert drawn > 20


def test_orthanc_stores_and_shows_every_image(hospital, one_of_each):
    shown = Counter()
    with scratch_orthanc("process") as url, httpx.Client(base_url=url, timeout=60) as client:
        for content in hospital.files.values():
            assert client.post("/instances", content=content).json()["Status"] == "Success"
        assert client.get("/statistics").json()["CountInstances"] == len(hospital.files)
        known = {
            instance["MainDicomTags"]["SOPInstanceUID"]: instance["ID"]
            for instance in client.get("/instances?expand").json()
        }
        standard = hospital.cohort.recipe.id == HOSPITALS[0]  # every image of one hospital; every kind of the others
        for uid, dataset in hospital.datasets.items():
            if "PixelData" not in dataset or not standard:
                continue
            answer = client.get(f"/instances/{known[uid]}/frames/0/preview")
            if "2000" in dataset.file_meta.TransferSyntaxUID.name and answer.status_code == 415:
                continue
            assert answer.status_code == 200, hospital.cohort.recipe.id
            assert answer.headers["content-type"] == "image/png"
            assert len(answer.content) > 1000
        for path in one_of_each:
            dataset = read(path.read_bytes())
            if "PixelData" not in dataset:
                continue
            (found,) = client.post("/tools/lookup", content=dataset.SOPInstanceUID).json()
            assert client.get(f"/instances/{found['ID']}/file").content == path.read_bytes()
            answer = client.get(f"/instances/{found['ID']}/preview")
            syntax = dataset.file_meta.TransferSyntaxUID.name
            if "2000" in syntax and answer.status_code == 415:
                continue  # Orthanc's GDCM plugin decodes it, which is not everywhere
            assert answer.status_code == 200, f"{path.name} {syntax}"
            shown[dataset.Modality] += 1
    assert set(shown) >= {"CT", "MR", "DX", "MG", "US", "OT"}


@pytest.mark.parametrize("trap", list(Trap))
def test_trap_can_be_set_alone(trap):
    recipe = load_recipe("clinique")
    off = build_cohort(recipe.model_copy(update={"traps": {}}), make_variant("one trap", "asha"))
    on = build_cohort(recipe.model_copy(update={"traps": {trap: 500}}), make_variant("one trap", "asha"))
    changed = False
    for without, having in zip(off.plan.studies, on.plan.studies, strict=True):
        if without.kind not in {"abdominal-ultrasound", "chest-ct"} or changed:
            continue
        before = {
            (identifier.location, identifier.path, identifier.token, identifier.box)
            for identifier in off.planted_in(without)
        }
        after = {
            (identifier.location, identifier.path, identifier.token, identifier.box)
            for identifier in on.planted_in(having)
        }
        kept = on.kept_in(having)
        changed = bool(after - before) or (trap is Trap.SAFE_PRIVATE and bool(kept))
        if trap is Trap.PDF_TITLE and not changed:
            changed = having.has("report") and bool(after - before)
    assert changed
