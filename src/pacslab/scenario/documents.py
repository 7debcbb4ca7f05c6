"""Read a YAML file into a pydantic model, with errors that name file, key and remedy.

Scenarios, cohort recipes and the student's handover are read here.
"""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pacslab.errors import PacslabError

M = TypeVar("M", bound=BaseModel)
_DEEPEST = 64
_SafeLoader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the one in C is ten times as fast


def did_you_mean(word: str, known: list[str]) -> str:
    """Return ``Did you mean 'x'?`` for the nearest known word, else the empty string.

    Examples
    --------
    >>> did_you_mean("open-archiv", ["open-archive", "web-viewer"])
    "Did you mean 'open-archive'?"
    >>> did_you_mean("frobnicate", ["open-archive", "web-viewer"])
    ''

    """
    near = difflib.get_close_matches(word, known, n=1, cutoff=0.6)
    if not near:
        lower = {name.lower(): name for name in known}
        near = difflib.get_close_matches(word.lower(), list(lower), n=1, cutoff=0.6)
        near = [lower[name] for name in near]
    return f"Did you mean {near[0]!r}?" if near else ""


def _keys(model: type[BaseModel], path: tuple[Any, ...]) -> list[str]:
    """Return the keys of the (nested) model at ``path``; empty where the annotation names no model."""
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


def describe_invalid(error: ValidationError, model: type[BaseModel]) -> tuple[str, str]:
    """Return the problem of a document, by its key, and the remedy."""
    # A misspelt key is two errors, an unknown key and a missing key; the unknown key tells more.
    first = min(error.errors(), key=lambda problem: problem["type"] != "extra_forbidden")
    path = first["loc"]
    where = ".".join(str(step) for step in path) or "the file"
    more = len(error.errors()) - 1
    rest = f" ({more} more {'problem' if more == 1 else 'problems'} below it)" if more else ""
    if first["type"] == "extra_forbidden":
        hint = did_you_mean(str(path[-1]), _keys(model, path[:-1]))
        return f"the key {where!r} is unknown{rest}", hint or "Remove it."
    if first["type"] == "missing":
        return f"the key {where!r} is missing{rest}", f"Add {path[-1]!r}."
    message = first["msg"].removeprefix("Value error, ")
    return f"{where}: {message}{rest}", f"Correct {where!r}."


def read_utf8(path: Path, error: type[PacslabError], name: str | None = None) -> str:
    """Return the text of a file in UTF-8, without the byte order mark that some editors write.

    Parameters
    ----------
    path
        The file.
    error
        What to raise where it is not readable, or not UTF-8.
    name
        How to call the file in the error; its path unless given.

    Raises
    ------
    FileNotFoundError
        If there is no such file.

    """
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise
    except (OSError, UnicodeDecodeError) as reason:
        raise error(f"{name or path} cannot be read ({reason})", "Save it as UTF-8 text.") from None


def read_mapping(path: Path, error: type[PacslabError]) -> dict[str, Any]:
    """Return the keys and values of a YAML file, unchecked.

    Parameters
    ----------
    path
        The file: UTF-8, nested at most 64 levels deep.
    error
        The class of the error to raise.

    Raises
    ------
    PacslabError
        Of the class ``error``, if the file is missing, unreadable, no YAML, nested too deeply or not a mapping.

    Examples
    --------
    >>> from pathlib import Path
    >>> from pacslab.errors import ScenarioError
    >>> read_mapping(Path("no-such.yaml"), ScenarioError)
    Traceback (most recent call last):
        ...
    pacslab.errors.ScenarioError: no-such.yaml does not exist. Create it, or restore it from the scenario.

    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise error(f"{path} does not exist", "Create it, or restore it from the scenario.") from None
    except (OSError, UnicodeDecodeError) as reason:
        raise error(f"{path} cannot be read ({reason})", "Make it a readable UTF-8 text file.") from None
    try:
        if _too_deep(text):
            raise error(f"{path} is nested more than {_DEEPEST} levels deep", "Write it as the shipped file shows.")
        content = yaml.load(text, _SafeLoader)  # noqa: S506  (it is a safe one)
    except yaml.YAMLError as reason:
        mark = getattr(reason, "problem_mark", None)
        place = f"line {mark.line + 1}, column {mark.column + 1}" if mark else "an unknown place"
        problem = getattr(reason, "problem", None) or "it cannot be read"
        raise error(f"{path} is not valid YAML at {place}: {problem}", "Correct that line.") from None
    if not isinstance(content, dict):
        raise error(f"{path} holds no keys", "Write it as 'key: value' lines.")
    return content


def _too_deep(text: str) -> bool:
    """Return whether a YAML text nests too deeply: libyaml recurses, and a stack overflow ends the program."""
    depth = 0
    for event in yaml.parse(text, _SafeLoader):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > _DEEPEST:
            return True
    return False


def check_document(content: dict[str, Any], path: Path, model: type[M], error: type[PacslabError]) -> M:
    """Return the model of a file's content.

    Raises
    ------
    PacslabError
        Of the class ``error``, with file, key and remedy, if the content does not fit the model.

    """
    try:
        return model.model_validate(content)
    except ValidationError as reason:
        problem, remedy = describe_invalid(reason, model)
        raise error(f"{path}: {problem}", remedy) from None


def read_yaml(
    path: Path,
    model: type[M],
    error: type[PacslabError],
    prepare: Callable[[dict[str, Any], Path], dict[str, Any]] | None = None,
) -> M:
    """Return the model of a YAML file.

    Parameters
    ----------
    path
        The file.
    model
        The pydantic model to fill.
    error
        The class of the error to raise.
    prepare
        Called with the content and the path before the model is filled; returns the content to use.

    Returns
    -------
    BaseModel
        An instance of ``model``.

    Raises
    ------
    PacslabError
        Of the class ``error``, with file, key and remedy, if the file is unreadable or does not fit.

    """
    content = read_mapping(path, error)
    return check_document(content if prepare is None else prepare(content, path), path, model, error)
