"""The configuration folder of a submission: ``orthanc.json``, parsed once, and the secrets that the student chose."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pacslab.errors import ConfigurationError
from pacslab.pacs import CONFIGURATION_FILE, parse_configuration

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@dataclass(frozen=True)
class ConfigurationFiles:
    """A folder with ``orthanc.json``: its options, or the ``problem`` for which they cannot be read."""

    folder: Path
    options: dict[str, Any] = field(default_factory=dict)
    problem: ConfigurationError | None = None

    def required_options(self) -> dict[str, Any]:
        """Return the options of ``orthanc.json``.

        Raises
        ------
        ConfigurationError
            If the file is missing, is no UTF-8, or cannot be parsed.

        """
        if self.problem is not None:
            raise self.problem
        return self.options

    def secrets(self) -> Iterator[tuple[str, str]]:
        """Yield (place, value) of the passwords and private keys; what cannot be read gives nothing."""
        users = self.options.get("RegisteredUsers")
        if isinstance(users, dict):
            for name, password in users.items():
                if isinstance(password, str):
                    yield f"the password of {name[:40]!r}", password
        for path in sorted(self.folder.rglob("*.key")) + sorted(self.folder.rglob("*.pem")):
            content = path.read_text(encoding="utf-8", errors="replace")
            if "PRIVATE KEY" in content:
                yield f"the private key {path.name}", "".join(content.split())


def read_configuration_files(folder: Path) -> ConfigurationFiles:
    """Return a folder's ``orthanc.json``; one that cannot be used is a problem of the result, and raises nothing."""
    try:
        return ConfigurationFiles(folder, _parsed(_text(folder)))
    except ConfigurationError as reason:
        return ConfigurationFiles(folder, problem=reason)


def _text(folder: Path) -> str:
    try:
        return (folder / CONFIGURATION_FILE).read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise ConfigurationError(f"there is no {CONFIGURATION_FILE}", "Hand in your configuration.") from None
    except (OSError, UnicodeDecodeError) as reason:
        raise ConfigurationError(f"{CONFIGURATION_FILE} cannot be read ({reason})", "Save it as UTF-8 text.") from None


def _parsed(text: str) -> dict[str, Any]:
    try:
        return parse_configuration(text, CONFIGURATION_FILE)
    except (ValueError, RecursionError, MemoryError):
        raise ConfigurationError(
            f"{CONFIGURATION_FILE} holds a number or a nesting that no server needs",
            "Write it as Orthanc's book shows.",
        ) from None
