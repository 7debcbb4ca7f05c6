"""What made a cohort - the generator, the lists of names, the codecs - and saying where it is not what is here.

Another generator, or other names, give the same student other patients; other codecs give compressed images other
bytes. Where either would be silent, answers and files look wrong and nobody knows why.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pacslab.cohort.answer_key import Origin
from pacslab.cohort.encoding.transfer_syntaxes import PINNED, codecs
from pacslab.cohort.recipe.name_lists import list_of_words, locales

if TYPE_CHECKING:
    from pacslab.cohort.recipe.recipe import Recipe

GENERATOR_VERSION = "7"
"""Goes up whenever the same variant would give other files; part of every cache key."""
_LIST = "faker "


def origin_of(recipe: Recipe) -> Origin:
    """Return what makes a recipe's cohorts on this machine."""
    return Origin(generator=GENERATOR_VERSION, words=recipe.words().origin | codecs())


def other_patients(theirs: Origin) -> str:
    """Return why the patients of an origin are not those that are made here, or the empty string."""
    if theirs.generator != GENERATOR_VERSION:
        made = f"generator {theirs.generator}" if theirs.generator else "an earlier generator"
        return f"they were made by {made}, and here is generator {GENERATOR_VERSION}"
    for name, value in sorted(theirs.words.items()):
        if not name.startswith(_LIST):
            continue
        locale = name.removeprefix(_LIST)
        here = list_of_words(locale).origin[name] if locale in locales() else "none"
        if here.rpartition(":")[2] != value.rpartition(":")[2]:
            return f"their names come from {name} {value.partition(' ')[0]}, and here is {here.partition(' ')[0]}"
    return ""


def other_bytes(theirs: dict[str, str]) -> str:
    """Return which packages that compress images have other versions here, or the empty string."""
    here = codecs()
    differ = [name for name in sorted(here) if theirs.get(name, here[name]) != here[name]]
    return ", ".join(f"{name} {theirs[name]} (here {here[name]})" for name in differ)


def describe_key_origin(origin: Origin) -> str:
    """Return what a person should know who uses a key that was not made here, and what to do; else an empty string."""
    patients = other_patients(origin) if origin != Origin() else ""
    if patients:
        return (
            f"The answer key tells of other patients than this machine makes: {patients}. Use it only with images of "
            "the same origin, or make both again with 'pacslab synth RECIPE --out FOLDER --key FILE'."
        )
    compressed = other_bytes(origin.words)
    if compressed:
        return (
            f"The answer key was made with {compressed}: compressed images have other bytes here. Use it with the "
            "images that it was made with, or install the versions that requirements.lock names and make both again."
        )
    return ""


def describe_this_machine() -> str:
    """Return which packages here are not those that requirements.lock names, and what to do; else an empty string."""
    differ = other_bytes(PINNED)
    if not differ:
        return ""
    return (
        f"Compressed images will not be byte by byte those of other machines: requirements.lock names {differ}. "
        "Install the versions that it names (pip install -r requirements.lock)."
    )
