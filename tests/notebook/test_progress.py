"""One look after another: what closed, opened, broke and works again between them stands above the tables."""

from html import escape

from pacslab import Lab
from pacslab.probes import PROBES, Assessment, Finding, Outcome

READS, VIEWS = PROBES["http-anonymous-rest"], PROBES["clinic-radiologist-views"]


def assessment(*outcomes):
    return Assessment(
        findings=tuple(
            Finding(
                id=probe.id,
                side=probe.side,
                title=probe.title,
                outcome=outcome,
                severity=probe.severity,
                evidence="seen",
                try_it="",
                explanation="it matters",
                seconds=0.1,
            )
            for probe, outcome in zip((READS, VIEWS), outcomes, strict=True)
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
        assert [line for line in repr(shown).splitlines() if "since the last look" in line] == expected
        assert shown._repr_html_().count("since the last look") == len(expected)
        assert all(escape(word) in shown._repr_html_() for word in expected)
