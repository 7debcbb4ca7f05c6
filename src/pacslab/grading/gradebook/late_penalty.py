"""How a late submission is scored: the share of its points that is left.

The rule is the course's (``[late]`` in ``course.toml``): nothing is lost within the grace, then so many percent for
each day begun, and after the last day everything.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from pacslab.grading.course.course import Lateness

_SECONDS_A_DAY = 86400


def late_factor(rule: Lateness, due: datetime | None, sent: datetime) -> float:
    """Return the share of the points that is left, from 0 to 1.

    Parameters
    ----------
    rule
        The course's rule.
    due
        When the submission was due; None for never.
    sent
        When it was handed in.

    >>> from datetime import datetime, timedelta, timezone
    >>> from pacslab.grading.course.course import Lateness
    >>> rule = Lateness(grace_minutes=15, percent_per_day=10, days=7)
    >>> due = datetime(2026, 11, 20, 23, 59, tzinfo=timezone.utc)
    >>> late_factor(rule, due, due + timedelta(minutes=15))
    1.0
    >>> late_factor(rule, due, due + timedelta(minutes=16)), late_factor(rule, due, due + timedelta(days=2))
    (0.9, 0.8)
    >>> late_factor(rule, due, due + timedelta(days=8))
    0.0

    """
    if due is None:
        return 1.0
    seconds_late = (sent - due).total_seconds() - 60 * rule.grace_minutes
    if seconds_late <= 0:
        return 1.0
    days_begun = int(seconds_late // _SECONDS_A_DAY) + 1
    return 0.0 if days_begun > rule.days else max(0.0, 1.0 - days_begun * rule.percent_per_day / 100)
