"""The audit as HTML: a fragment for a notebook, and one page that needs nothing else."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from pacslab.templating import html_environment

if TYPE_CHECKING:
    from jinja2 import Template


@cache
def _template(name: str) -> Template:
    return html_environment("pacslab.deid.audit.report", trim_blocks=True).get_template(name)


def fragment_of(report: Any) -> str:
    """Return an audit's report as HTML for a notebook's output."""
    return _template("report.html").render(report=report, most=12)


def page_of(report: Any) -> str:
    """Return an audit's report as a whole page, pictures inside."""
    return _template("page.html").render(title="De-identification audit", report=report)
