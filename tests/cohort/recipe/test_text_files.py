"""The texts of forms and reports are data, checked when they are loaded."""

from __future__ import annotations

import pytest
import yaml

from pacslab.cohort.recipe.recipe import recipe_names
from pacslab.cohort.recipe.sections import Country
from pacslab.cohort.recipe.texts import load_texts, texts_of
from pacslab.errors import ScenarioError
from pacslab.paths import shipped


@pytest.fixture
def content():
    return yaml.safe_load((shipped("synthetic_data") / "texts" / "french.yaml").read_text(encoding="utf-8"))


def test_texts_of_every_country_load_once():
    for country in Country:
        assert texts_of(country) is texts_of(country)
    assert texts_of(Country.FRANCE).language.code == "fr"
    assert texts_of(Country.INDIA) == texts_of(Country.USA)


def test_texts_are_not_listed_as_recipes():
    assert not {"english", "french", "texts"} & set(recipe_names())


@pytest.mark.parametrize(
    ("key", "value", "named"),
    [
        ("phrases.request_reason", "Relecture", "phrases.request_reason: .*{name}"),
        ("phrases.image_comment", "{name} {number} {words} {age}", "phrases.image_comment: .*no other"),
        ("phrases.conclusion", None, "'phrases.conclusion' is missing"),
        ("form.labels", ["Nom"], "form.labels"),
        ("form.titel", "ADMISSION", "'form.titel' is unknown"),
    ],
)
def test_text_file_with_a_fault_is_refused_by_file_and_key(content, tmp_path, key, value, named):
    section, _, name = key.partition(".")
    content[section] |= {name: value}
    if value is None:
        del content[section][name]
    (tmp_path / "french.yaml").write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")
    with pytest.raises(ScenarioError, match=named) as refused:
        load_texts("french", tmp_path)
    assert "french.yaml" in str(refused.value)


def test_text_file_that_is_absent_is_named(tmp_path):
    with pytest.raises(ScenarioError, match=r"german\.yaml does not exist"):
        load_texts("german", tmp_path)
