"""The lab inside a notebook: displays, the control panel, the notebooks' build."""

from pacslab.notebook.build_notebooks import build, sources
from pacslab.notebook.jupyter import fill_workspace, serve
from pacslab.notebook.lab import Lab

__all__ = [
    "Lab",
    "build",
    "fill_workspace",
    "serve",
    "sources",
]
