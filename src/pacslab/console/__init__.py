"""What the terminal shows: tables and progress."""

from pacslab.console.output import out, progress_shown
from pacslab.console.tables import assessment_tables, demo_table, status_line, status_table

__all__ = [
    "assessment_tables",
    "demo_table",
    "out",
    "progress_shown",
    "status_line",
    "status_table",
]
