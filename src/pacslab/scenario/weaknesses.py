"""The weakness registry: its models, and how a scenario refers to a weakness.

A weakness stands once, in ``scenarios/weaknesses/<id>.yaml``, and any number of scenarios name it. A scenario may
override parts of it (title, probes, the way to put it back), or define a weakness of its own.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

from cvss import CVSS4, CVSSError
from pydantic import Field, field_validator, model_validator

from pacslab.errors import ScenarioError
from pacslab.models import Model
from pacslab.paths import shipped
from pacslab.scenario.documents import did_you_mean, read_mapping

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

Id = Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=48)]
Text = Annotated[str, Field(min_length=1)]


class Severity(StrEnum):
    """How much a weakness costs the patients."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


class Reference(Model):
    """Where a figure or a rule comes from."""

    title: Text
    """What it says."""
    source: Text
    """Who says so, where and when."""


class Change(Model):
    """How something insecure is put back into a hardened work folder; each mutant of the tests is made by one.

    ``orthanc`` and ``handover`` are merged into the two files as JSON merge patches (RFC 7396): an object is merged
    key by key, ``null`` removes a key, anything else replaces. ``<NAME>`` stands for the password that the reference
    fix has drawn under this name. ``shipped`` names files that are put back as the scenario ships them. ``texts``
    replaces pieces of the other files: for each file, what stands in the reference fix and what takes its place.
    """

    orthanc: dict[str, Any] = Field(default_factory=dict)
    """A merge patch for ``orthanc.json``."""
    handover: dict[str, Any] = Field(default_factory=dict)
    """A merge patch for ``handover.yaml``."""
    shipped: tuple[Text, ...] = ()
    """Files that are put back as the scenario ships them."""
    texts: dict[str, dict[str, str]] = Field(default_factory=dict)
    """For each other file, pieces of the reference fix and what takes their place."""

    @model_validator(mode="after")
    def _something(self) -> Change:
        if not (self.orthanc or self.handover or self.shipped or self.texts):
            raise ValueError("a change needs 'orthanc', 'handover', 'shipped' or 'texts'")
        return self


class PartialFix(Model):
    """A usual fix that is not enough: what it leaves open, which probes still see it, and why.

    Where the same probes see the whole weakness, or several of its usual fixes, ``evidence`` tells them apart: a
    regular expression that one of the probes' own words match.
    """

    title: Text
    """The usual fix, in a few words."""
    seen_by: tuple[Id, ...] = Field(min_length=1)
    """The probes that still get through."""
    evidence: str | None = None
    """A regular expression on a probe's words that tells this fix from others with the same probes."""
    leaves: Change | None = Field(default=None, description="what this fix leaves as it was; a mutant is made of it")
    """What this fix leaves as it was; a mutant of the tests is made of it."""
    why: Text
    """Why it is not enough, as the student reads it."""

    @field_validator("evidence")
    @classmethod
    def _expression(cls, value: str | None) -> str | None:
        try:
            re.compile(value or "")
        except re.error as reason:
            raise ValueError(f"{value!r} is not a regular expression ({reason})") from None
        return value


class Weakness(Model):
    """One thing that is wrong with a server.

    ``probes`` are the attacks that use it. ``put_back`` makes a hardened server weak again in this point, so that
    exactly these probes see it. ``partial`` are the usual fixes that are not enough. ``cvss`` is a CVSS 4.0 vector;
    score and severity are computed from it. ``controls`` are the rules that it breaks.
    """

    id: Id
    """The file's name without ``.yaml``."""
    title: Text
    """What is wrong, in a few words."""
    cwe: Annotated[str, Field(pattern=r"^CWE-[0-9]+$")]
    """Its class in the Common Weakness Enumeration."""
    cvss: Text
    """Its CVSS 4.0 vector."""
    settings: tuple[Text, ...]
    """The options and files that decide it."""
    probes: tuple[Id, ...] = Field(min_length=1)
    """The attacks that use it."""
    put_back: Change
    """How a hardened folder is made weak again in this point alone."""
    cost: Text
    """What it cost real hospitals and patients."""
    source: Reference
    """Who reports that cost."""
    controls: tuple[Text, ...] = Field(min_length=1)
    """The rules that it breaks: HIPAA Security Rule, GDPR, ISO/IEC 27001, NIST CSF."""
    fix: Text
    """What closes it."""
    partial: tuple[PartialFix, ...] = ()
    """The usual fixes that are not enough."""

    @field_validator("cvss")
    @classmethod
    def _vector(cls, value: str) -> str:
        try:
            CVSS4(value)
        except CVSSError as reason:
            raise ValueError(f"{value!r} is not a CVSS 4.0 vector ({reason})") from None
        return value

    @model_validator(mode="after")
    def _own_probes(self) -> Weakness:
        for fix in self.partial:
            stray = set(fix.seen_by) - set(self.probes)
            if stray:
                raise ValueError(
                    f"weakness {self.id!r} names {min(stray)!r} in 'partial', which is not in its 'probes'"
                )
        return self

    @property
    def score(self) -> float:
        """Return the CVSS 4.0 base score, from 0 to 10."""
        return float(CVSS4(self.cvss).base_score)

    @property
    def severity(self) -> Severity:
        """Return the severity that belongs to the score."""
        return Severity(str(CVSS4(self.cvss).severity).lower())

    def partial_fix(self, exposed: Mapping[str, str]) -> PartialFix | None:
        """Return the partial fix that leaves exactly these of its probes open, or None if none or several do.

        ``exposed`` holds every probe that reached its goal, with its evidence in words.
        """
        left = {name: words for name, words in exposed.items() if name in self.probes}
        for fix in self.partial:
            if left and set(fix.seen_by) == left.keys():
                if fix.evidence is None and left.keys() < set(self.probes):
                    return fix
                if fix.evidence is not None and any(re.search(fix.evidence, words) for words in left.values()):
                    return fix
        return None

    def explained(self, exposed: Mapping[str, str]) -> str:
        """Return why a partial fix is not enough, if it was partly fixed; else the weakness's cost and its fix.

        Partial fixes that leave every probe open follow the fix.
        """
        fix = self.partial_fix(exposed)
        if fix is not None:
            return fix.why
        probes = set(self.probes)
        alike = [fix for fix in self.partial if fix.evidence is None and set(fix.seen_by) == probes]
        return " ".join([self.cost, self.fix, *(f"Not enough: {fix.title}. {fix.why}" for fix in alike)])


def weakness_ids(root: Path | None = None) -> list[str]:
    """Return the ids of all weaknesses of the registry, sorted."""
    return sorted(path.stem for path in _folder(root).glob("*.yaml"))


def _folder(root: Path | None) -> Path:
    return root or shipped("scenarios") / "weaknesses"


def with_registry(content: dict[str, Any], file: Path, root: Path | None = None) -> dict[str, Any]:
    """Return a scenario's content with each weakness that it names filled in from the registry.

    A weakness is named by its id, or by an object with ``id`` and whatever differs from the registry here.

    Raises
    ------
    ScenarioError
        If a weakness is not in the registry and not described in full, or the registry's file cannot be read.

    """
    named = content.get("weaknesses")
    if not isinstance(named, list):
        return content
    return {**content, "weaknesses": [_filled(entry, file, root) for entry in named]}


def _filled(entry: Any, file: Path, root: Path | None) -> Any:
    own = {"id": entry} if isinstance(entry, str) else entry
    if not isinstance(own, dict) or not isinstance(own.get("id"), str):
        return own
    known = weakness_ids(root)
    if own["id"] in known:
        return {**_registered(own["id"], root), **own}
    if "title" not in own:
        raise ScenarioError(
            f"{file}: the weakness {own['id']!r} is not in the registry",
            did_you_mean(own["id"], known) or f"The registry has: {', '.join(known)}. Or describe it here in full.",
        )
    return own


def _registered(name: str, root: Path | None) -> dict[str, Any]:
    path = _folder(root) / f"{name}.yaml"
    content = read_mapping(path, ScenarioError)
    if content.get("id") != name:
        raise ScenarioError(f"{path} does not hold the weakness {name!r}", "Give the file the weakness's id as name.")
    return content
