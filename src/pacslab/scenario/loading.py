"""Find and read scenarios: the folders under ``scenarios/`` that hold a ``scenario.yaml``."""

from __future__ import annotations

from pathlib import Path

from pacslab.errors import ScenarioError
from pacslab.paths import shipped
from pacslab.scenario.documents import did_you_mean, read_yaml
from pacslab.scenario.models import Scenario
from pacslab.scenario.weaknesses import with_registry

REQUIRED_FILES = ("orthanc.json", "handover.yaml")


def scenario_ids(root: Path | None = None) -> list[str]:
    """Return the ids of all scenarios, sorted."""
    root = root or shipped("scenarios")
    return sorted(path.parent.name for path in root.glob("*/scenario.yaml"))


def load_scenario(name: str, root: Path | None = None) -> Scenario:
    """Return the scenario of this id, or in this folder.

    Parameters
    ----------
    name
        An id such as ``open-archive``, or the path of a folder that holds a ``scenario.yaml``.
    root
        Where to look for ids; the shipped ``scenarios`` folder unless set.

    Returns
    -------
    Scenario
        The story, weaknesses (filled in from the registry), objectives and written tasks, and the folder that they were
        read from.

    Raises
    ------
    ScenarioError
        If there is no such scenario, or it does not fit the models; the message names file, key and remedy.

    Examples
    --------
    >>> scenario = load_scenario("open-archive")
    >>> scenario.archive_ae_title, scenario.cohort
    ('ARCHIVE', 'district-hospital')
    >>> [str(objective.stage) for objective in scenario.objectives][:2]
    ['discover', 'discover']

    """
    root = root or shipped("scenarios")
    folder = root / name if name in scenario_ids(root) else Path(name)
    if not (folder / "scenario.yaml").is_file():
        known = scenario_ids(root)
        hint = did_you_mean(name, known)
        listing = f"The scenarios are: {', '.join(known) or 'none'}."
        raise ScenarioError(f"there is no scenario {name!r}", f"{hint} {listing}".strip())
    scenario = read_yaml(folder / "scenario.yaml", Scenario, ScenarioError, with_registry)
    if scenario.id != folder.name:
        raise ScenarioError(
            f"{folder / 'scenario.yaml'}: id is {scenario.id!r} but the folder is {folder.name!r}",
            "Give both the same name.",
        )
    for file in REQUIRED_FILES:
        if not (folder / file).is_file():
            raise ScenarioError(f"the scenario {scenario.id!r} has no {file}", f"Add {folder / file}.")
    scenario._folder = folder.resolve()  # noqa: SLF001
    return scenario
