"""The tools of the league: how each is run, as it comes and with the best that its documentation offers."""

from __future__ import annotations

import contextlib
import importlib.util
import io
import logging
import secrets
import shutil
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pydicom

from pacslab.deid.benchmark.orthanc import anonymize_in_orthanc, orthanc_is_missing
from pacslab.deid.deidentify.study import deidentify_study

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from pydicom.dataset import FileDataset


@dataclass(frozen=True)
class Tool:
    """One tool in one setting. ``run`` reads a folder and fills another; ``missing`` says what is not installed."""

    name: str
    setting: str
    how: str
    run: Callable[[Path, Path], None]
    missing: Callable[[], str]


def _needs_package(module: str, package: str) -> Callable[[], str]:
    def missing() -> str:
        if importlib.util.find_spec(module) is not None:
            return ""
        return f"the Python package {package} is not installed (pip install 'pacslab[league]')"

    return missing


def _needs_program(program: str, package: str) -> Callable[[], str]:
    def missing() -> str:
        return "" if shutil.which(program) else f"there is no program {program} (Debian, Ubuntu: apt install {package})"

    return missing


def named_files(source: Path) -> Iterator[tuple[Path, str]]:
    """Yield each file of a folder and a flat name for it that says nothing."""
    for number, path in enumerate(sorted(entry for entry in source.rglob("*") if entry.is_file()), start=1):
        yield path, f"{number:05d}.dcm"


@contextlib.contextmanager
def _hushed() -> Iterator[None]:
    """Keep a tool's chatter from the terminal."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            yield
    finally:
        logging.disable(before)


def _each(change: Callable[[FileDataset], FileDataset | None]) -> Callable[[Path, Path], None]:
    """Return a run that changes one file after the other; one on which the tool fails is left out."""

    def run(source: Path, target: Path) -> None:
        with _hushed():
            for path, name in named_files(source):
                with contextlib.suppress(Exception):
                    changed = change(pydicom.dcmread(path))
                    if changed is not None:
                        changed.save_as(target / name)

    return run


# dicom-anonymizer ------------------------------------------------------------------------------------------------

_KEPT = (
    "PatientSex",
    "PatientAge",
    "PatientSize",
    "PatientWeight",
    "StudyDescription",
    "SeriesDescription",
    "ProtocolName",
)


def _dicom_anonymizer(*, best: bool) -> Callable[[Path, Path], None]:
    def change(dataset: FileDataset) -> FileDataset:
        from dicomanonymizer import simpledicomanonymizer as tool  # noqa: PLC0415

        rules: dict[Any, Any] = {}
        base = tool.initialize_actions_2024b if best else tool.initialize_actions
        if best:
            rules = {_pair(keyword): tool.keep for keyword in _KEPT}
            rules[0x0002, 0x0016] = tool.delete
            rules[0x0012, 0x0062] = _says_so
        tool.anonymize_dataset(dataset, rules, delete_private_tags=True, base_rules_gen=base)
        if best:
            dataset.PatientIdentityRemoved = "YES"
            dataset.DeidentificationMethod = "dicom-anonymizer, 2024b"
        return dataset

    return _each(change)


def _pair(keyword: str) -> tuple[int, int]:
    tag = pydicom.tag.Tag(keyword)
    return tag.group, tag.element


def _says_so(dataset: FileDataset, _tag: Any) -> None:
    dataset.PatientIdentityRemoved = "YES"


# dicognito -------------------------------------------------------------------------------------------------------


def _dicognito(*, best: bool) -> Callable[[Path, Path], None]:
    def run(source: Path, target: Path) -> None:
        from dicognito.anonymizer import Anonymizer  # noqa: PLC0415

        tool = Anonymizer(seed=secrets.token_hex(16) if best else None)

        def change(dataset: FileDataset) -> FileDataset | None:
            if best and dataset.get("BurnedInAnnotation") == "YES":
                return None  # --on-burned-in-annotation: what says that it holds burned-in text is not released
            tool.anonymize(dataset)
            if best:
                dataset.remove_private_tags()
            return dataset

        _each(change)(source, target)

    return run


# deid ------------------------------------------------------------------------------------------------------------


def _deid(*, best: bool) -> Callable[[Path, Path], None]:
    def run(source: Path, target: Path) -> None:
        setting = "best" if best else "default"
        _ask(sys.executable, "-P", "-m", "pacslab.deid.benchmark.run_deid", setting, source, target)

    return run


# gdcmanon --------------------------------------------------------------------------------------------------------

_GDCM_EMPTIED = ("8,20", "8,21", "8,22", "8,23", "8,12", "8,1080", "32,1060", "20,4000")


def _gdcmanon(*, best: bool) -> Callable[[Path, Path], None]:
    def run(source: Path, target: Path) -> None:
        certificate = _certificate(target.parent)
        flat, halfway = target.parent / "flat", target.parent / "halfway"
        flat.mkdir()
        halfway.mkdir()
        for path, name in named_files(source):
            shutil.copyfile(path, flat / name)
        first = halfway if best else target
        _ask("gdcmanon", "-e", "-c", certificate, "--continue", "-i", flat, "-o", first)
        if best:
            options = [part for tag in _GDCM_EMPTIED for part in ("--empty", tag)]
            _ask("gdcmanon", "--dumb", *options, "--continue", "-i", halfway, "-o", target)

    return run


def _certificate(folder: Path) -> Path:
    """Return a fresh certificate: gdcmanon encrypts what it takes out, into the file, for the certificate's owner."""
    key, certificate = folder / "gdcm-key.pem", folder / "gdcm-certificate.pem"
    if not certificate.exists():
        _ask(
            "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=league",
            "-keyout", key, "-out", certificate,
        )  # fmt: skip
    return certificate


def _ask(*command: object) -> None:
    subprocess.run([str(part) for part in command], capture_output=True, check=False, timeout=900)  # noqa: S603


# The reference recipe --------------------------------------------------------------------------------------------


def _reference(source: Path, target: Path) -> None:
    deidentify_study(source, target, secret=secrets.token_bytes(32))


def tools() -> tuple[Tool, ...]:
    """Return every tool in both settings, the reference recipe last."""
    anonymizer = _needs_package("dicomanonymizer", "dicom-anonymizer")
    cognito = _needs_package("dicognito", "dicognito")
    deid = _needs_package("deid", "deid")
    gdcm = _needs_program("gdcmanon", "libgdcm-tools")
    return (
        Tool("Orthanc", "default", "/studies/{id}/anonymize with {}", anonymize_in_orthanc({}), orthanc_is_missing),
        Tool(
            "Orthanc",
            "best",
            "newest profile; descriptions, sex and age kept; orders and comments removed",
            anonymize_in_orthanc(
                {
                    "Keep": ["StudyDescription", "SeriesDescription", "PatientSex", "PatientAge"],
                    "KeepPrivateTags": False,
                    "Remove": ["RequestAttributesSequence", "OtherPatientIDsSequence", "ImageComments", "Occupation"],
                }
            ),
            orthanc_is_missing,
        ),
        Tool("dicom-anonymizer", "default", "its 2023 table", _dicom_anonymizer(best=False), anonymizer),
        Tool(
            "dicom-anonymizer",
            "best",
            "2024b table; descriptions, sex and age kept; says so",
            _dicom_anonymizer(best=True),
            anonymizer,
        ),
        Tool("dicognito", "default", "as it comes", _dicognito(best=False), cognito),
        Tool(
            "dicognito",
            "best",
            "seed; files that say they hold burned-in text left out; private attributes removed",
            _dicognito(best=True),
            cognito,
        ),
        Tool("deid", "default", "its recipe deid.dicom", _deid(best=False), deid),
        Tool("deid", "best", "pixels cleaned by its rules; sequences and private removed", _deid(best=True), deid),
        Tool("gdcmanon", "default", "-e -c certificate", _gdcmanon(best=False), gdcm),
        Tool("gdcmanon", "best", "-e, then --dumb --empty dates and descriptions", _gdcmanon(best=True), gdcm),
        Tool("reference recipe", "default", "pacslab deid run", _reference, lambda: ""),
    )
