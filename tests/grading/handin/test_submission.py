"""What a student hands in: everything that is graded, nothing else, and a receipt of it."""

import hashlib
import json
import zipfile
from pathlib import Path

import pytest

from pacslab import Lab
from pacslab.grading.handin.submission import SubmissionNote
from pacslab.grading.handin.ticket import issue_ticket
from pacslab.grading.handin.timeline import broken_at, first_seal, hints_of, impossibilities, read_timeline
from pacslab.session import Session

pytestmark = pytest.mark.usefixtures("places")


def note(path):
    with zipfile.ZipFile(path) as archive:
        return SubmissionNote.model_validate_json(archive.read("submission.json"))


def test_submission_holds_the_work_named_by_its_receipt(course, anna, monkeypatch):
    ticket = issue_ticket(course, anna)
    monkeypatch.setenv("PACSLAB_TICKET", ticket)
    session = Session("open-archive")
    (session.work / "deid" / "image-1.dcm").write_bytes(b"picture")
    (session.work / "deid" / "passwd").symlink_to("/etc/passwd")
    (session.work / "tls").mkdir()
    (session.work / "tls" / "archive.crt").write_text("certificate")
    (session.work / ".ipynb_checkpoints").mkdir()
    (session.work / ".ipynb_checkpoints" / "secret.json").write_text("{}")
    session.check("archive-title", "wrong")
    session.check("archive-title", "ARCHIVE")
    session.check("archive-title", "wrong again")
    session.check("patient-count", 0)
    session.hint("patient-count")
    receipt = session.submit()
    content = Path(receipt.path).read_bytes()
    assert receipt.sha256 == hashlib.sha256(content).hexdigest()
    assert receipt.left_out == ("passwd (not an ordinary file)",)
    with zipfile.ZipFile(receipt.path) as archive:
        names = archive.namelist()
    assert sorted(names) == [
        "configuration/handover.yaml",
        "configuration/orthanc.json",
        "configuration/tls/archive.crt",
        "deid/image-1.dcm",
        "report.md",
        "submission.json",
    ]
    assert {file.name for file in receipt.files} == set(names) - {"submission.json"}
    handed_in = note(receipt.path)
    assert handed_in.ticket == ticket
    assert handed_in.objectives["archive-title"].answer == "ARCHIVE"
    assert handed_in.objectives["patient-count"].answer == "0"
    assert handed_in.objectives["patient-count"].hints == 1
    assert receipt.sha256 in (session.work.parents[2] / "submissions" / "open-archive-anna.receipt.txt").read_text()


def test_submission_sent_again_replaces_the_first(course, anna, monkeypatch):
    monkeypatch.setenv("PACSLAB_TICKET", issue_ticket(course, anna))
    session = Session("open-archive")
    first = session.submit()
    (session.work / "orthanc.json").write_text("{}")
    second = session.submit()
    assert first.path == second.path
    assert first.sha256 != second.sha256
    assert len(list(Path(second.path).parent.glob("*.zip"))) == 1


def test_submission_without_a_ticket_says_self_paced():
    receipt = Session("open-archive", student="alone").submit()
    assert receipt.course == "self-paced"
    assert note(receipt.path).ticket is None
    assert "deid/ (no de-identified file)" in receipt.missing


def test_timeline_shows_what_was_removed_or_changed():
    session = Session("open-archive", student="busy")
    session.check("archive-title", "no")
    session.hint("archive-title")
    session.hint("archive-title")
    session.hint("patient-count")
    session.check("archive-title", "ARCHIVE")
    events = read_timeline(session.work)
    variant = session.deployment.variant
    genesis = first_seal(variant.student, variant.scenario, variant.id)
    assert [event.what for event in events] == ["check", "hint", "hint", "hint", "check"]
    assert [event.outcome for event in events if event.what == "check"] == ["not reached", "reached"]
    assert hints_of(events) == {"archive-title": 2, "patient-count": 1}
    assert broken_at(events, genesis) is None
    assert broken_at(events[:1] + events[2:], genesis) == 2
    assert broken_at((events[0].model_copy(update={"outcome": "reached"}), *events[1:]), genesis) == 1
    assert broken_at(events, first_seal("somebody-else", variant.scenario, variant.id)) == 1
    path = session.work / ".timeline.jsonl"
    lines = path.read_text().splitlines()
    path.write_text("\n".join([lines[0], "not json", *lines[1:], '{"half": ']) + "\n")
    assert read_timeline(session.work) == events
    session.hint("stranger-find")
    assert len(read_timeline(session.work)) == 6


def test_timeline_that_cannot_be_is_reported():
    session = Session("open-archive", student="fast")
    for objective in session.scenario.objectives[:3]:
        session.hint(objective.id)
    events = read_timeline(session.work)
    sent = events[-1].at
    assert impossibilities(events, None, sent) == []
    backwards = (events[0], events[1].model_copy(update={"at": sent.replace(year=2020)}), events[2])
    assert impossibilities(backwards, None, sent) == ["event 2 is dated before event 1"]
    assert "before the ticket" in impossibilities(events, sent.replace(year=sent.year + 1), sent)[0]
    assert "after the submission" in impossibilities(events, None, sent.replace(year=2020))[0]
    assert "sent in the future" in impossibilities((), None, sent.replace(year=sent.year + 2))[0]
    reached = tuple(
        event.model_copy(update={"what": "check", "outcome": "reached"})
        for event in sorted(events * 3, key=lambda event: event.at)
    )
    assert "within a minute" in impossibilities(reached, None, sent)[0]
    assert json.loads(events[0].model_dump_json())["what"] == "hint"


def test_submission_is_shown_in_a_notebook():
    shown = Lab("open-archive", student="in-a-notebook").submit()
    assert shown.files
    assert "configuration/orthanc.json" in shown._repr_html_()
    assert "deid/ (no de-identified file)" in shown._repr_html_()
    assert "sha256" in repr(shown)
