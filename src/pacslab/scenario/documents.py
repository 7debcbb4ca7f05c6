"""Read a YAML file into a model, and say file, key and remedy where it does not fit.

Scenarios, cohort recipes and the student's handover are all read through here.
"""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

if TYPE_CHECKING:
    from pathlib import Path

    from pacslab.errors import PacslabError

M = TypeVar("M", bound=BaseModel)


def did_you_mean(word: str, known: list[str]) -> str:
    """Return ``did you mean 'x'?`` for the nearest known word, else the empty string."""
    near = difflib.get_close_matches(word, known, n=1, cutoff=0.6)
    if not near:
        lower = {one.lower(): one for one in known}
        near = difflib.get_close_matches(word.lower(), list(lower), n=1, cutoff=0.6)
        near = [lower[one] for one in near]
    return f"did you mean {near[0]!r}?" if near else ""


def _keys(model: type[BaseModel], path: tuple[Any, ...]) -> list[str]:
    """Return the keys that a (nested) model knows at ``path``, as far as the annotations tell."""
    for step in path:
        if isinstance(step, str) and step in model.model_fields:
            inner = _inner_model(model.model_fields[step].annotation)
            if inner is None:
                return []
            model = inner
    return list(model.model_fields)


def _inner_model(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for part in getattr(annotation, "__args__", ()):
        inner = _inner_model(part)
        if inner is not None:
            return inner
    return None


def _describe(error: ValidationError, model: type[BaseModel]) -> tuple[str, str]:
    first = error.errors()[0]
    path = first["loc"]
    where = ".".join(str(step) for step in path) or "the file"
    more = len(error.errors()) - 1
    rest = f" ({more} more {'problem' if more == 1 else 'problems'} below it)" if more else ""
    if first["type"] == "extra_forbidden":
        hint = did_you_mean(str(path[-1]), _keys(model, path[:-1]))
        return f"the key {where!r} is unknown{rest}", f"Remove it{f', or {hint}' if hint else '.'}"
    if first["type"] == "missing":
        return f"the key {where!r} is missing{rest}", f"Add {path[-1]!r}."
    message = first["msg"].removeprefix("Value error, ")
    return f"{where}: {message}{rest}", f"Correct {where!r}."


def read_yaml(path: Path, model: type[M], error: type[PacslabError]) -> M:
    """Return the model that a YAML file holds.

    Parameters
    ----------
    path
        The file.
    model
        The pydantic model to fill.
    error
        What to raise, with file, key and remedy, where the file is unreadable or does not fit.

    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise error(f"{path} does not exist", "Create it, or restore it from the scenario.") from None
    except (OSError, UnicodeDecodeError) as reason:
        raise error(f"{path} cannot be read ({reason})", "Make it a readable UTF-8 text file.") from None
    try:
        content = yaml.safe_load(text)
    except yaml.YAMLError as reason:
        mark = getattr(reason, "problem_mark", None)
        place = f"line {mark.line + 1}, column {mark.column + 1}" if mark else "an unknown place"
        problem = getattr(reason, "problem", None) or "it cannot be read"
        raise error(f"{path} is not valid YAML at {place}: {problem}", "Correct that line.") from None
    if not isinstance(content, dict):
        raise error(f"{path} holds no keys", "Write it as 'key: value' lines.")
    try:
        return model.model_validate(content)
    except ValidationError as reason:
        problem, remedy = _describe(reason, model)
        raise error(f"{path}: {problem}", remedy) from None
