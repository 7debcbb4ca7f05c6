"""The main job without a browser: start, attack, count, harden, attack again, de-identify, grade."""

from __future__ import annotations

import io
import re
import secrets
import shutil
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pypdf

from pacslab.deid import deidentify_study
from pacslab.grading import write_reference_fix
from pacslab.models import Model
from pacslab.pacs import read_handover
from pacslab.probes import Assessment  # noqa: TC001  (pydantic reads it)
from pacslab.session import Session

if TYPE_CHECKING:
    from collections.abc import Callable

    import pyorthanc

    from pacslab.pacs import Deployment

    ProgressCall = Callable[[str, float], None]

STUDENT = "demo"
_PHONE = re.compile(r"Telephone of relative\s+(\S[^\n]*)")
_NEEDS_EYES = ("cover-diagnosis",)


class Loot(Model):
    """What an anonymous stranger could read, counted over the web and by C-FIND."""

    patients: int = 0
    studies: int = 0
    instances: int = 0
    studies_over_dicom: int = 0


class Demo(Model):
    """The whole job: both sides before and after, what leaked, the de-identified study, the points."""

    runtime: str
    orthanc: str
    before: Assessment
    after: Assessment
    leaked_before: Loot
    leaked_after: Loot
    deid_checks: dict[str, bool]
    points: int
    out_of: int
    unanswered: tuple[str, ...]
    points_for_eyes: int
    seconds: float

    @property
    def good(self) -> bool:
        """Return whether everything was open before, closed after, and the hospital worked throughout."""
        attacked = bool(self.before.exposed) and not self.before.broken
        earned = self.points == self.out_of - self.points_for_eyes
        return attacked and self.after.good and all(self.deid_checks.values()) and earned


def run_demo(runtime: str | None, progress: ProgressCall) -> Demo:
    """Do the main job on a deployment of its own, which is gone afterwards whatever happens.

    Raises
    ------
    PacslabError
        If the servers cannot run here.

    """
    started = time.monotonic()
    session = Session("open-archive", student=STUDENT, runtime=runtime, hours=1)
    _clear(session.deployment)
    try:
        status = session.start(lambda text, part: progress(text, 0.4 * part))
        progress("Attacking the open archive", 0.45)
        before = session.assess()
        leaked_before = _loot(session)
        _answer(session)
        progress("Hardening it with the reference fix", 0.6)
        write_reference_fix(session.scenario.id, session.work)
        session.restart()
        progress("Attacking the hardened archive", 0.7)
        after = session.assess()
        leaked_after = _loot(session)
        progress("De-identifying one study", 0.85)
        report = _deidentify(session)
        progress("Grading", 0.98)
        score = session.score
        unanswered = tuple(
            objective.id for objective in score.objectives if not objective.points and objective.id in _NEEDS_EYES
        )
        return Demo(
            runtime=status.runtime,
            orthanc=status.orthanc,
            before=before,
            after=after,
            leaked_before=leaked_before,
            leaked_after=leaked_after,
            deid_checks={str(check.id): check.passed for check in report.checks},
            points=score.points,
            out_of=score.out_of,
            unanswered=unanswered,
            points_for_eyes=sum(objective.out_of for objective in score.objectives if objective.id in _NEEDS_EYES),
            seconds=round(time.monotonic() - started, 1),
        )
    finally:
        _clear(session.deployment)


def _clear(deployment: Deployment) -> None:
    deployment.stop()
    shutil.rmtree(deployment.work.path.parent, ignore_errors=True)


def _loot(session: Session) -> Loot:
    """Count what comes without a password."""
    loot: dict[str, int] = {}
    with session.archive() as client:
        for name, path in (("patients", "patients"), ("studies", "studies"), ("instances", "instances")):
            answer = client.get(f"{session.url}/{path}")
            loot[name] = len(answer.json()) if answer.status_code == httpx.codes.OK else 0
    with suppress(httpx.HTTPError):
        loot["studies_over_dicom"] = _found_by_stranger(session)
    return Loot(**loot)


def _found_by_stranger(session: Session) -> int:
    made = session.modality("ROGUE").query({"Level": "Study", "Query": {"PatientName": ""}})
    return len(session.device("ROGUE").get_queries_id_answers(made["ID"]))


def _answer(session: Session) -> None:
    """Answer the questions that a program can answer from what it reads; the scanned page needs human eyes."""
    client = session.archive()
    patients = _records(client.get_patients({"expand": ""}))
    session.check("archive-title", _record(client.get_system())["DicomAet"])
    session.check("patient-count", len(patients))
    session.check("stranger-find", _found_by_stranger(session))
    session.check("release", "sex=yes age_band=10 dates=moved")
    ending = session.key.facts["asked_number_ending"]
    asked = session.key.facts["report_patient"]
    for patient in patients:
        tags = patient["MainDicomTags"]
        if tags["PatientID"].endswith(ending):
            session.check("number-owner", tags["PatientName"])
        for study in patient["Studies"]:
            instances = _records(client.get_studies_id_instances(study, {"expand": ""}))
            first = _record(client.get_instances_id_simplified_tags(instances[0]["ID"]))
            if any("VIP" in str(value) for value in first.values()):
                session.check("prominent-patient", tags["PatientName"])
            if sorted(tags["PatientName"].replace("^", " ").split()) == sorted(asked.split()):
                _read_reports(session, client, instances)


def _read_reports(session: Session, client: pyorthanc.Orthanc, instances: list[dict[str, Any]]) -> None:
    for instance in instances:
        tags = _record(client.get_instances_id_simplified_tags(instance["ID"]))
        if tags.get("Modality") != "DOC":
            continue
        content = client.get_instances_id_pdf(instance["ID"])
        text = "\n".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(_content(content))).pages)
        number = _PHONE.search(text)
        if number is not None:
            session.check("report-phone", number.group(1))


def _records(answer: Any) -> list[dict[str, Any]]:
    return list(answer)


def _record(answer: Any) -> dict[str, Any]:
    return dict(answer)


def _content(answer: Any) -> bytes:
    return answer if isinstance(answer, bytes) else bytes(answer.content)


def _deidentify(session: Session) -> Any:
    """Fetch the study as the administrator, run the reference recipe, and audit what it wrote."""
    account = read_handover(session.deployment.work.handover).web.administrator
    client = session.archive(account.username, account.password)
    uid = session.key.facts["deid_study_uid"]
    found: Any = client.post_tools_find({"Level": "Study", "Query": {"StudyInstanceUID": uid}})
    with tempfile.TemporaryDirectory() as folder:
        for instance in _records(client.get_studies_id_instances(found[0])):
            content: Any = client.get_instances_id_file(instance["ID"])
            (Path(folder) / f"{instance['ID']}.dcm").write_bytes(content)
        deidentify_study(Path(folder), session.deployment.work.deid, secret=secrets.token_bytes(32))
    return session.audit()
