"""Change an option of ``orthanc.json`` from a cell, leave the rest of the file as it stands, and show what differs."""

from __future__ import annotations

import difflib
import json
import re
from typing import TYPE_CHECKING, Any

from pacslab.errors import ConfigurationError
from pacslab.pacs import known_options, parse_configuration, without_comments
from pacslab.scenario import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_SPACE = re.compile(r"\s*")
_WORDS = {"+": "new", "-": "gone"}


def with_options(text: str, options: Mapping[str, Any], name: str = "orthanc.json") -> str:
    """Return a configuration with some options set; comments and the other options keep their places.

    Parameters
    ----------
    text
        The file's content: JSON, comments allowed.
    options
        The new values by the options' names.
    name
        How to call the file in an error.

    Returns
    -------
    str
        The new content of the file.

    Raises
    ------
    ConfigurationError
        If the text is not a configuration, or Orthanc has no such option.

    Examples
    --------
    >>> print(with_options('{"AuthenticationEnabled": false}  // as shipped', {"AuthenticationEnabled": True}))
    {"AuthenticationEnabled": true}  // as shipped

    """
    parse_configuration(text, name)
    known = known_options()
    for option, value in options.items():
        places = dict(_values(text))
        if option not in places and option not in known:
            raise ConfigurationError(
                f"Orthanc has no option {option!r}", did_you_mean(option, known) or "See the names in orthanc.json."
            )
        written = json.dumps(value, indent=2, ensure_ascii=False).replace("\n", "\n  ")
        if option in places:
            start, end = places[option]
            text = text[:start] + written + text[end:]
        else:
            end = max((end for _, end in places.values()), default=without_comments(text).index("{") + 1)
            text = text[:end] + ("," if places else "") + f'\n  "{option}" : {written}' + text[end:]
    return text


def _values(text: str) -> Iterator[tuple[str, tuple[int, int]]]:
    """Yield each option of the outermost object, with start and end of its value in the text."""
    plain, decoder = without_comments(text), json.JSONDecoder()

    def after_space(place: int) -> int:
        found = _SPACE.match(plain, place)
        return found.end() if found else place

    place = after_space(plain.index("{") + 1)
    while plain[place] != "}":
        key, place = decoder.raw_decode(plain, place)
        start = after_space(after_space(place) + 1)
        _, place = decoder.raw_decode(plain, start)
        yield key, (start, place)
        place = after_space(place)
        if plain[place] == ",":
            place = after_space(place + 1)


def differing_lines(before: str, after: str) -> list[tuple[str, str, str]]:
    r"""Return sign, word and text of each line that is new or gone.

    Examples
    --------
    >>> differing_lines("a\nb", "a\nc")
    [('-', 'gone', 'b'), ('+', 'new', 'c')]

    """
    compared = difflib.ndiff(before.splitlines(), after.splitlines())
    return [(line[0], _WORDS[line[0]], line[2:]) for line in compared if line[0] in _WORDS]
