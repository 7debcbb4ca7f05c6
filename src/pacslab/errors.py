"""Every error of PACS Lab, in two trees.

:class:`PacslabError` is for a person to read. Each says in one line what happened, to what, and what to do next; the
command line prints that line and exits with 2, a notebook shows it in a box instead of a traceback.

:class:`InternalError` is raised by one part of the lab and caught by another, which turns it into a finding::

    PacslabError                        InternalError
      ScenarioError                       LabFailureError
      ConfigurationError                  RefusedError
      RuntimeUnavailableError               LimitReachedError
      ServerStartError                    WorkHinderedError
      DeploymentError                     NothingYetError
      UnsafeAddressError                  bounded_http.TooMuchError (an httpx.HTTPError, too)
      ObjectiveError
      DeidError
      CourseError
      TicketError
      SubmissionError
"""

from __future__ import annotations

import warnings


class PacslabWarning(UserWarning):
    """Something that a person should know, with what to do; the call goes on."""


def warn(sentence: str) -> None:
    """Issue a :class:`PacslabWarning`; do nothing if ``sentence`` is empty."""
    if sentence:
        warnings.warn(sentence, PacslabWarning, stacklevel=3)


class PacslabError(Exception):
    """What happened and to what (``problem``), and what to do next (``remedy``).

    Parameters
    ----------
    problem
        One sentence without a final full stop.
    remedy
        One sentence in the imperative: what the reader does next.
    details
        Lines to show below, such as the last lines of a server's log.

    Examples
    --------
    >>> error = PacslabError("port 8888 is in use", "Choose another with --port.")
    >>> print(error)
    port 8888 is in use. Choose another with --port.

    """

    def __init__(self, problem: str, remedy: str = "", details: tuple[str, ...] = ()) -> None:
        self.problem = problem.rstrip(".")
        self.remedy = remedy
        self.details = details
        super().__init__(f"{self.problem}. {remedy}".strip())


class ScenarioError(PacslabError):
    """A scenario, cohort recipe or student id is missing or malformed."""


class ConfigurationError(PacslabError):
    """The student's ``orthanc.json``, ``handover.yaml`` or ``network.yaml`` cannot be used as it stands."""


class RuntimeUnavailableError(PacslabError):
    """No Docker engine and no Orthanc program can run the servers, or the engine went away."""


class ServerStartError(PacslabError):
    """An Orthanc was started and did not answer; ``details`` holds its last log lines."""


class DeploymentError(PacslabError):
    """A deployment is not in the state that the call needs (not running, already stopped, port in use)."""


class UnsafeAddressError(PacslabError):
    """Something listens, or was asked to reach, beyond loopback and the lab's own networks."""


class ObjectiveError(PacslabError):
    """An objective does not exist, or was asked in a way it cannot answer."""


class DeidError(PacslabError):
    """The de-identified output could not be read at all."""


class CourseError(PacslabError):
    """A course, its secret or its roster is missing or malformed."""


class TicketError(PacslabError):
    """A student's ticket is damaged, or was not signed by the course."""


class SubmissionError(PacslabError):
    """A submission cannot be made, or what was handed in cannot be read."""


class InternalError(Exception):
    """Raised by one part of the lab and caught by another; no person reads it as it is."""


class LabFailureError(InternalError):
    """Something of the lab's own did not work; this is no finding about the student's server."""


class RefusedError(InternalError):
    """The archive refused a DICOM request, or did not answer it."""


class LimitReachedError(RefusedError):
    """The archive answered a C-FIND and stopped at its limit (status 0xFE00, "cancel", PS3.4 table C.4-1)."""


class WorkHinderedError(InternalError):
    """The day's work could not be done, so nothing about its traces in the log is known."""


class NothingYetError(InternalError):
    """A cell above has not been filled in yet, so there is nothing to show."""
