"""Griffe extension: fence the examples of docstrings, so that the Python pages show them as code.

An example that stands in the text and not below the heading "Examples" would be read as Markdown: prompts as
quotations, lists as links.
"""
# ruff: noqa: INP001 - mkdocstrings loads this file by its path

from __future__ import annotations

import re
from typing import Any

import griffe

_SECTION = re.compile(r"^Examples?\n-{3,}\n", re.MULTILINE)


def fenced(text: str) -> str:
    """Return a docstring with each example above the section of examples in a block of code."""
    section = _SECTION.search(text)
    end = section.start() if section else len(text)
    paragraphs = re.split(r"\n\s*\n", text[:end])
    prose = [f"```pycon\n{part.strip()}\n```" if part.startswith(">>> ") else part for part in paragraphs]
    return "\n\n".join(prose) + text[end:]


class FenceExamples(griffe.Extension):
    """Fence the examples of every docstring that is read."""

    def on_object(self, *, obj: griffe.Object, **_kwargs: Any) -> None:
        """Rewrite the docstring of one object, if it has one."""
        if obj.docstring is not None:
            obj.docstring.value = fenced(obj.docstring.value)
