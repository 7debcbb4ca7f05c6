"""Name an attribute as a person finds it."""

from __future__ import annotations

from pydicom.datadict import keyword_for_tag


def attribute(path: str) -> str:
    """Return the keywords and the path of an attribute; other places as they are.

    Examples
    --------
    >>> attribute("(0010,0010)")
    'PatientName (0010,0010)'
    >>> attribute("(0040,0275)[0].(0032,1060)")
    'RequestAttributesSequence > RequestedProcedureDescription (0040,0275)[0].(0032,1060)'
    >>> attribute("pixels")
    'pixels'

    """
    if not path.startswith("("):
        return path
    steps = [keyword_for_tag(step[1:5] + step[6:10]) for step in path.split(".")]
    named = " > ".join(step for step in steps if step)
    return f"{named} {path}".strip()
