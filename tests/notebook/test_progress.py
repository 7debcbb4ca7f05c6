"""One look after another: what closed, opened, broke and works again between them stands above the tables."""

from html import escape

from pacslab import Lab
from pacslab.probes import PROBES, Assessment, Finding, Outcome

READS, VIEWS = PROBES["http-anonymous-rest"], PROBES["clinic-radiologist-views"]


def assessment(*outcomes):
    return Assessment(
        findings=tuple(
            Finding(
                id=one.id,
                side=one.side,
                title=one.title,
                outcome=outcome,
                severity=one.severity,
                evidence="seen",
                try_it="",
                explanation="it matters",
                seconds=0.1,
            )
            for one, outcome in zip((READS, VIEWS), outcomes, strict=True)
        )
    )


def test_progress_shows_what_changed_between_assessments(monkeypatch):
    lab = Lab("open-archive", student="turning")
    looks = iter(
        [
            assessment(Outcome.EXPOSED, Outcome.WORKS),
            assessment(Outcome.CLOSED, Outcome.BROKEN),
            assessment(Outcome.CLOSED, Outcome.WORKS),
            assessment(Outcome.EXPOSED, Outcome.LAB_FAILURE),
        ]
    )
    monkeypatch.setattr(lab.session, "assess", lambda _progress: next(looks))
    for expected in (
        [],
        [f"Closed since the last look: {READS.title}.", f"Broken since the last look: {VIEWS.title}."],
        [f"Working again since the last look: {VIEWS.title}."],
        [f"Open since the last look: {READS.title}."],
    ):
        shown = lab.assess()
        assert [one for one in repr(shown).splitlines() if "since the last look" in one] == expected
        assert shown._repr_html_().count("since the last look") == len(expected)
        assert all(escape(one) in shown._repr_html_() for one in expected)
