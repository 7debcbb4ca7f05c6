"""Every ratio of the lab against its reference, measured side by side in one run.

A time alone says more about the machine than about the lab, so every figure is divided by a reference that ran beside
it. Each module in ``figures/`` has ``measure(rounds)``, which yields :class:`ratio.Ratio` objects.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

FIGURES = Path(__file__).parent / "figures"
FIRST = ("starts",)
"""The others delete thousands of files, and for minutes ext4 looks long among them for a free inode."""


def main() -> None:
    """Print every ratio; exit with 1 where one is over its limit."""
    names = (path.stem for path in FIGURES.glob("*.py") if not path.stem.startswith("_"))
    known = sorted(names, key=lambda name: (name not in FIRST, name))
    parser = argparse.ArgumentParser(description="Ratios of the lab against references that run beside it.")
    parser.add_argument("figures", nargs="*", metavar="FIGURES", help=f"which of: {', '.join(known)} (default: all)")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    unknown = set(options.figures) - set(known)
    if unknown:
        parser.error(f"there are no figures {', '.join(sorted(unknown))}; there are: {', '.join(known)}")
    sys.path.insert(0, str(FIGURES))
    ratios = []
    with tempfile.TemporaryDirectory(prefix="pacslab-bench-") as folder:
        for name in ("HOME", "STATE", "CACHE"):
            os.environ[f"PACSLAB_{name}"] = f"{folder}/{name.lower()}"
        for name in options.figures or known:
            for ratio in importlib.import_module(name).measure(options.rounds):
                ratios.append(ratio)
                if not options.json:
                    print(ratio, flush=True)
    if options.json:
        print(json.dumps([{**asdict(ratio), "value": ratio.value, "good": ratio.good} for ratio in ratios], indent=2))
    sys.exit(not all(ratio.good for ratio in ratios))


if __name__ == "__main__":
    main()
