"""New names, UIDs and times that only the holder of a secret can compute.

A hash without a secret is no pseudonym: who knows the old number, or can try them all, finds the new one. Everything
here is HMAC-SHA256 with the project's secret, so the same patient gets the same pseudonym in every file and run.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta

from pacslab.errors import DeidError

SHORTEST_SECRET = 16
REGISTERED = "1.2.840.10008."
LEAST_DAYS, MOST_DAYS = 365, 3650
NOON = timedelta(hours=12)


@dataclass(frozen=True)
class Pseudonyms:
    """The pseudonyms of one project.

    Parameters
    ----------
    secret
        At least 16 random bytes; whoever has them can undo the pseudonyms.

    Raises
    ------
    DeidError
        If the secret is shorter.

    """

    secret: bytes

    def __post_init__(self) -> None:
        if len(self.secret) < SHORTEST_SECRET:
            raise DeidError(
                f"a secret of {len(self.secret)} bytes can be guessed",
                f"Draw one with secrets.token_bytes(32); {SHORTEST_SECRET} bytes is the least.",
            )

    def _digest(self, purpose: str, value: str) -> bytes:
        return hmac.digest(self.secret, f"{purpose}\0{value}".encode(), hashlib.sha256)

    def uid(self, old: str) -> str:
        """Return the new UID (PS3.5 B.2, ``2.25.`` and a UUID); UIDs of the DICOM standard itself stay."""
        if old.startswith(REGISTERED) or not old:
            return old
        value = int.from_bytes(self._digest("uid", old)[:16], "big")
        value = value & ~(0xF << 76) | 8 << 76
        value = value & ~(0x3 << 62) | 2 << 62
        return f"2.25.{value}"

    def patient(self, patient_id: str) -> str:
        """Return the pseudonym that stands for name and number."""
        return "P" + base64.b32encode(self._digest("patient", patient_id)).decode()[:10]

    def shift(self, patient_id: str, first: datetime) -> timedelta:
        """Return how far a patient's dates and times are moved.

        One to ten years back by whole days, the same for all studies of a patient; and the time of day so that the
        study beginning at ``first`` begins at noon. Intervals between dates stay exact, and so do times within a
        study; the hour, which would find the examination in a hospital's list, is gone.
        """
        days = LEAST_DAYS + int.from_bytes(self._digest("days", patient_id)[:8], "big") % (MOST_DAYS - LEAST_DAYS)
        since_midnight = timedelta(hours=first.hour, minutes=first.minute, seconds=first.second)
        return NOON - since_midnight - timedelta(days=days)
