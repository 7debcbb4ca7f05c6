"""What a busy machine spoils is looked at once more, alone; an archive that is slow itself gains nothing by it."""

import threading
from dataclasses import replace

import pytest

from pacslab.errors import LabFailureError
from pacslab.probes import retry, run_probes
from pacslab.probes.findings import Outcome, Side
from pacslab.probes.registry import PROBES, ProbeResult
from pacslab.probes.run_probes import assess
from pacslab.probes.target import DicomPeer

BUSY = ("http-known-password", "http-derived-password", "http-blank-password")


class Ward:
    """Probes that do what a test says, and what was looked at, in order, with who else was at work meanwhile."""

    def __init__(self, wanted):
        self.looked = []
        self.beside = []
        self._at_work = set()
        self._lock = threading.Lock()
        self.probes = [replace(PROBES[name], look=self._watched(name, look)) for name, look in wanted.items()]

    def _watched(self, name, look):
        def watched(site):
            with self._lock:
                self.looked.append(name)
                self.beside.append(set(self._at_work))
                self._at_work.add(name)
                times = self.looked.count(name)
            try:
                return look(site, times)
            finally:
                with self._lock:
                    self._at_work.remove(name)

        return watched


@pytest.fixture
def ward(running, monkeypatch):
    """Return a function that assesses a running deployment with the probes of a test in the place of its own."""

    def look(wanted):
        made = Ward(wanted)
        monkeypatch.setattr(run_probes, "probes_for", lambda _scenario: made.probes)
        for probe in made.probes:
            monkeypatch.setitem(PROBES, probe.id, probe)
        return made, assess(running.deployment)

    return look


def fails_once(_site, times):
    if times == 1:
        raise LabFailureError("the time was over")
    return ProbeResult(False, "nothing opened it")


def fails_always(_site, _times):
    raise LabFailureError("the time was over")


def finds_nothing(_site, _times):
    return ProbeResult(False, "nothing")


def finds_something(_site, _times):
    return ProbeResult(True, "something")


def finds_something_later(_site, times):
    return ProbeResult(times > 1, "something, the second time")


def outcomes(assessment):
    return {finding.id: finding.outcome for finding in assessment.findings}


@pytest.fixture(autouse=True)
def nobody_waits(monkeypatch):
    monkeypatch.setattr(retry, "PAUSES", (0.0, 0.0))


@pytest.fixture
def every_look_is_long(monkeypatch):
    """Take every look for one that a time limit may have ended, but no machine of the lab for slow."""
    monkeypatch.setattr(retry, "LONG", 0.0)
    monkeypatch.setattr(retry, "_slow_machines", lambda _site: "")


def test_retry_of_the_labs_failures_comes_last_and_alone(ward):
    others = [probe for probe in PROBES if probe not in BUSY][:12]
    made, assessment = ward({**dict.fromkeys(BUSY, fails_once), **dict.fromkeys(others, finds_something)})
    assert {outcomes(assessment)[name] for name in BUSY} == {Outcome.CLOSED}
    first, second = made.looked[: len(BUSY) + len(others)], made.looked[len(BUSY) + len(others) :]
    assert sorted(first) == sorted([*BUSY, *others])
    assert sorted(second) == sorted(BUSY)
    assert made.beside[len(first) :] == [set()] * len(BUSY)


def test_retry_asks_anew_which_ports_answer(ward):
    remembered = []

    def fails_at_a_door(site, times):
        remembered.append("web_urls" in vars(site))
        assert site.web_urls
        return fails_once(site, times)

    _, assessment = ward({"http-known-password": fails_at_a_door})
    assert outcomes(assessment) == {"http-known-password": Outcome.CLOSED}
    assert remembered == [False, False]


def test_retry_that_fails_again_is_the_labs_failure(ward):
    made, assessment = ward({**dict.fromkeys(BUSY, fails_always), "clinic-workstation-finds": finds_something})
    assert {finding.id for finding in assessment.failures} == set(BUSY)
    assert sorted(made.looked) == sorted([*BUSY, *BUSY, "clinic-workstation-finds"])


def test_retry_ends_with_the_time_of_the_assessment(ward, monkeypatch):
    over = threading.Event()

    def waits_the_second_time(_site, times):
        if times > 1:
            over.wait(30)
        raise LabFailureError("the time was over")

    monkeypatch.setattr(run_probes, "TIME_LIMIT", 2.0)
    made, assessment = ward(dict.fromkeys(BUSY, waits_the_second_time))
    over.set()
    assert {finding.id for finding in assessment.failures} == set(BUSY)
    assert len(made.looked) == len(BUSY) + 1


@pytest.mark.usefixtures("every_look_is_long")
def test_retry_finds_a_slow_clinic_at_work(ward):
    made, assessment = ward({"clinic-scanner-stores": finds_something_later, "http-anonymous-rest": finds_something})
    assert outcomes(assessment)["clinic-scanner-stores"] is Outcome.WORKS
    assert sorted(made.looked) == ["clinic-scanner-stores", "clinic-scanner-stores", "http-anonymous-rest"]


@pytest.mark.usefixtures("every_look_is_long")
def test_retry_after_a_pause_finds_a_clinic_at_work(ward):
    made, assessment = ward({"clinic-scanner-stores": lambda _site, times: ProbeResult(times > 2, "at last")})
    assert outcomes(assessment) == {"clinic-scanner-stores": Outcome.WORKS}
    assert len(made.looked) == 3


@pytest.mark.usefixtures("every_look_is_long")
def test_retry_finds_a_slow_attack_open(ward):
    _, assessment = ward({"http-anonymous-rest": finds_something_later})
    assert outcomes(assessment) == {"http-anonymous-rest": Outcome.EXPOSED}


@pytest.mark.usefixtures("every_look_is_long")
def test_retry_of_a_slow_archive_happens_twice_at_most(ward):
    clinic = [probe.id for probe in PROBES.values() if probe.side is Side.CLINIC]
    made, assessment = ward(dict.fromkeys(clinic, finds_nothing))
    assert set(outcomes(assessment).values()) == {Outcome.BROKEN}
    assert len(made.looked) == len(clinic) + 2


def test_retry_leaves_out_what_was_quick(ward):
    names = ("clinic-scanner-stores", "http-anonymous-rest")
    made, assessment = ward(dict.fromkeys(names, finds_nothing))
    assert outcomes(assessment) == {"clinic-scanner-stores": Outcome.BROKEN, "http-anonymous-rest": Outcome.CLOSED}
    assert sorted(made.looked) == sorted(names)


def test_retry_with_slow_lab_machines_costs_no_points(ward, monkeypatch):
    monkeypatch.setattr(retry, "LONG", 0.0)
    _, assessment = ward(
        {
            "clinic-scanner-stores": finds_nothing,
            "dicom-find-stranger": finds_nothing,
            "http-anonymous-rest": finds_something,
            "clinic-workstation-finds": finds_something,
        }
    )
    assert outcomes(assessment) == {
        "clinic-scanner-stores": Outcome.LAB_FAILURE,
        "dicom-find-stranger": Outcome.LAB_FAILURE,
        "http-anonymous-rest": Outcome.EXPOSED,
        "clinic-workstation-finds": Outcome.WORKS,
    }
    assert "needed" in assessment.finding("clinic-scanner-stores").evidence


def test_retry_with_a_silent_lab_machine_costs_no_points(ward, monkeypatch):
    def silent(self):
        raise LabFailureError(f"the lab's own machine {self.name} did not answer")

    def hangs_long(_site, _times):
        monkeypatch.setattr(retry, "LONG", 0.0)
        monkeypatch.setattr(DicomPeer, "about_itself", silent)
        return ProbeResult(False, "no end within 10 s")

    _, assessment = ward({"clinic-workstation-finds": hangs_long})
    assert outcomes(assessment) == {"clinic-workstation-finds": Outcome.LAB_FAILURE}
    assert "did not answer" in assessment.finding("clinic-workstation-finds").evidence
    assert "no end within 10 s" in assessment.finding("clinic-workstation-finds").evidence
