"""Output of commands: JSON for machines, a progress bar for people."""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click
from pydantic import BaseModel
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def out(content: Any) -> None:
    """Print plain data, or a pydantic model, as JSON."""
    plain = content.model_dump(mode="json") if isinstance(content, BaseModel) else content
    click.echo(json.dumps(plain, indent=2, ensure_ascii=False))


@contextmanager
def progress_shown(*, quiet: bool) -> Iterator[Callable[[str, float], None]]:
    """Yield a progress callback: a bar on a terminal, lines elsewhere, nothing if ``quiet``."""
    if quiet:
        yield lambda _text, _part: None
        return
    errors = Console(stderr=True)
    if not errors.is_terminal:
        seen: set[str] = set()

        def line(text: str, _part: float) -> None:
            if text not in seen:
                seen.add(text)
                errors.print(f"{text} ...", highlight=False)

        yield line
        return
    with Progress(TextColumn("{task.description}"), BarColumn(), console=errors, transient=True) as bar:
        task = bar.add_task("", total=1.0)
        yield lambda text, part: bar.update(task, description=text, completed=part)
