"""The jinja environment of every HTML page and fragment.

Values are escaped everywhere, as names and comments come from DICOM files that may hold markup. A name that a template
uses and that it was not given is an error.
"""

from __future__ import annotations

from jinja2 import Environment, PackageLoader, StrictUndefined


def html_environment(package: str, *, trim_blocks: bool = False, lstrip_blocks: bool = False) -> Environment:
    """Return the environment of the templates in a package's ``templates`` folder.

    Parameters
    ----------
    package
        The package by its full name, such as ``pacslab.notebook``.
    trim_blocks, lstrip_blocks
        Whether the line end after a block, and the spaces before it, are left out of the page.

    Returns
    -------
    Environment
        A new one: filters and globals that the caller adds are the caller's own.

    """
    return Environment(
        loader=PackageLoader(package),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=trim_blocks,
        lstrip_blocks=lstrip_blocks,
    )
