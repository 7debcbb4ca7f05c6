from .build_notebooks import build, sources
from .jupyter import fill_workspace, serve
from .lab import Lab

__all__ = [
    "Lab",
    "build",
    "fill_workspace",
    "serve",
    "sources",
]
