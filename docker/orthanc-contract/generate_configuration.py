"""Print one Orthanc configuration merged from files and environment, and enable the plugins that it names."""  # noqa: INP001

import json
import os
import pathlib
import sys
from typing import Any

DEFAULTS = {
    "StorageDirectory": "/var/lib/orthanc/db",
    "RemoteAccessAllowed": True,
    "AuthenticationEnabled": True,
    "HttpsCACertificates": "/etc/ssl/certs/ca-certificates.crt",
    "Plugins": ["/run/orthanc/plugins", "/usr/share/orthanc/plugins"],
}
PLUGINS = {
    "DicomWeb": "libOrthancDicomWeb.so",
    "Gdcm": "libOrthancGdcm.so",
    "Housekeeper": "libHousekeeper.so",
    "Worklists": "libModalityWorklists.so",
}


def merge(into: dict[str, Any], other: dict[str, Any], source: pathlib.Path) -> None:
    """Add one source to the configuration; two files must not set the same option."""
    for key, value in other.items():
        if isinstance(value, dict) and isinstance(into.get(key), dict):
            merge(into[key], value, source)
        elif key in into:
            sys.exit(f"ERROR: {key} is set twice, the second time in {source}")
        else:
            into[key] = value


def from_environment() -> dict[str, Any]:
    """Return what ORTHANC_JSON and the ORTHANC__SECTION__OPTION variables say."""
    found = json.loads(os.environ.get("ORTHANC_JSON", "{}"))
    for name, text in os.environ.items():
        if not name.startswith("ORTHANC__"):
            continue
        # ORTHANC__DICOM_AET names DicomAet, ORTHANC__DICOM_WEB__ROOT names DicomWeb.Root.
        path = ["".join(word.capitalize() for word in part.split("_")) for part in name.split("__")[1:]]
        try:
            value = json.loads(text)
        except ValueError:
            value = text
        place = found
        for part in path[:-1]:
            place = place.setdefault(part, {})
        place[path[-1]] = value
    return found


def main() -> None:
    """Merge files, secrets and environment in the official order; defaults fill what nobody set."""
    configuration: dict[str, Any] = {}
    for folder in ("/etc/orthanc", "/run/secrets"):
        for path in sorted(pathlib.Path(folder).glob("*.json")):
            merge(configuration, json.loads(path.read_text(encoding="utf-8")), path)
    configuration.update(from_environment())
    configuration = {**DEFAULTS, **configuration}
    if configuration["AuthenticationEnabled"] and not configuration.get("RegisteredUsers"):
        sys.exit("ERROR: authentication is enabled, but RegisteredUsers names nobody")
    available = pathlib.Path("/usr/share/orthanc/plugins-available")
    enabled = pathlib.Path("/run/orthanc/plugins")
    if not enabled.is_dir():
        enabled = pathlib.Path("/usr/share/orthanc/plugins")
    for section, library in PLUGINS.items():
        if section in configuration and not (enabled / library).exists():
            (enabled / library).write_bytes((available / library).read_bytes())
    json.dump(configuration, sys.stdout, indent=1)


main()
