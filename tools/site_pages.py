"""MkDocs hook: the pages of the documentation site that are generated from the code, not written.

mkdocs.yml names it. The reference of scenarios and recipes comes from their pydantic models, the commands from click,
the Python pages from each package's ``__all__``, and the project's own pages from the files in the repository's root.
"""

# ruff: noqa: INP001 - MkDocs loads this file by its path

from __future__ import annotations

import ast
import enum
import importlib
import inspect
import re
import sys
import textwrap
import types
import typing
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from mkdocs.structure.files import File
from pydantic import BaseModel
from pydantic_core import PydanticUndefined

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files
    from pydantic.fields import FieldInfo

ROOT = Path(__file__).resolve().parents[1]
FACADES = ("scenario", "cohort", "pacs", "probes", "deid", "grading", "notebook")
"""The packages that have a page under ``api/``, in the order of the layers."""
ROOT_PAGES = {"contributing.md": "CONTRIBUTING.md", "security.md": "SECURITY.md", "changelog.md": "CHANGELOG.md"}
"""Pages of the site that are files of the repository's root."""
CALIBRATION = "calibration.md"
"""A page that a measurement writes; a checkout need not have it."""
_PLAIN = {str: "text", int: "integer", float: "number", bool: "true or false", date: "date", Any: "any value"}
_BOUNDS = {"ge": "at least {}", "le": "at most {}", "gt": "more than {}", "lt": "less than {}"}


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Put the calibration of the text detector into the reference, where it has been measured."""
    (reference,) = [section["Reference"] for section in config.nav or [] if "Reference" in section]
    if (Path(config.docs_dir) / CALIBRATION).is_file() and CALIBRATION not in reference:
        reference.append(CALIBRATION)
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the generated pages to those of the docs folder."""
    source = str(ROOT / "src")
    if source not in sys.path:
        sys.path.insert(0, source)
    for name, text in generated_pages().items():
        files.append(File.generated(config, name, content=text))
    return files


def generated_pages() -> dict[str, str]:
    """Return every generated page as Markdown, by its path in the site."""
    pages = {f"api/{package}.md": facade_page(package) for package in FACADES}
    pages["reference/scenario.md"] = scenario_page()
    pages["reference/recipe.md"] = recipe_page()
    pages["reference/commands.md"] = commands_page()
    for name, file in ROOT_PAGES.items():
        pages[name] = root_page(ROOT / file)
    return pages


def root_page(path: Path) -> str:
    """Return a file of the repository's root with its links led to the site's pages."""
    text = path.read_text(encoding="utf-8")
    for name, file in ROOT_PAGES.items():
        text = text.replace(f"]({file}", f"]({name}")
    return text.replace("](docs/", "](")


# API pages


def facade_page(package: str) -> str:
    """Return the page of a package: each name of its ``__all__``, classes first, then functions and constants."""
    module = importlib.import_module(f"pacslab.{package}")
    summary, _, rest = inspect.cleandoc(module.__doc__ or "").partition("\n")
    lines = [f"# pacslab.{package}", "", summary, "", rest.strip(), ""]
    for title, names in _by_kind(module).items():
        if names:
            lines += [f"## {title}", ""]
            lines += [_public_name(f"pacslab.{package}.{name}", getattr(module, name)) for name in names]
    return "\n".join(lines)


def _public_name(path: str, value: Any) -> str:
    """Return the directive of a public name; a model's fields stand below it as a table."""
    if not (inspect.isclass(value) and issubclass(value, BaseModel)):
        return f"::: {path}\n"
    fields = "|".join(value.model_fields)
    options = f'    options:\n      filters: ["!^_", "!^({fields})$"]\n'
    return f"::: {path}\n{options}\n" + re.sub(r"\[(\w+)\]\(#\w+\)", r"`\1`", _table(value))


def _by_kind(module: types.ModuleType) -> dict[str, list[str]]:
    kinds: dict[str, list[str]] = {"Classes": [], "Functions": [], "Constants": []}
    for name in module.__all__:
        value = getattr(module, name)
        kind = "Classes" if inspect.isclass(value) else "Functions" if inspect.isroutine(value) else "Constants"
        kinds[kind].append(name)
    return kinds


# Pages of models


def scenario_page() -> str:
    """Return the reference of ``scenario.yaml`` and of the weakness registry."""
    from pacslab.scenario import Scenario  # noqa: PLC0415 - the path is set in on_files

    intro = """\
    # Scenario reference

    A scenario is a folder under `scenarios/`: `scenario.yaml`, whose keys stand here, the misconfigured `orthanc.json`,
    `handover.yaml`, and where it has them `network.yaml`, `nginx.conf` and a `README.md`. A weakness stands once, in
    `scenarios/weaknesses/<id>.yaml`, and a scenario names it by its id, or gives the id and whatever differs.

    What is missing or wrong is reported with the file, the key and what to do. `pacslab scenarios` lists what is there.
    [Contributing](../contributing.md) has the recipes: a scenario, a weakness, a probe.
    """
    return _page(intro, Scenario)


def recipe_page() -> str:
    """Return the reference of the cohort recipes in ``synthetic_data``."""
    recipe = type(_first_recipe())
    intro = """\
    # Cohort recipe reference

    A recipe is a file `synthetic_data/<id>.yaml`: a hospital, its people, its machines, and where its images hide who
    was examined. A recipe may begin with `extends: another-recipe` and say only what differs: mappings are merged key
    by key, a list replaces the list, `null` removes a key.

    ```yaml title="polyclinic.yaml"
    extends: clinique
    id: polyclinic
    hospital: {name: Polyclinique du Lac, domain: polyclinique-du-lac.example}
    locale: fr_CH
    word_lists: null
    traps: {banner: all, descriptors: 3}
    ```

    `pacslab synth polyclinic --recipes FOLDER --out images --key key.json` makes the images of a student, and the key.
    """
    return _page(intro, recipe)


def _first_recipe() -> BaseModel:
    from pacslab.cohort import load_recipe, recipe_names  # noqa: PLC0415 - the path is set in on_files

    return load_recipe(recipe_names()[0])


def _page(intro: str, root: type[BaseModel]) -> str:
    models, choices = reached_models(root)
    parts = [textwrap.dedent(intro)]
    parts += [_model_section(model) for model in models]
    if choices:
        parts.append("## Fixed choices\n")
        parts += [_choice_section(choice) for choice in choices]
    return "\n".join(parts)


def reached_models(root: type[BaseModel]) -> tuple[list[type[BaseModel]], list[type[enum.Enum]]]:
    """Return the models and the enumerations that a model's fields lead to, in reading order."""
    models: list[type[BaseModel]] = []
    choices: list[type[enum.Enum]] = []

    def visit(model: type[BaseModel]) -> None:
        if model in models:
            return
        models.append(model)
        leaves = [leaf for field in model.model_fields.values() for leaf in _leaves(field.annotation)]
        for leaf in leaves:
            if issubclass(leaf, BaseModel):
                visit(leaf)
            elif issubclass(leaf, enum.Enum) and leaf not in choices:
                choices.append(leaf)

    visit(root)
    return models, choices


def _leaves(annotation: Any) -> Iterator[type]:
    """Yield the classes that an annotation is made of."""
    if inspect.isclass(annotation) and not typing.get_args(annotation):
        yield annotation
    for part in typing.get_args(annotation):
        if not isinstance(part, str):
            yield from _leaves(part)


def _model_section(model: type[BaseModel]) -> str:
    return "\n".join([f"## {model.__name__}\n", _described(model), "", _table(model)])


def _table(model: type[BaseModel]) -> str:
    about = _field_docstrings(model)
    rows = [_row(name, field, about.get(name, "")) for name, field in model.model_fields.items()]
    return "\n".join(["| key | meaning | value | default |", "|---|---|---|---|", *rows, ""])


def _described(documented: type) -> str:
    """Return a class's docstring as Markdown, without the underlines of its sections."""
    return re.sub(r"``([^`]+)``", r"`\1`", inspect.cleandoc(documented.__doc__ or ""))


def _field_docstrings(model: type[BaseModel]) -> dict[str, str]:
    """Return the strings that stand below a model's fields, of the class and of its bases, by field."""
    found: dict[str, str] = {}
    for base in reversed(model.__mro__):
        if base is BaseModel or not issubclass(base, BaseModel):
            continue
        (tree,) = ast.parse(textwrap.dedent(inspect.getsource(base))).body
        body = tree.body if isinstance(tree, ast.ClassDef) else []
        for statement, following in pairwise(body):
            if (
                isinstance(statement, ast.AnnAssign)
                and isinstance(statement.target, ast.Name)
                and isinstance(following, ast.Expr)
                and isinstance(following.value, ast.Constant)
            ):
                found[statement.target.id] = inspect.cleandoc(str(following.value.value))
    return found


def _row(name: str, field: FieldInfo, about: str) -> str:
    value = _type(field.annotation)
    rules = ", ".join(_rules(field.metadata))
    meaning = about or field.description or ""
    cells = (f"`{name}`", _described_text(meaning), f"{value} ({rules})" if rules else value, _default(field))
    return "| " + " | ".join(cell.replace("|", "&#124;").replace("\n", " ") for cell in cells) + " |"


def _described_text(text: str) -> str:
    return re.sub(r"``([^`]+)``", r"`\1`", text)


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "**needed**"
    value = field.get_default(call_default_factory=True)
    if value is None or value is PydanticUndefined or value in ((), {}):
        return "none"
    if isinstance(value, enum.Enum):
        return f"`{value.value}`"
    if isinstance(value, BaseModel):
        return f"`{value.model_dump(mode='json')}`"
    return f"`{list(value) if isinstance(value, tuple) else value}`"


def _type(annotation: Any) -> str:
    """Return in words what stands at a key."""
    origin, parts = typing.get_origin(annotation), typing.get_args(annotation)
    if annotation in _PLAIN:
        words = _PLAIN[annotation]
    elif annotation is type(None):
        words = "nothing"
    elif inspect.isclass(annotation) and issubclass(annotation, (BaseModel, enum.Enum)):
        words = f"[{annotation.__name__}](#{annotation.__name__.lower()})"
    elif origin is typing.Annotated:
        rules = ", ".join(_rules(parts[1:]))
        words = f"{_type(parts[0])} ({rules})" if rules else _type(parts[0])
    elif origin is typing.Literal:
        words = " or ".join(f"`{part}`" for part in parts)
    elif origin in (tuple, list, set, frozenset):
        words = f"list of {_type(parts[0])}"
    elif origin is dict:
        words = f"mapping from {_type(parts[0])} to {_type(parts[1])}"
    elif origin in (typing.Union, types.UnionType):
        words = " or ".join(_type(part) for part in parts if part is not type(None))
    else:
        words = getattr(annotation, "__name__", str(annotation))
    return words


def _rules(metadata: Iterable[Any]) -> list[str]:
    """Return the constraints of a field in words."""
    rules: list[str] = []
    for rule in metadata:
        inner = getattr(rule, "metadata", None)
        if inner:
            rules += _rules(inner)
            continue
        rules += [words.format(getattr(rule, key)) for key, words in _BOUNDS.items() if hasattr(rule, key)]
        least, most = getattr(rule, "min_length", None), getattr(rule, "max_length", None)
        if least:
            rules.append("not empty" if least == 1 else f"{least} or more")
        if most:
            rules.append(f"up to {most}")
        pattern = getattr(rule, "pattern", None)
        if pattern:
            rules.append(f"like `{pattern}`")
    return rules


def _choice_section(choice: type[enum.Enum]) -> str:
    about = _member_comments(choice)
    rows = [f"- `{member.value}`{about.get(member.name, '')}" for member in choice]
    return "\n".join([f"### {choice.__name__}\n", _described(choice), "", *rows, ""])


def _member_comments(choice: type[enum.Enum]) -> dict[str, str]:
    """Return the comment behind each member of an enumeration, by its name."""
    found = re.findall(r"^    ([A-Z0-9_]+) = .*?  # (.+)$", inspect.getsource(choice), re.MULTILINE)
    return {name: f": {comment}" for name, comment in found}


# Commands


def commands_page() -> str:
    """Return the reference of the command line: every command with its arguments and options."""
    from pacslab.cli.main import cli  # noqa: PLC0415 - the path is set in on_files

    intro = """\
    # Commands

    Every command exits with 0 on success, with 1 when what was examined falls short, and with 2 on bad input or where
    the machine cannot do it; then a line reports what happened and what to do. `--json` prints the result for machines.
    """
    sections = [_command_section(command, f"pacslab {name}") for name, command in sorted(cli.commands.items())]
    return "\n".join([textwrap.dedent(intro), *sections])


def _command_section(command: click.Command, name: str) -> str:
    context = click.Context(command, info_name=name)
    usage = f"{name} {' '.join(command.collect_usage_pieces(context))}"
    about = inspect.cleandoc((command.help or "").replace("\b", ""))
    lines = [f"## {name}\n", about, "", f"```text\n{usage}\n```", ""]
    options = [parameter for parameter in command.params if isinstance(parameter, click.Option)]
    rows = [_option_row(option, context) for option in options]
    if rows:
        lines += ["| option | meaning |", "|---|---|", *rows, ""]
    if isinstance(command, click.Group):
        lines += [_command_section(part, f"{name} {key}") for key, part in sorted(command.commands.items())]
    return "\n".join(lines)


def _option_row(option: click.Option, context: click.Context) -> str:
    names, meaning = option.get_help_record(context) or (", ".join(option.opts), "")
    return f"| `{names}` | {meaning} |".replace("[", "\\[")
