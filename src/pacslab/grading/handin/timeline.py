"""What a student did and when: a chain of events, each sealed with the hash of those before it.

The chain shows that a line was changed or taken out. It does not prove that the whole was not written anew: nothing
that lies on a student's own machine can. So it is shown as a signal, and never decides a grade.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
from datetime import datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Annotated, BinaryIO

from pydantic import AwareDatetime, Field, ValidationError

from pacslab.grading.course.course import now
from pacslab.models import Model
from pacslab.scenario import Id  # noqa: TC001  (pydantic reads it)

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

_FILE = ".timeline.jsonl"
MOST_EVENTS = 20_000
_LONGEST_PAUSE = timedelta(minutes=20)
_TAIL = 4096


class Event(Model):
    """One thing that a student did: ``what`` (start, check, hint, ...), to which objective, with which outcome."""

    number: int = Field(ge=1, le=MOST_EVENTS)
    at: AwareDatetime
    what: Annotated[str, Field(pattern=r"^[a-z][a-z-]{0,31}$")]
    objective: Id | None = None
    outcome: Annotated[str, Field(max_length=80)] = ""
    seal: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


def first_seal(student: str, scenario: str, variant: str) -> str:
    """Return the SHA-256, in hexadecimal digits, with which the chain of a student's variant begins."""
    return hashlib.sha256(f"pacslab timeline\x00{student}\x00{scenario}\x00{variant}".encode()).hexdigest()


def _seal(before: str, event: dict[str, object]) -> str:
    content = json.dumps({**event, "seal": before}, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(content.encode()).hexdigest()


def _plain(event: Event) -> dict[str, object]:
    return event.model_dump(mode="json", exclude={"seal"})


def record_event(folder: Path, genesis: str, what: str, objective: str | None = None, outcome: str = "") -> None:
    """Add an event to the timeline of a work folder; one program at a time, nothing that stands there is read twice."""
    with (folder / _FILE).open("a+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        last = _last(file)
        if last is not None and last.number >= MOST_EVENTS:
            return
        event: dict[str, object] = {
            "number": last.number + 1 if last else 1,
            "at": now(),
            "what": what,
            "objective": objective,
            "outcome": outcome[:80],
        }
        draft = Event.model_validate({**event, "seal": "0" * 64})
        sealed = draft.model_copy(update={"seal": _seal(last.seal if last else genesis, _plain(draft))})
        file.write(sealed.model_dump_json().encode() + b"\n")


def chain(genesis: str, steps: Iterable[tuple[datetime, str, str | None, str]]) -> tuple[Event, ...]:
    """Return the events of (when, what, objective, outcome), sealed one after the other."""
    events: list[Event] = []
    before = genesis
    for number, (at, what, objective, outcome) in enumerate(steps, start=1):
        draft = Event(number=number, at=at, what=what, objective=objective, outcome=outcome, seal="0" * 64)
        before = _seal(before, _plain(draft))
        events.append(draft.model_copy(update={"seal": before}))
    return tuple(events)


def _last(file: BinaryIO) -> Event | None:
    file.seek(max(0, file.seek(0, 2) - _TAIL))
    lines = file.read().splitlines()
    file.seek(0, 2)
    for line in reversed(lines):
        try:
            return Event.model_validate_json(line)
        except ValidationError:
            continue
    return None


def read_timeline(folder: Path) -> tuple[Event, ...]:
    """Return the events of a work folder in order; lines that are none are passed over."""
    try:
        lines = (folder / _FILE).read_bytes().splitlines()
    except OSError:
        return ()
    events = []
    for line in lines[:MOST_EVENTS]:
        try:
            events.append(Event.model_validate_json(line))
        except ValidationError:
            continue
    return tuple(events)


def broken_at(events: Iterable[Event], genesis: str) -> int | None:
    """Return the number of the first event that does not follow from those before it, or None for a whole chain.

    >>> from datetime import datetime, timezone
    >>> at = datetime(2026, 11, 20, 12, tzinfo=timezone.utc)
    >>> genesis = first_seal("anna", "open-archive", "0123456789abcdef")
    >>> events = chain(genesis, [(at, "start", None, ""), (at, "hint", "close-web", "1"), (at, "submit", None, "")])
    >>> broken_at(events, genesis) is None
    True
    >>> broken_at((events[0], events[2]), genesis)  # the hint was taken out
    2
    """
    before = genesis
    for number, event in enumerate(events, start=1):
        if event.number != number or event.seal != _seal(before, _plain(event)):
            return number
        before = event.seal
    return None


def hints_of(events: Iterable[Event]) -> dict[str, int]:
    """Return for each objective how many different hints were taken."""
    taken: dict[str, set[str]] = {}
    for event in events:
        if event.what == "hint" and event.objective:
            taken.setdefault(event.objective, set()).add(event.outcome)
    return {objective: len(numbers) for objective, numbers in taken.items()}


def time_spent(events: Iterable[Event]) -> timedelta:
    """Return the time at work: pauses of more than 20 minutes between two events do not count."""
    moments = sorted(event.at for event in events)
    pauses = (later - earlier for earlier, later in pairwise(moments))
    return sum((pause for pause in pauses if pause <= _LONGEST_PAUSE), timedelta())


def impossibilities(events: tuple[Event, ...], issued: datetime | None, sent: datetime) -> list[str]:
    """Return in words the events that contradict each other, the ticket's date or the submission's."""
    found = []
    for earlier, later in pairwise(events):
        if later.at < earlier.at:
            found.append(f"event {later.number} is dated before event {earlier.number}")
            break
    if issued is not None and events and events[0].at < issued - timedelta(minutes=5):
        found.append("work began before the ticket was issued")
    if events and max(event.at for event in events) > sent + timedelta(minutes=5):
        found.append("an event is dated after the submission itself")
    if sent > now() + timedelta(days=1):
        found.append("it was sent in the future")
    reached = [event for event in events if event.what == "check" and event.outcome == "reached"]
    if len(reached) >= 8 and reached[-1].at - reached[0].at < timedelta(seconds=60):
        found.append(f"{len(reached)} objectives were reached within a minute")
    assessed = next((event for event in events if event.what == "assess"), None)
    started = next((event for event in events if event.what == "start"), None)
    if assessed and (started is None or started.number > assessed.number):
        found.append("the server was assessed before it was started")
    return found
