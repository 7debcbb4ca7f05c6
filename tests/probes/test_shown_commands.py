"""Every command that a finding shows can be typed as it stands, and shows the same."""

import pytest

from pacslab.probes.findings import Side
from tests.support.shown_commands import type_by_hand

NEEDED = ("curl", "findscu", "movescu", "getscu")


@pytest.fixture
def shown(running, program):
    for program_name in NEEDED:
        program(program_name)
    yield [finding.try_it for finding in running.assess().side(Side.ATTACK)]
    for name in ("ROGUE", "WS01"):  # where a C-MOVE by hand has sent a study
        device = running.device(name)
        for study in device.get_studies():
            device.delete_studies_id(study)


def test_shown_commands_reach_what_the_probes_reached(shown, running, tmp_path, program):
    assert shown
    for command in shown:
        type_by_hand(command, running, tmp_path, program)
        assert command.split()[0] in NEEDED
