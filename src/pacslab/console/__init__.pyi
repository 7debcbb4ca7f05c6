from .output import out, progress_shown
from .tables import OUTCOMES, assessment_tables, demo_table, status_line, status_table

__all__ = [
    "OUTCOMES",
    "assessment_tables",
    "demo_table",
    "out",
    "progress_shown",
    "status_line",
    "status_table",
]
