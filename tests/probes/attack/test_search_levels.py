"""A rule that forgets one level of the search is seen: strangers ask at all four, whatever the other three say."""

import json

import pytest

from pacslab.pacs import parse_configuration
from pacslab.probes.registry import PROBES
from pacslab.probes.target import LEVELS, Target
from tests.support.servers import in_process, sessions

NOTHING_BUT = """
-- Searches at every other level are turned into searches for a patient whom nobody knows.
function IncomingFindRequestFilter(query, origin)
  if query['0008,0052'] ~= '%s' then query['0010,0020'] = 'NOBODY' end
  return query
end
"""


@pytest.fixture(scope="module")
def hospital(runtime):
    with sessions(runtime, "levels") as start:
        yield start("levels")


@in_process
@pytest.mark.parametrize("level", [*LEVELS.values(), "NONE"])
def test_search_level_that_a_rule_forgot_is_found(hospital, level):
    shipped = (hospital.scenario.folder / "orthanc.json").read_text(encoding="utf-8")
    content = {**parse_configuration(shipped, "orthanc.json"), "LuaScripts": ["levels.lua"]}
    (hospital.work / "levels.lua").write_text(NOTHING_BUT % level, encoding="utf-8")
    (hospital.work / "orthanc.json").write_text(json.dumps(content), encoding="utf-8")
    hospital.restart()
    with Target.of(hospital.deployment) as site:
        seen = PROBES["dicom-find-stranger"].look(site)
    assert seen.reached is (level != "NONE"), seen.evidence
    assert level == "NONE" or f"at the level {level} " in seen.evidence
