"""A course's secret stays where it is; a ticket is one student's, and carries no secret."""

import base64
import json
import stat

import pytest

from pacslab.errors import CourseError, TicketError
from pacslab.grading.course.course import COURSE_FILE, SECRET_FOLDER, Lateness, init_course, read_course
from pacslab.grading.course.roster import Student
from pacslab.grading.gradebook.late_penalty import late_factor
from pacslab.grading.handin.ticket import issue_ticket, read_ticket, write_tickets
from pacslab.scenario import make_variant
from pacslab.session import Session


def payload(ticket):
    body = ticket.split(".")[1]
    return base64.urlsafe_b64decode(body + "=" * (-len(body) % 4))


def test_course_secret_is_in_one_file_of_its_owner(course):
    secrets = [path for path in (course.folder / SECRET_FOLDER).iterdir() if path.suffix == ".key"]
    assert len(secrets) == 2
    for secret in secrets:
        assert stat.S_IMODE(secret.stat().st_mode) == 0o600
        assert secret.read_bytes() not in (course.folder / COURSE_FILE).read_bytes()
        assert secret.read_bytes().hex() not in (course.folder / COURSE_FILE).read_text()
    assert stat.S_IMODE((course.folder / SECRET_FOLDER).stat().st_mode) == 0o700


def test_course_secret_that_others_can_read_is_refused(tmp_path):
    course = init_course(tmp_path / "c", "c", "C", ("open-archive",))
    path = course.folder / SECRET_FOLDER / "variants.key"
    path.chmod(0o644)
    with pytest.raises(CourseError, match="chmod 600"):
        course.course_key()


def test_course_is_not_overwritten_by_a_second(course):
    with pytest.raises(CourseError, match="holds a course already"):
        init_course(course.folder, "c", "C", ("open-archive",))


def test_ticket_gives_the_variant_and_no_secret(course, anna):
    text = issue_ticket(course, anna)
    ticket = read_ticket(text, course.public_key)
    variant = ticket.variant("open-archive")
    assert variant == make_variant("open-archive", "anna", course.course_key())
    assert variant != make_variant("open-archive", "anna")
    assert ticket.variant("another") is None
    for path in (course.folder / SECRET_FOLDER).glob("*.key"):
        secret = path.read_bytes()
        assert secret not in payload(text)
        assert secret.hex().encode() not in payload(text)
        assert base64.b64encode(secret)[:40] not in payload(text)


def test_tickets_share_no_seed(course):
    seeds = {read_ticket(issue_ticket(course, Student(id=f"s{n}", name="x"))).seeds["open-archive"] for n in range(20)}
    assert len(seeds) == 20


def changed(ticket, **values):
    prefix, _, signature = ticket.split(".")
    content = {**json.loads(payload(ticket)), **values}
    body = base64.urlsafe_b64encode(json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).decode()
    return f"{prefix}.{body.rstrip('=')}.{signature}"


def test_ticket_changed_or_of_another_course_is_refused(course, anna, tmp_path):
    text = issue_ticket(course, anna)
    with pytest.raises(TicketError, match="was not signed"):
        read_ticket(changed(text, student="ben"))
    with pytest.raises(TicketError, match="was not signed"):
        read_ticket(changed(text, seeds={"open-archive": "00" * 32}))
    other = init_course(tmp_path / "other", "pacs-2026", "PACS, autumn", ("open-archive",))
    forged = issue_ticket(other, anna)
    assert read_ticket(forged).student == "anna"
    with pytest.raises(TicketError, match="not signed by this course"):
        read_ticket(forged, course.public_key)


@pytest.mark.parametrize(
    "text", ["", "x", "pacslab-ticket-1", "pacslab-ticket-1..", "pacslab-ticket-1.e30.AA", "a.b.c.d", "\x00" * 99]
)
def test_ticket_that_is_none_is_refused_in_words(text):
    with pytest.raises(TicketError, match="not a ticket"):
        read_ticket(text)
    with pytest.raises(TicketError, match="not a ticket"):
        read_ticket("pacslab-ticket-1." + "A" * 200_000 + ".AA")


def test_ticket_in_the_workspace_is_used_by_the_lab(course, places, monkeypatch):
    assert Session("open-archive", student="anna").deployment.variant == make_variant("open-archive", "anna")
    written = write_tickets(course, roster(places, "anna", "ben"), places / "tickets")
    assert stat.S_IMODE(written["anna"].stat().st_mode) == 0o600
    (places / "home").mkdir(exist_ok=True)
    (places / "home" / "ticket.pacslab").write_bytes(written["anna"].read_bytes())
    session = Session("open-archive")
    assert session.student == "anna"
    assert session.deployment.variant == make_variant("open-archive", "anna", course.course_key())
    assert Session("open-archive", student="guest").deployment.variant == make_variant("open-archive", "guest")
    monkeypatch.setenv("PACSLAB_TICKET", str(written["ben"]))
    assert Session("open-archive").student == "ben"
    monkeypatch.setenv("PACSLAB_TICKET", issue_ticket(course, Student(id="carla", name="Carla")))
    assert Session("open-archive").student == "carla"
    monkeypatch.setenv("PACSLAB_TICKET", str(places / "gone"))
    with pytest.raises(TicketError, match="cannot be read"):
        Session("open-archive")


def roster(folder, *students):
    path = folder / "roster.csv"
    path.write_text("student\n" + "\n".join(students) + "\n", encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ('counts = "best"', 'counts = "worst"', "counts"),
        ("cost = 1.0", "cost = -1", "hints.cost"),
        ('id = "open-archive"', 'id = "open-archiv"', "Did you mean"),
        ('title = "', "title = ", "not valid TOML"),
        ("# [scenarios.points]", "points = { close-wep = 3 }", "no objective 'close-wep'"),
        ("percent_per_day", "percent_a_day", "percent_a_day"),
    ],
)
def test_course_mistake_is_named(course, tmp_path, before, after, words):
    text = (course.folder / COURSE_FILE).read_text(encoding="utf-8")
    assert before in text
    (tmp_path / COURSE_FILE).write_text(text.replace(before, after, 1), encoding="utf-8")
    with pytest.raises(Exception, match=words):
        read_course(tmp_path)


@pytest.mark.parametrize(
    ("minutes", "factor"),
    [(-60, 1.0), (0, 1.0), (15, 1.0), (16, 0.9), (24 * 60, 0.9), (24 * 60 + 16, 0.8), (8 * 24 * 60, 0.0)],
)
def test_late_submission_counts_days_begun(minutes, factor):
    from datetime import datetime, timedelta, UTC  # noqa: I001, PLC0415

    due = datetime(2026, 11, 30, 23, 59, tzinfo=UTC)
    assert late_factor(Lateness(), due, due + timedelta(minutes=minutes)) == pytest.approx(factor)
    assert late_factor(Lateness(), None, due) == 1.0
