"""``Lab``: what a student types in a notebook. Every call shows what came of it, and gives it back as plain data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pacslab.notebook import html_views, text_views
from pacslab.notebook.displayed_result import Shown
from pacslab.notebook.error_box import show_boxes
from pacslab.notebook.option_editing import differing_lines, with_options
from pacslab.notebook.practice import practised
from pacslab.notebook.progress import watched
from pacslab.pacs import DEFAULT_HOURS, Handover, read_handover
from pacslab.session import Session

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pyorthanc

    from pacslab.deid import DeidReport
    from pacslab.grading import Receipt, Score
    from pacslab.notebook.panel import Panel
    from pacslab.probes import Assessment
    from pacslab.session_models import CheckResult, Hint, ObjectiveStatus, Status


class Lab:
    """One student's lab, in a notebook or a terminal.

    A new ``Lab`` finds a running one again, so a restarted kernel loses nothing.

    Parameters
    ----------
    scenario
        The scenario's id.
    student
        The student's id; ``PACSLAB_STUDENT`` or the user's name unless given.
    runtime
        ``docker`` or ``process``; chosen unless given.
    hours
        How long the servers may live after a start.

    Examples
    --------
    >>> from pacslab import Lab
    >>> lab = Lab("open-archive")  # doctest: +SKIP
    >>> lab.start()  # doctest: +SKIP
    >>> lab.check("patient-count", 12)  # doctest: +SKIP

    Raises
    ------
    ScenarioError
        If the scenario or the student's id cannot be used.

    """

    def __init__(
        self,
        scenario: str = "open-archive",
        *,
        student: str | None = None,
        runtime: str | None = None,
        hours: float = DEFAULT_HOURS,
    ) -> None:
        show_boxes()
        self.session = Session(scenario, student=student, runtime=runtime, hours=hours)
        self._last_look: Assessment | None = None

    def __repr__(self) -> str:
        return text_views.status(self.session.status())

    def _repr_html_(self) -> str:
        return html_views.status(self.session.status(), self.session.score)

    # The servers -------------------------------------------------------------------------------------------------

    def _status(self, now: Status) -> Shown[Status]:
        return Shown(now, html_views.status(now, self.session.score), text_views.status(now))

    @staticmethod
    def _done(words: str) -> Callable[[Status], Shown[Status]]:
        return lambda now: Shown(now, html_views.done(words, now), f"✓ {words} {now.servers[0].url}")

    def start(self) -> Shown[Status]:
        """Start the servers, or find them again."""
        return watched("Starting", self.session.start, self._status)

    def stop(self) -> Shown[Status]:
        """End every server; files and points are kept."""
        self.session.stop()
        return self.status()

    def restart(self) -> Shown[Status]:
        """Start the archive again with your ``orthanc.json``; its data stays."""
        return watched("Restarting", self.session.restart, self._done("The archive runs with your configuration:"))

    def reset(self) -> Shown[Status]:
        """Bring back data and configuration as shipped; your files are kept as ``before-reset.*``."""
        return watched("Resetting", self.session.reset, self._done("Data and configuration are as shipped:"))

    def status(self) -> Shown[Status]:
        """Show what runs, where, how long, and your points."""
        return self._status(self.session.status()).show()

    def panel(self) -> Panel:
        """Return the control panel, with buttons for all of this."""
        from pacslab.notebook.panel import Panel  # noqa: PLC0415

        return Panel(self.session)

    # Ways to the servers -----------------------------------------------------------------------------------------

    @property
    def url(self) -> str:
        """Return the archive's web address."""
        return self.session.url

    def archive(self, username: str = "", password: str = "") -> pyorthanc.Orthanc:
        """Return a web client of the archive: a stranger's, or with a user name and a password a user's."""
        return self.session.archive(username, password)

    def device(self, name: str) -> pyorthanc.Orthanc:
        """Return a web client of CT01, WS01 or ROGUE, through which that machine is driven."""
        return self.session.device(name)

    def modality(self, name: str) -> pyorthanc.Modality:
        """Return CT01, WS01 or ROGUE as a DICOM client of the archive."""
        return self.session.modality(name)

    @property
    def dicom_address(self) -> tuple[str, int]:
        """Return host and port at which the archive speaks DICOM, for a client of your own."""
        return self.session.dicom_address

    def run(self, program: str, *options: str, host: str | None = None) -> None:
        """Run a DICOM client of this computer (``findscu``, ``nmap``, ...) on the archive, and show what it says."""
        from pacslab.notebook.clients import run_client  # noqa: PLC0415

        own, port = self.dicom_address
        print(run_client(program, options, host or own, port))

    def log(self, lines: int = 40) -> None:
        """Show the last lines of the archive's own log."""
        print("\n".join(self.session.log(lines)))

    def eavesdrop(self) -> Path:
        """Listen at the cables while WS01 searches and the radiologist logs in; return the capture's file."""
        return self.session.eavesdrop()

    def show(self, what: Any, *, username: str = "", password: str = "") -> None:
        """Show images: an identifier from the archive, a file or folder, a dataset, or a list of these."""
        from pacslab.errors import NothingYetError  # noqa: PLC0415
        from pacslab.notebook.viewer import datasets_of, frames_of, show  # noqa: PLC0415

        try:
            show(frames_of(datasets_of(what, lambda: self.archive(username, password))))
        except NothingYetError:
            print("There is nothing to show yet: put your answer in place of the three dots, and run this again.")

    # Your files --------------------------------------------------------------------------------------------------

    @property
    def work(self) -> Path:
        """Return your work folder: ``orthanc.json``, ``handover.yaml`` and ``deid/``."""
        return self.session.work

    @property
    def handover(self) -> Handover:
        """Return what ``handover.yaml`` tells the hospital's staff."""
        return read_handover(self.work / "handover.yaml")

    def set_options(self, **options: Any) -> Shown[list[tuple[str, str, str]]]:
        """Set options of ``orthanc.json``, leave the rest of the file as it is, and show the lines that changed."""
        path = self.work / "orthanc.json"
        before = path.read_text(encoding="utf-8")
        after = with_options(before, options)
        path.write_text(after, encoding="utf-8")
        return self._changes(before, after, "Changed in orthanc.json; lab.restart() makes it count").show()

    def changes(self) -> Shown[list[tuple[str, str, str]]]:
        """Show how your ``orthanc.json`` differs from the one that the vendor left."""
        before = (self.session.scenario.folder / "orthanc.json").read_text(encoding="utf-8")
        after = (self.work / "orthanc.json").read_text(encoding="utf-8")
        return self._changes(before, after, "Your orthanc.json, compared with the vendor's").show()

    @staticmethod
    def _changes(before: str, after: str, name: str) -> Shown[list[tuple[str, str, str]]]:
        rows = differing_lines(before, after)
        return Shown(rows, html_views.changes(rows, name), text_views.changes(rows, name))

    def make_certificates(self, *, renew: bool = False) -> list[Path]:
        """Write the hospital's authority and certificates into ``certs/``; with ``renew``, all of them anew."""
        return self.session.make_certificates(renew=renew)

    def submit(self, target: Path | None = None) -> Shown[Receipt]:
        """Pack everything that is graded into one file to hand in, and show the receipt."""
        receipt = self.session.submit(target)
        return Shown(receipt, html_views.receipt(receipt), receipt.text()).show()

    # Objectives --------------------------------------------------------------------------------------------------

    def task(self, objective: str) -> Shown[ObjectiveStatus]:
        """Show what an objective asks for."""
        objective_status = self.session.task(objective)
        return Shown(objective_status, html_views.task(objective_status), text_views.task(objective_status)).show()

    def hint(self, objective: str) -> Shown[Hint]:
        """Show the next hint of an objective."""
        next_hint = self.session.hint(objective)
        return Shown(next_hint, html_views.hint(next_hint), text_views.hint(next_hint)).show()

    def check(self, objective: str, answer: Any = None) -> Shown[CheckResult]:
        """Check an objective now: your answer, the live server or your files, whatever it asks for."""
        result = self.session.check(objective, answer)
        return Shown(result, html_views.check(result), text_views.check(result)).show()

    def earned(self, objective: str) -> bool:
        """Return whether an objective's points are earned now."""
        return self.session.task(objective).earned

    def practice(self, answer: Any = None) -> Shown[CheckResult]:
        """Check the first lab's practice question, how many machines run; it is worth no points."""
        result = practised(answer, self.session)
        return Shown(result, html_views.check(result), text_views.check(result)).show()

    def assess(self) -> Shown[Assessment]:
        """Attack the archive and live the hospital's day, side by side, and say what has turned since the last look."""

        def look(seen: Assessment) -> Shown[Assessment]:
            since = html_views.turned(seen, self._last_look) if self._last_look else []
            self._last_look = seen
            return Shown(seen, html_views.assessment(seen, since), text_views.assessment(seen, since))

        return watched("Attacking, and working", self.session.assess, look)

    def check_deid(self, *only: str) -> Shown[DeidReport]:
        """Audit the files in your folder ``deid``; with names of checks, show those alone."""
        report = self.session.audit()
        return Shown(report, html_views.audit(report, only), text_views.audit(report, only)).show()

    audit = check_deid

    @property
    def score(self) -> Shown[Score]:
        """Return your points so far, of each part and objective."""
        now = self.session.score
        return Shown(now, html_views.score(now), text_views.score(now))
