"""Mistakes in a recipe come back as file, key and remedy."""

from __future__ import annotations

import pytest
import yaml

from pacslab.cohort.recipe.recipe import Kind, load_recipe
from pacslab.cohort.recipe.traps import Trap
from pacslab.errors import ScenarioError
from pacslab.paths import shipped


@pytest.fixture
def edited(tmp_path):
    """Return a function that loads the shipped recipe after an edit."""

    def load(edit):
        content = yaml.safe_load((shipped("synthetic_data") / "district-hospital.yaml").read_text())
        edit(content)
        (tmp_path / "district-hospital.yaml").write_text(yaml.safe_dump(content))
        return load_recipe("district-hospital", tmp_path)

    return load


def test_recipe_unknown_suggests_the_right_name():
    with pytest.raises(ScenarioError, match="Did you mean 'district-hospital'"):
        load_recipe("district-hospitl")


def test_recipe_untouched_loads(edited):
    assert edited(lambda _: None).id == "district-hospital"


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (lambda r: r.update(hospitel={}), "'hospitel' is unknown"),
        (lambda r: r.pop("names"), "give either 'names'"),
        (lambda r: r["names"].update(family=["Acharya"] * 40), "'names.family' needs 18 different entries"),
        (lambda r: r["names"]["family"].append("Station"), "patient name 'Station' is also a word of the hospital"),
        (lambda r: r["names"]["male"].append("Vikram"), "patient name 'Vikram' is also a member of the staff"),
        (lambda r: r["hospital"].update(domain="jan-arogya.in"), "hospital.domain"),
        (lambda r: r["hospital"].update(postcode_prefix="411"), "hospital.postcode_prefix"),
        (lambda r: r["studies"][0]["studies"].update(most=1_000_000), "studies.0.studies.most"),
        (lambda r: r["studies"][0]["studies"].update(least=0), "at least 2 studies of kind chest-ct"),
        (lambda r: r["studies"][0].update(images=0), "studies.0.images"),
        (lambda r: r["studies"].append(r["studies"][0]), "must list each kind once"),
        (lambda r: r.update(studies=r["studies"][2:]), "must be 4 to 500 together|more than half|must lie between"),
        (lambda r: r["studies"][0]["studies"].update(least=500, most=500), "must be 4 to 500 together"),
        (lambda r: (r.pop("names"), r.update(locale="fr_FX")), "no names for the locale 'fr_FX'. Did you mean 'fr_"),
        (lambda r: (r.pop("names"), r.update(locale="tlh")), "no names for the locale 'tlh'"),
        (
            lambda r: (r.pop("names"), r.update(locale="fr_FR", word_lists={"faker fr_FR": "0" * 64})),
            "the same students would get other patients",
        ),
        (lambda r: r.update(locale="fr_FR"), "either 'names'"),
        (lambda r: r["studies"][0].update(images=25), "is at most 24, not 25"),
        (lambda r: r["studies"][0].update(extras=["cine"]), "has no cine"),
        (lambda r: r["studies"][0].update(encodings=["jpeg"]), "holds eight bits"),
        (lambda r: r["studies"][0].update(encodings=["rel"]), "Did you mean 'rle'"),
        (lambda r: r.update(traps={"preambel": 3}), "traps"),
        (lambda r: r.update(traps="impossible"), "traps"),
        (lambda r: r.update(people={"family": 1}), "shares its name with nobody"),
        (lambda r: r.update(people={"family": 6, "over_89": 5, "two_ids": 1}), "asks for 12 special patients"),
        (lambda r: r.update(people={"two_ids": 2}), "needs as many 'returning'"),
        (lambda r: r.update(character_set="ISO_IR 6"), "character_set"),
        (lambda r: r["studies"][2]["findings"][0].update(shape="kidney-ston"), "Did you mean 'kidney-stone'"),
        (lambda r: r.update(returning={"least": 3, "most": 1}), "least .3. is more than most .1."),
        (lambda r: r.update(returning={"least": 9, "most": 9}), "more than half"),
        (lambda r: r.update(cover_pages={"least": 0, "most": 2}), "'cover_pages' must lie between 2"),
        (lambda r: r.update(today="2020-01-01"), "'today' must be after"),
        (lambda r: r["period"].update(last="2019-09-05"), "at least 30 days"),
        (lambda r: r["prominent"].update(occupations=["Chairwoman of the district council"]), "occupations"),
        (lambda r: r.update(id="other"), "Write 'id: district-hospital'"),
    ],
)
def test_recipe_mistake_is_named(edited, edit, words):
    with pytest.raises(ScenarioError, match=words) as caught:
        edited(edit)
    assert "district-hospital.yaml" in caught.value.problem
    assert caught.value.remedy


def test_recipe_extends_another_in_a_few_lines(tmp_path):
    (tmp_path / "village.yaml").write_text("extends: clinique\nid: village\nhospital: {name: Clinique du Val}\n")
    recipe = load_recipe("village", tmp_path)
    assert recipe.hospital.name == "Clinique du Val"
    assert recipe.hospital.domain == load_recipe("clinique").hospital.domain


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("extends: cliniqe\nid: a-b\n", "Did you mean 'clinique'"),
        ("extends: a-b\nid: a-b\n", "extends itself"),
        ("extends: clinique\n", "Write 'id: a-b'"),
        ("[]", "holds no keys"),
    ],
)
def test_recipe_extending_nothing_is_named(tmp_path, text, words):
    (tmp_path / "a-b.yaml").write_text(text)
    with pytest.raises(ScenarioError) as caught:
        load_recipe("a-b", tmp_path)
    assert words in caught.value.problem + caught.value.remedy
    assert "a-b" in caught.value.problem


def test_recipe_example_of_the_readme_loads(tmp_path):
    readme = (shipped("synthetic_data") / "README.md").read_text(encoding="utf-8")
    lines = [line[4:] for line in readme.splitlines() if line.startswith("    ")]
    (tmp_path / "polyclinic.yaml").write_text("\n".join(lines), encoding="utf-8")
    recipe = load_recipe("polyclinic", tmp_path)
    assert recipe.hospital.name in readme
    assert recipe.studies_with(Trap.DESCRIPTORS) == 3
    assert recipe.studies_with(Trap.PREAMBLE) == 0
    for kind in Kind:
        assert f"`{kind}`" in readme
