"""Type what a finding says to type, as a student does in a terminal or in a notebook."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

from pacslab import Lab

SAID_NO = (
    "Unauthorized",
    "Forbidden",
    "Rejected",
    "(Failed",
    "Unable to Process",
    "Abort",
    "refused",
    "handshake failure",
)
OF_THE_LAB = ("pacslab", "grep")


def type_by_hand(command, session, folder, program, *, a_refusal_will_do=False):
    """Run a finding's command in a folder; fail where it does not run, or is refused what the probe was given.

    Where the finding is that readable words are answered at all, a refusal will do: but it has to be one.
    """
    if command.startswith("lab."):
        lab = Lab(session.scenario.id, student=session.student)
        assert eval(command, {"lab": lab}), command
        return
    name = shlex.split(command, comments=True)[0]
    if name not in OF_THE_LAB:
        program(name)
    environment = {
        **os.environ,
        "PACSLAB_STUDENT": session.student,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    }
    done = subprocess.run(
        ["bash", "-c", filled_in(command, session)],
        cwd=folder,
        env=environment,
        capture_output=True,
        timeout=60,
        check=False,
    )
    output = (done.stdout + done.stderr).decode(errors="replace")
    refused = any(word in output for word in SAID_NO)
    if not (refused and a_refusal_will_do):
        assert done.returncode == 0, (command, output)
        assert not refused, (command, output)


def filled_in(command, session):
    """Put a password of the handover in the place of the word PASSWORD."""
    web = session.deployment.handover().web
    passwords = {account.username: account.password for account in (web.radiologist, web.administrator)}
    return re.sub(r"'(\w+):PASSWORD'", lambda found: f"'{found[1]}:{passwords[found[1]]}'", command)
