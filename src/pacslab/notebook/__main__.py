"""Build the notebooks of a checkout from ``labs/source``: ``python -m pacslab.notebook``."""

from pathlib import Path

from pacslab.notebook.build_notebooks import write_notebooks

if __name__ == "__main__":
    checkout = Path(__file__).resolve().parents[3]
    for notebook in write_notebooks(checkout):
        print(notebook.relative_to(checkout))
