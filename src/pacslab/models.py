"""The pydantic base classes of every model that stands at a border: files that come in, reports that go out."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Model(BaseModel):
    """Immutable; a key that it does not have is an error, so that a misspelt one is found."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class VersionTolerantModel(BaseModel):
    """Immutable; a key that it does not have is ignored: another version of the lab may have written the file."""

    model_config = ConfigDict(frozen=True)
