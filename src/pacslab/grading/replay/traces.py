"""Traces of others in a submission: secrets, national numbers and UIDs, by where they stand.

Whether one of them is another student's is asked later, when the whole class is there.
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pacslab.grading.replay.configuration_files import ConfigurationFiles
    from pacslab.grading.replay.unpack import UnpackedSubmission

_MOST_TRACES = 4000
_SHORTEST_SECRET = 8
_BYTES_AT_EACH_END = 96 << 10
_NUMBER = re.compile(rb"(?<![0-9])[0-9]{12}(?![0-9])")
_UID = re.compile(rb"(?<![0-9.])[12](?:\.[0-9]{1,39}){4,20}(?![0-9.])")
_SHORTEST_UID = len("1.2.3.4.5")
_FIGURES = bytes(byte if byte in b"0123456789." else ord(" ") for byte in range(256))


def fingerprints(submitted: ConfigurationFiles, shipped: ConfigurationFiles) -> dict[str, str]:
    """Return hashes of the secrets that a student chose, by their places; what the scenario ships is nobody's."""
    common = {str(password) for password in shipped.options.get("RegisteredUsers", {}).values()}
    return {
        place: hashlib.sha256(b"pacslab fingerprint\x00" + secret.encode("utf-8", "replace")).hexdigest()[:32]
        for place, secret in submitted.secrets()
        if len(secret) >= _SHORTEST_SECRET and secret not in common
    }


def identifier_traces(files: UnpackedSubmission) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield (place, numbers and UIDs) of the answers, the report and each de-identified file; 4,000 in all at most."""
    traces_left = _MOST_TRACES
    for place, content in _places(files):
        # Most of it is pixels, in which nothing has to be looked for twice.
        figures = b" ".join(run for run in content.translate(_FIGURES).split() if len(run) >= _SHORTEST_UID)
        tokens = {token.decode() for pattern in (_NUMBER, _UID) for token in pattern.findall(figures)}
        found = sorted(tokens)[:traces_left]
        traces_left -= len(found)
        if found:
            yield place, tuple(found)


def _places(files: UnpackedSubmission) -> Iterator[tuple[str, bytes]]:
    answers = "\n".join(state.answer or "" for state in files.note.objectives.values())
    yield "an answer", re.sub(r"(?<=\d)[ -](?=\d)", "", answers).encode("utf-8", "replace")
    yield "the report", files.report.encode("utf-8", "replace")
    for path in sorted(files.deid.rglob("*")):
        if path.is_file():
            yield f"the output {path.name[:60]!r}", path.name.encode() + b"\n" + _both_ends(path)


def _both_ends(path: Path) -> bytes:
    """Return the beginning and the end of a file: what stands between is pixels."""
    with path.open("rb") as file:
        begin = file.read(_BYTES_AT_EACH_END)
        file.seek(max(len(begin), path.stat().st_size - _BYTES_AT_EACH_END))
        return begin + b"\n" + file.read(_BYTES_AT_EACH_END)
