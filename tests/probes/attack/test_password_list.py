"""What was not tried is not closed: a list of guesses that the time does not suffice for is the lab's own failure."""

import pytest

from pacslab.probes import bounded_http
from pacslab.probes.findings import Outcome
from pacslab.probes.run_probes import assess

LISTS = ("http-known-password", "http-derived-password")


@pytest.fixture
def hurried(running, monkeypatch):
    """Return a function that looks at a running archive as if hardened, with clients that have time for few looks."""
    monkeypatch.setattr("pacslab.probes.attack.passwords._is_logged_in", lambda _answer: False)

    def look(most):
        class Hurried(bounded_http.BoundedClient):
            looks = 0

            def _in_time(self):
                self.looks += 1
                if self.looks > most:
                    raise bounded_http.TooMuchError("it did not come to an end within 10 s")

        monkeypatch.setattr("pacslab.probes.target.BoundedClient", Hurried)
        return assess(running.deployment)

    return look


def test_password_list_on_a_slow_machine_is_tried_to_its_end(hurried):
    """Each guess costs two looks or three, so these clients have time for a third of the list."""
    assessment = hurried(480)
    assert {assessment.finding(name).outcome for name in LISTS} == {Outcome.CLOSED}


def test_password_list_cut_short_is_the_labs_failure(hurried):
    assessment = hurried(60)
    found = {name: assessment.finding(name) for name in LISTS}
    assert {value.outcome for value in found.values()} == {Outcome.LAB_FAILURE}
    assert all("guesses" in value.evidence for value in found.values())
