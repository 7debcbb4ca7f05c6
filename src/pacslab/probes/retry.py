"""A second look at what the first one may have missed only because this machine was busy.

All probes run side by side, and the lab may share its machine with a class. What failed through the lab, or took so
long that a time limit may have ended it, is looked at again when everything else is done, one probe at a time. An
archive that hangs is found hanging each time; what then still may be the lab's own slowness counts against nobody.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from pacslab.probes.findings import Finding, Outcome
from pacslab.probes.target import LabFailureError

if TYPE_CHECKING:
    from collections.abc import Callable

    from pacslab.probes.target import Target

LONG = 3.0
"""Seconds that no look takes in good order; no time limit of a probe is shorter."""
PAUSES = (0.0, 8.0)
"""Seconds before each further look at what took long: a machine may stand still for some seconds, as for its disk."""


def look_again(
    results: dict[str, Finding], look: Callable[[str], Finding | None], progress: Callable[[str, float], None]
) -> None:
    """Replace the doubtful findings by those of a second look.

    The lab's own failures come first, all of them. Of what merely took long, the next is only looked at as long as the
    last one was quick at last: where it never was, the archive itself is slow, and was so before.

    Parameters
    ----------
    results
        The findings by their probes' ids, which are replaced.
    look
        Looks at one probe; None if the assessment's time is over.
    progress
        Is told of each.

    """
    doubtful = sorted(
        (one for one in results.values() if _is_doubtful(one)),
        key=lambda one: (one.outcome is not Outcome.LAB_FAILURE, one.seconds),
    )
    for first in doubtful:
        progress(f"{first.title} (once more)", 1.0)
        own = first.outcome is Outcome.LAB_FAILURE
        for pause in PAUSES[:1] if own else PAUSES:
            time.sleep(pause)
            if (seen := look(first.id)) is None:
                return
            results[first.id] = seen
            if not _is_doubtful(seen):
                break
        else:
            if not own:
                return


def _is_doubtful(finding: Finding) -> bool:
    """Return whether a finding may be the lab's doing. What was reached was reached, however long it took."""
    hidden = finding.outcome in {Outcome.CLOSED, Outcome.BROKEN}
    return finding.outcome is Outcome.LAB_FAILURE or (hidden and finding.seconds >= LONG)


def mark_lab_failures(results: dict[str, Finding], site: Target) -> None:
    """Call what took long, even alone, the lab's failure where the lab's own machines are slow as well."""
    doubtful = [one for one in results.values() if _is_doubtful(one) and one.outcome is not Outcome.LAB_FAILURE]
    if not doubtful or not (slow := _slow_machines(site)):
        return
    words = f"The lab itself failed: {slow}, so this machine is too busy to tell. This does not count against you."
    for one in doubtful:
        evidence = f"{words} What was seen: {one.evidence}"
        results[one.id] = one.model_copy(update={"outcome": Outcome.LAB_FAILURE, "evidence": evidence})


def _slow_machines(site: Target) -> str:
    """Return in words which of the lab's own machines takes long for a question about itself; empty if none does."""
    for one in site.actors.values():
        begun = time.monotonic()
        try:
            one.about_itself()
        except LabFailureError as reason:
            return str(reason)
        took = time.monotonic() - begun
        if took >= LONG:
            return f"the lab's own machine {one.name} needed {took:.0f} s for an answer"
    return ""
