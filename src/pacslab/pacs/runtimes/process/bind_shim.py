"""Build the bind shim (``bind_shim.c``), which keeps a server on its loopback address, and keep it in the cache."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from importlib import resources
from pathlib import Path

from pacslab.errors import RuntimeUnavailableError
from pacslab.paths import cache_root

_SEPARATORS = re.compile(r"[\s:$]")  # ld.so ends a path there, and would load nothing


def find_compiler() -> str | None:
    """Return the C compiler of this machine, or None."""
    return shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")


def shim_library() -> Path:
    """Return the compiled shim, compiling it if this source was never compiled on this machine.

    Raises
    ------
    RuntimeUnavailableError
        If there is no C compiler, or it fails.

    """
    source = resources.files("pacslab.pacs.runtimes.process").joinpath("bind_shim.c").read_bytes()
    target = cache_root() / f"shim-{os.uname().machine}-{hashlib.sha256(source).hexdigest()[:16]}.so"
    if target.is_file():
        return target
    command = find_compiler()
    if command is None:
        raise RuntimeUnavailableError(
            "the process runtime needs a C compiler once, and this machine has none",
            "Install one (Debian, Ubuntu: apt-get install gcc libc6-dev), or use Docker.",
        )
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        (Path(folder) / "bind_shim.c").write_bytes(source)
        made = Path(folder) / "shim.so"
        result = subprocess.run(  # noqa: S603
            [command, "-shared", "-fPIC", "-O2", "-o", str(made), str(Path(folder) / "bind_shim.c"), "-ldl", "-lrt"],
            capture_output=True,
            text=True,
            check=False,
        )
        if result.returncode != 0:
            raise RuntimeUnavailableError(
                f"the C compiler {command} could not build the address shim",
                "Install the C library's headers (Debian, Ubuntu: apt-get install libc6-dev), or use Docker.",
                tuple(result.stderr.splitlines()[-5:]),
            )
        made.replace(target)
    return target


def preload(folder: Path) -> str:
    """Return the value of ``LD_PRELOAD`` for a server that starts in a folder below this one (ld.so(8)).

    Raises
    ------
    RuntimeUnavailableError
        If the shim cannot be compiled.

    """
    library = shim_library()
    if not _SEPARATORS.search(str(library)):
        return str(library)
    link = folder / "shim.so"
    link.unlink(missing_ok=True)
    link.symlink_to(library)
    return f"../{link.name}"
