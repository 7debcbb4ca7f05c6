"""Running the package ``deid`` in a process of its own: it logs, and its name is a common one."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path

from deid.dicom import DicomCleaner, replace_identifiers

from pacslab.deid.benchmark.tools import named_files


def main() -> None:
    """De-identify the files of one folder into another."""
    best, source, target = sys.argv[1] == "best", Path(sys.argv[2]), Path(sys.argv[3])
    for path, name in named_files(source):
        with contextlib.suppress(Exception):
            given = str(path)
            if best:
                cleaner = DicomCleaner(output_folder=str(target.parent / "deid-pixels"))
                if cleaner.detect(given)["flagged"]:
                    cleaner.clean()
                    given = cleaner.save_dicom() or given
            changed = replace_identifiers(given, remove_private=best, strip_sequences=best)[0]
            changed.save_as(target / name)


if __name__ == "__main__":
    main()
