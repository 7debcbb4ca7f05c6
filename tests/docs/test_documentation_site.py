"""The generated pages of the documentation site: every public name, every key of the models, every command."""

import importlib.util
import re
from pathlib import Path

import click
import pytest
import yaml

import pacslab
from pacslab.cli.main import cli
from pacslab.cohort import Trap, load_recipe
from pacslab.scenario import Scenario

ROOT = Path(__file__).parents[2]


def load(name):
    specification = importlib.util.spec_from_file_location(name, ROOT / f"tools/{name}.py")
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


site_pages = load("site_pages")


@pytest.fixture(scope="module")
def pages():
    return site_pages.generated_pages()


@pytest.mark.parametrize("package", site_pages.FACADES)
def test_python_page_lists_every_public_name(pages, package):
    module = importlib.import_module(f"pacslab.{package}")
    listed = re.findall(rf"^::: pacslab\.{package}\.(\w+)$", pages[f"api/{package}.md"], re.MULTILINE)
    assert sorted(listed) == sorted(module.__all__)


def test_every_package_with_public_names_has_a_page():
    folder = Path(pacslab.__file__).parent
    packages = {path.parent.name for path in folder.glob("*/__init__.py") if "__all__" in path.read_text("utf-8")}
    assert packages - {"console"} == set(site_pages.FACADES)


@pytest.mark.parametrize(
    ("page", "model"),
    [("reference/scenario.md", Scenario), ("reference/recipe.md", type(load_recipe("clinique")))],
    ids=["scenario", "recipe"],
)
def test_reference_explains_every_key(pages, page, model):
    models, choices = site_pages.reached_models(model)
    assert len(models) > 8
    for part in models:
        section = pages[page].partition(f"## {part.__name__}\n")[2].partition("\n## ")[0]
        for key in part.model_fields:
            (row,) = re.findall(rf"^\| `{key}` \|.*\|$", section, re.MULTILINE)
            meaning = row.removesuffix(" |").split(" | ")[1]
            assert len(meaning) > 8, f"{part.__name__}.{key} is not explained: give the field a docstring"
    for choice in choices:
        assert all(f"- `{member.value}`" in pages[page] for member in choice)


def test_recipe_reference_explains_every_trap(pages):
    assert all(f"- `{trap.value}`: " in pages["reference/recipe.md"] for trap in Trap)


def test_command_reference_has_every_command_and_option(pages):
    def check(group, name):
        for key, command in group.commands.items():
            section = pages["reference/commands.md"].partition(f"## {name} {key}\n")[2].partition("\n## ")[0]
            assert command.help.splitlines()[0] in section
            options = [parameter for parameter in command.params if isinstance(parameter, click.Option)]
            assert all(option.opts[0] in section for option in options)
            if isinstance(command, click.Group):
                check(command, f"{name} {key}")

    check(cli, "pacslab")


def test_python_page_lists_the_fields_of_a_model(pages):
    assert "| `planted` |" in pages["api/cohort.md"]
    assert not re.findall(r"\]\(#", pages["api/cohort.md"])


def test_examples_in_a_docstring_are_shown_as_code():
    fenced = load("docstring_examples").fenced
    text = "Add.\n\n>>> [1][0]\n1\n\nExamples\n--------\n>>> 2\n2"
    assert fenced(text) == "Add.\n\n```pycon\n>>> [1][0]\n1\n```\n\nExamples\n--------\n>>> 2\n2"
    assert fenced("Only words.\n\nTwo paragraphs.") == "Only words.\n\nTwo paragraphs."


def test_site_asks_nobody_outside():
    class Loader(yaml.SafeLoader):
        pass

    Loader.add_multi_constructor("tag:yaml.org,2002:python/name:", lambda *_: None)
    settings = yaml.load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"), Loader)
    assert settings["theme"]["font"] is False
    assert not {"repo_url", "site_url", "extra_javascript"} & settings.keys()
    assert {next(iter(plugin)) if isinstance(plugin, dict) else plugin for plugin in settings["plugins"]} == {
        "search",
        "mkdocstrings",
    }
    pages = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "docs").rglob("*.md"))
    assert "```mermaid" not in pages
    assert not re.findall(r"(?:src=|!\[[^\]]*\]\()[\"']?https?:", pages)
