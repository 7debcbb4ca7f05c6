"""What the project's own pages name exists: files, folders, functions, commands, targets and versions."""

import ast
import re
import tomllib
from pathlib import Path

import click
import pytest
import yaml

from pacslab.cli.main import cli
from pacslab.cohort import GENERATOR_VERSION
from pacslab.probes import Side, Target, registry
from pacslab.probes.attack import web_helpers
from pacslab.scenario import Severity
from pacslab.version import __version__

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md")] + sorted(
    (ROOT / "docs").rglob("*.md")
)
TEXTS = {str(page.relative_to(ROOT)): page.read_text(encoding="utf-8") for page in PAGES}
BASES = (".", "src/pacslab", "src/pacslab/cohort", "instructor")
"""Where the pages' paths begin: the page says which."""
TOP = {path.name for path in ROOT.iterdir()} | {
    path.name for base in BASES[1:] for path in (ROOT / base).iterdir() if path.is_dir()
}
MADE = ("dist", ".build", ".venv", "labs/ipynb", "build")
"""What set-up and builds make, and a checkout does not have."""
LINK = re.compile(r"\[[^\]]*\]\(([^)#\s]+)(?:#[^)]*)?\)")
GENERATED = {"contributing.md", "security.md", "changelog.md", "scenario.md", "recipe.md", "commands.md"}
GENERATED |= {f"{name}.md" for name in ("cohort", "pacs", "probes", "deid", "grading", "notebook")}


def number_in(folder, pattern):
    """Return a number that stands once in a package's source."""
    text = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "src/pacslab" / folder).rglob("*.py"))
    (number,) = re.findall(pattern, text, re.MULTILINE)
    return number


GRADER_VERSION = number_in("grading", r"^GRADER_VERSION = (\d+)$")


def code_spans(text):
    """Return what stands between back-ticks outside of blocks of code."""
    prose = re.sub(r"^```.*?^```|^ {4,}\S.*?$", "", text, flags=re.MULTILINE | re.DOTALL)
    return re.findall(r"`([^`\n]+)`", prose)


def paths_in(text):
    """Return the code spans that are paths of the repository."""
    spans = {
        span.strip("./").rstrip("/") if not span.startswith(".") else span.rstrip("/") for span in code_spans(text)
    }
    inside = re.compile(r"\.?[\w-]+(/[\w.-]+)+|[\w-]+\.(md|py|toml|yml|yaml|cff|sh)|\.[a-z-]+(\.yaml)?")
    found = {span for span in spans if inside.fullmatch(span)}
    return sorted(span for span in found if span.split("/")[0] in TOP or (ROOT / span.split("/")[0]).exists())


@pytest.mark.parametrize(("page", "path"), [(page, path) for page, text in TEXTS.items() for path in paths_in(text)])
def test_path_that_a_page_names_exists(page, path):
    assert path.startswith(MADE) or any((ROOT / base / path).exists() for base in BASES), f"{page} names {path}"


@pytest.mark.parametrize("page", TEXTS)
def test_links_of_a_page_lead_to_files(page):
    for target in LINK.findall(TEXTS[page]):
        if target.startswith(("https://", "http://")):
            continue
        assert Path(target).name in GENERATED or ((ROOT / page).parent / target).exists(), f"{page} links to {target}"


@pytest.mark.parametrize("page", ["docs/architecture.md"])
def test_function_that_a_journey_names_stands_in_its_file(page):
    named = re.findall(r"`([\w/]+\.py)` · `(\w+)`", TEXTS[page])
    assert len(named) > 15
    for path, name in named:
        tree = ast.parse((ROOT / "src/pacslab" / path).read_text(encoding="utf-8"))
        assert name in {node.name for node in tree.body if hasattr(node, "name")}, f"{page}: {path} has no {name}"


def section(title):
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    return text.partition(f"## {title}\n")[2].partition("\n## ")[0]


def test_contributing_example_of_a_probe_registers_one(monkeypatch):
    monkeypatch.setattr(registry, "PROBES", {})
    example = "\n".join(re.findall(r"^ {8}(.*)$", section("Add an attack probe"), re.MULTILINE))
    names = {**vars(registry), **vars(web_helpers), "Side": Side, "Severity": Severity, "Target": Target}
    exec(compile(example, "CONTRIBUTING.md", "exec"), names)
    assert registry.PROBES["http-statistics"].explanation == "Ask the archive for its figures without logging in."


def test_contributing_recipe_of_an_object_names_what_is_there():
    source = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "src/pacslab/cohort").rglob("*.py"))
    names = re.findall(r"`(_?[A-Z_]{4,}|_[a-z]+|[A-Z][a-z]+|identify|mention)`", section("Add a kind of DICOM object"))
    assert len(names) > 8
    for name in names:
        assert re.search(rf"^ *(?:class |def )?{name}\b *[:=(]", source, re.MULTILINE), f"nothing is called {name}"


@pytest.mark.parametrize("page", TEXTS)
def test_make_target_that_a_page_names_exists(page):
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in re.findall(r"(?:`|^ {4})make ([a-z]+)", TEXTS[page], re.MULTILINE):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), f"{page} names 'make {target}'"


@pytest.mark.parametrize("page", TEXTS)
def test_command_that_a_page_names_exists(page):
    for words in re.findall(r"(?:`|/|^ {4})pacslab ([a-z]+(?: [a-z]+)?)\b", TEXTS[page], re.MULTILINE):
        first, _, second = words.partition(" ")
        assert first in cli.commands, f"{page} names 'pacslab {first}'"
        group = cli.commands[first]
        if second and isinstance(group, click.Group):
            assert second in group.commands, f"{page} names 'pacslab {words}'"


@pytest.mark.parametrize("page", TEXTS)
def test_option_that_a_page_names_exists(page):
    commands = {" ".join(names): command for names, command in every_command(cli, ())}
    for words, option in re.findall(r"pacslab ([a-z]+(?: [a-z]+)?)[^`\n]*? (--[a-z-]+)", TEXTS[page]):
        command = commands.get(words) or commands.get(words.split()[0])
        assert command is None or option in known_options(command), f"{page}: 'pacslab {words}' has no {option}"


def every_command(group, names):
    for name, command in group.commands.items():
        yield (*names, name), command
        if isinstance(command, click.Group):
            yield from every_command(command, (*names, name))


def known_options(command):
    return {"--help"} | {name for parameter in command.params for name in parameter.opts}


def test_changelog_newest_version_is_the_package_version():
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    versions = re.findall(r"^## \[(.+?)\](?: - (\d{4}-\d\d-\d\d))?$", text, re.MULTILINE)
    assert versions[0] == ("Unreleased", "")
    assert versions[1][0] == __version__
    assert all(day for name, day in versions[1:])
    kinds = set(re.findall(r"^### (.+)$", text, re.MULTILINE))
    assert kinds <= {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}
    unreleased = text.partition("## [Unreleased]")[2]
    assert f"Generator {GENERATOR_VERSION}, grader {GRADER_VERSION}" in unreleased.partition("\n## ")[0]


def test_citation_has_what_the_format_needs_and_this_version():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert {"cff-version", "message", "title", "authors", "version", "date-released", "license"} <= citation.keys()
    assert citation["cff-version"] == "1.2.0"
    assert citation["version"] == __version__
    assert [author["name"] for author in citation["authors"]] == ["The PACS Lab authors"]
    assert f"[{__version__}] - {citation['date-released']}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("number", "value"),
    [
        ("package", __version__),
        ("generator", GENERATOR_VERSION),
        ("grader", GRADER_VERSION),
        (
            "schema of `submission.json`",
            number_in("grading", r"^class SubmissionNote\(.*\n(?:.*\n)*?    schema_version: Literal\[(\d+)\]"),
        ),
        ("schema of a ticket", number_in("grading", r"^_PREFIX = \"pacslab-ticket-(\d+)\"$")),
    ],
)
def test_versions_page_gives_todays_numbers(number, value):
    assert re.search(rf"^\| {re.escape(number)}[^|]*\| {value} \|", TEXTS["docs/versions.md"], re.MULTILINE)


def test_workflow_and_gate_run_the_same_script():
    workflow = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text(encoding="utf-8"))
    steps = [step.get("run") for job in workflow["jobs"].values() for step in job["steps"]]
    assert "bash .ci/run" in steps
    gate = (ROOT / ".ci/run").read_text(encoding="utf-8")
    assert all(f"make {target}" in gate for target in ("lint", "docs", "test"))


@pytest.mark.parametrize("form", sorted((ROOT / ".github/ISSUE_TEMPLATE").glob("*.yml")), ids=lambda path: path.stem)
def test_issue_form_is_whole(form):
    content = yaml.safe_load(form.read_text(encoding="utf-8"))
    if form.stem == "config":
        assert content == {"blank_issues_enabled": False}
        return
    assert {"name", "description", "body"} <= content.keys()
    assert all(part["type"] in {"markdown", "textarea", "input", "checkboxes"} for part in content["body"])


def test_hooks_call_tools_of_the_checkout_and_fetch_nothing():
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))
    assert [repository["repo"] for repository in hooks["repos"]] == ["local"]
    programs = {hook["entry"].split()[0] for repository in hooks["repos"] for hook in repository["hooks"]}
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    packages = " ".join(scripts["dev"])
    for program in programs:
        name = program.removeprefix(".venv/bin/").replace("lint-imports", "import-linter")
        assert name in packages if program.startswith(".venv/") else (ROOT / program).exists()
