"""The instructors' guide, and the commands that its sections say to type."""

import re

from pacslab.paths import shipped

GUIDE = (shipped("instructor") / "README.md").read_text(encoding="utf-8")


def commands_in(heading):
    """Return the lines that a section says to type, for other tests that type them."""
    section = GUIDE.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    assert section, heading
    return re.findall(r"^ {4,}(\S.*)$", section, re.MULTILINE)
