"""Pseudonyms, new UIDs and time shifts that only the holder of a secret can compute (PS3.15 E.1.1).

A hash without a secret is no pseudonym: whoever can try all patient numbers finds the one with that hash. Everything
here is HMAC-SHA256 (RFC 2104) with the project's secret, so a patient gets the same pseudonym in every file and run.
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

    Examples
    --------
    >>> pseudonyms = Pseudonyms(b"only an example!")
    >>> pseudonyms.patient("4821") == pseudonyms.patient("4821")
    True
    >>> pseudonyms.patient("4821") == Pseudonyms(b"another project!").patient("4821")
    False
    >>> pseudonyms.uid("1.2.840.10008.5.1.4.1.1.2")  # CT Image Storage is the standard's own
    '1.2.840.10008.5.1.4.1.1.2'
    >>> pseudonyms.uid("1.2.3.4")
    '2.25...'

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
        """Return the new UID (PS3.5 B.2: ``2.25.`` and a UUID); UIDs registered by DICOM itself are returned as is."""
        if old.startswith(REGISTERED) or not old:
            return old
        value = int.from_bytes(self._digest("uid", old)[:16], "big")
        value = value & ~(0xF << 76) | 8 << 76
        value = value & ~(0x3 << 62) | 2 << 62
        return f"2.25.{value}"

    def patient(self, patient_id: str) -> str:
        """Return the pseudonym for Patient's Name and Patient ID: ``P`` and ten characters of base 32."""
        return "P" + base64.b32encode(self._digest("patient", patient_id)).decode()[:10]

    def shift(self, patient_id: str, first: datetime) -> timedelta:
        """Return the time by which a patient's dates and times are shifted (PS3.15 E.3.6, With Modified Dates).

        Parameters
        ----------
        patient_id
            The original Patient ID.
        first
            The start of the study.

        Returns
        -------
        timedelta
            One to ten years back in whole days, the same for all studies of a patient, and the time that moves the
            start of this study to noon. Days between studies and times within a study stay exact; the original hour,
            by which the examination could be found in the hospital's schedule, cannot be derived.

        """
        days = LEAST_DAYS + int.from_bytes(self._digest("days", patient_id)[:8], "big") % (MOST_DAYS - LEAST_DAYS)
        since_midnight = timedelta(hours=first.hour, minutes=first.minute, seconds=first.second)
        return NOON - since_midnight - timedelta(days=days)
