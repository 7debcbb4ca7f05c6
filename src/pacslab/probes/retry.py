"""Retry the probes whose result a busy machine may have spoiled.

All probes run in parallel, and the lab may share its machine with a class. A probe that failed through the lab, or took
so long that a time limit may have ended it, runs again when all others are done, alone. An archive that hangs is found
hanging each time; what may still be the lab's own slowness counts against nobody.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from pacslab.errors import LabFailureError
from pacslab.probes.findings import Finding, Outcome

if TYPE_CHECKING:
    from collections.abc import Callable

    from pacslab.probes.target import Target

LONG = 3.0
"""Seconds that no undisturbed probe takes; no time limit of a probe is shorter."""
PAUSES = (0.0, 8.0)
"""Seconds before each retry of a slow probe: a machine may stall for some seconds, as for its disk."""


def look_again(
    results: dict[str, Finding], look: Callable[[str], Finding | None], progress: Callable[[str, float], None]
) -> None:
    """Replace the doubtful findings by those of a retry.

    The lab's own failures come first, all of them. Slow probes follow, quickest first, until one stays slow: then the
    archive itself is slow, and was so before.

    Parameters
    ----------
    results
        The findings by their probes' ids, which are replaced.
    look
        Runs a probe by its id; returns None if the assessment's time is over.
    progress
        Called with the title of each probe that is retried.

    """
    doubtful = sorted(
        (finding for finding in results.values() if _is_doubtful(finding)),
        key=lambda finding: (finding.outcome is not Outcome.LAB_FAILURE, finding.seconds),
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
    """Return whether a finding may be the lab's doing; a goal that was reached counts, however long it took."""
    hidden = finding.outcome in {Outcome.CLOSED, Outcome.BROKEN}
    return finding.outcome is Outcome.LAB_FAILURE or (hidden and finding.seconds >= LONG)


def mark_lab_failures(results: dict[str, Finding], target: Target) -> None:
    """Downgrade slow findings to LAB_FAILURE if the lab's own peers are slow, too."""
    doubtful = [
        finding for finding in results.values() if _is_doubtful(finding) and finding.outcome is not Outcome.LAB_FAILURE
    ]
    if not doubtful or not (slow := _slow_machines(target)):
        return
    words = f"The lab itself failed: {slow}, so this machine is too busy to tell. This does not count against you."
    for finding in doubtful:
        evidence = f"{words} What was seen: {finding.evidence}"
        results[finding.id] = finding.model_copy(update={"outcome": Outcome.LAB_FAILURE, "evidence": evidence})


def _slow_machines(target: Target) -> str:
    """Return in words which peer is slow to answer ``/system``; empty if none is."""
    for peer in target.peers.values():
        begun = time.monotonic()
        try:
            peer.about_itself()
        except LabFailureError as reason:
            return str(reason)
        took = time.monotonic() - begun
        if took >= LONG:
            return f"the lab's own machine {peer.name} needed {took:.0f} s for an answer"
    return ""
