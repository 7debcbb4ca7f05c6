"""Provenance of a cohort: versions of generator, name lists and codecs, and warnings where they differ here.

Another generator version or another name list gives the same student other patients; other codecs give compressed
images other bytes. Without a warning, answers and files would look wrong for no visible reason.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pacslab.cohort.answer_key import Origin
from pacslab.cohort.encoding.transfer_syntaxes import PINNED, codecs
from pacslab.cohort.recipe.name_lists import list_of_words, locales

if TYPE_CHECKING:
    from pacslab.cohort.recipe.recipe import Recipe

GENERATOR_VERSION = "7"
"""Raised whenever the same variant would give other files; part of every cache key."""
_FAKER_LIST = "faker "
"""Prefix of a name list's entry in :class:`~pacslab.cohort.Origin`; the rest is its locale."""


def origin_of(recipe: Recipe) -> Origin:
    """Return the provenance of a recipe's cohorts on this machine: generator, name lists and codecs.

    Examples
    --------
    >>> from pacslab.cohort import load_recipe
    >>> origin = origin_of(load_recipe("district-hospital"))
    >>> origin.generator == GENERATOR_VERSION
    True
    >>> sorted(origin.words)
    ['pillow', 'pylibjpeg-openjpeg', 'pylibjpeg-rle']

    """
    return Origin(generator=GENERATOR_VERSION, words=recipe.words().origin | codecs())


def other_patients(theirs: Origin) -> str:
    """Return why a cohort of this origin has other patients than one made here; '' if it has the same.

    Examples
    --------
    >>> from pacslab.cohort import Origin
    >>> other_patients(Origin(generator="1"))
    'they were made by generator 1, and here is generator ...'
    >>> other_patients(Origin(generator=GENERATOR_VERSION))
    ''

    """
    if theirs.generator != GENERATOR_VERSION:
        made = f"generator {theirs.generator}" if theirs.generator else "an earlier generator"
        return f"they were made by {made}, and here is generator {GENERATOR_VERSION}"
    for name, value in sorted(theirs.words.items()):
        if not name.startswith(_FAKER_LIST):
            continue
        locale = name.removeprefix(_FAKER_LIST)
        here = list_of_words(locale).origin[name] if locale in locales() else "none"
        if here.rpartition(":")[2] != value.rpartition(":")[2]:
            return f"their names come from {name} {value.partition(' ')[0]}, and here is {here.partition(' ')[0]}"
    return ""


def other_bytes(theirs: dict[str, str]) -> str:
    """Return the codec packages with another version here, with both versions; '' if there are none."""
    here = codecs()
    differing = [name for name in sorted(here) if theirs.get(name, here[name]) != here[name]]
    return ", ".join(f"{name} {theirs[name]} (here {here[name]})" for name in differing)


def describe_key_origin(origin: Origin) -> str:
    """Return a warning with its remedy if the answer key came from another machine, else ''."""
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
    """Return a warning with its remedy if a codec differs from requirements.lock, else ''."""
    differing = other_bytes(PINNED)
    if not differing:
        return ""
    return (
        f"Compressed images will not be byte by byte those of other machines: requirements.lock names {differing}. "
        "Install the versions that it names (pip install -r requirements.lock)."
    )
