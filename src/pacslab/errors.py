"""Every error that PACS Lab raises for a person to read.

One base class. Each error says in one line what happened, to what, and what to do next; the command line prints
that line and exits with 2, a notebook shows it in a box instead of a traceback.
"""

from __future__ import annotations

import warnings


class PacslabWarning(UserWarning):
    """Something that a person should know, with what to do; nothing is refused."""


def warn(sentence: str) -> None:
    """Say something to whoever is there: a notebook shows it, the command line prints it; an empty one is not said."""
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
