"""The allowlist of configurations that the grader runs, option by option and value by value.

A student's ``orthanc.json`` is started on the instructor's machine, so nothing in it may name a file outside its folder
or a host outside the lab, load code, or ask for much of the machine. What the scenario itself ships may always stand.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from pacslab.errors import ConfigurationError
from pacslab.pacs import (
    CONFIGURATION_FILE,
    DICOM_PORT,
    HTTP_PORT,
    PROXY_FILE,
    check_configuration,
    nginx_directives,
)
from pacslab.pacs import LONGEST_NGINX_CONF as LONGEST_PROXY

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pacslab.grading.replay.configuration_files import ConfigurationFiles

_LONGEST = 256
_MOST = 64
_SWITCHES = frozenset(
    {
        "AuthenticationEnabled",
        "CaseSensitivePN",
        "CheckRevisions",
        "DeflatedTransferSyntaxAccepted",
        "DeidentifyLogs",
        "DicomAlwaysAllowEcho",
        "DicomAlwaysAllowFind",
        "DicomAlwaysAllowFindWorklist",
        "DicomAlwaysAllowGet",
        "DicomAlwaysAllowMove",
        "DicomAlwaysAllowStore",
        "DicomCheckCalledAet",
        "DicomCheckModalityHost",
        "DicomEchoChecksFind",
        "DicomModalitiesInDatabase",
        "DicomServerEnabled",
        "DicomTlsEnabled",
        "DicomTlsRemoteCertificateRequired",
        "H265TransferSyntaxAccepted",
        "HttpCompressionEnabled",
        "HttpDescribeErrors",
        "HttpServerEnabled",
        "HttpVerbose",
        "HttpsVerifyPeers",
        "IngestTranscodingOfCompressed",
        "IngestTranscodingOfUncompressed",
        "Jpeg2000TransferSyntaxAccepted",
        "JpegLosslessTransferSyntaxAccepted",
        "JpegTransferSyntaxAccepted",
        "JpipTransferSyntaxAccepted",
        "KeepAlive",
        "LoadPrivateDictionary",
        "LogExportedResources",
        "MetricsEnabled",
        "Mpeg2TransferSyntaxAccepted",
        "Mpeg4TransferSyntaxAccepted",
        "OrthancExplorerEnabled",
        "OverwriteInstances",
        "ReadOnly",
        "RemoteAccessAllowed",
        "RleTransferSyntaxAccepted",
        "SaveJobs",
        "SslEnabled",
        "SslVerifyPeers",
        "StorageCompression",
        "StoreDicom",
        "StoreMD5ForAttachments",
        "StrictAetComparison",
        "SyncStorageArea",
        "SynchronousCMove",
        "SynchronousZipStream",
        "TcpNoDelay",
        "TranscodeDicomProtocol",
        "UnknownSopClassAccepted",
        "WebDavDeleteAllowed",
        "WebDavEnabled",
        "WebDavUploadAllowed",
    }
)
_SANDBOXED = frozenset({"ExecuteLuaEnabled", "LuaScripts", "RestApiWriteToFileSystemEnabled"})
_NUMBERS: dict[str, tuple[int, int]] = {
    "ConcurrentJobs": (0, 16),
    "DicomAssociationCloseDelay": (0, 60),
    "DicomLossyTranscodingQuality": (1, 100),
    "DicomScpTimeout": (0, 300),
    "DicomScuTimeout": (0, 300),
    "DicomThreadsCount": (1, 32),
    "DicomTlsMinimumProtocolVersion": (0, 5),
    "HttpRequestTimeout": (0, 300),
    "HttpThreadsCount": (1, 100),
    "HttpTimeout": (0, 300),
    "JobsHistorySize": (0, 1000),
    "KeepAliveTimeout": (1, 60),
    "LimitFindInstances": (0, 1_000_000),
    "LimitFindResults": (0, 1_000_000),
    "MaximumConcurrentDicomAssociations": (0, 100),
    "MaximumFileSizeInArchiveMB": (0, 1024),
    "MaximumPatientCount": (0, 1_000_000),
    "MaximumPduLength": (4096, 131_072),
    "MaximumRequestBodySizeMB": (0, 1024),
    "MaximumStorageCacheSize": (0, 256),
    "MaximumStorageSize": (0, 1 << 20),
    "MediaArchiveSize": (0, 16),
    "QueryRetrieveSize": (1, 1000),
    "SslMinimumProtocolVersion": (0, 5),
    "StableAge": (1, 3600),
    "StorageCommitmentReportsSize": (0, 1000),
    "ZipLoaderThreads": (0, 8),
    "HttpPort": (HTTP_PORT, HTTP_PORT),
    "DicomPort": (DICOM_PORT, DICOM_PORT),
}
_WORDS = frozenset(
    {
        "BuiltinDecoderTranscoderOrder",
        "DatabaseServerIdentifier",
        "DefaultEncoding",
        "DefaultPrivateCreator",
        "DeidentifyLogsDicomVersion",
        "DicomAet",
        "DicomDefaultRetrieveMethod",
        "DicomScuPreferredTransferSyntax",
        "IngestTranscoding",
        "Locale",
        "MaximumStorageMode",
        "Name",
        "StorageAccessOnFind",
    }
)
_WORD_LISTS = frozenset({"AcceptedTransferSyntaxes", "DicomTlsCiphersAccepted", "SslCiphersAccepted"})
_FILES = frozenset(
    {
        "DicomTlsCertificate",
        "DicomTlsPrivateKey",
        "DicomTlsTrustedCertificates",
        "HttpsCACertificates",
        "SslCertificate",
        "SslTrustedClientCertificates",
    }
)
_DICOM_WEB = {
    "Enable": bool,
    "EnableWado": bool,
    "SSL": bool,
    "EnableMetadataCache": bool,
    "PublicRoot": str,
    "Root": str,
    "WadoRoot": str,
    "Host": str,
    "StudiesMetadata": str,
    "SeriesMetadata": str,
    "QidoCaseSensitive": bool,
    "MetadataWorkerThreadsCount": int,
    "StowMaxInstances": int,
    "StowMaxSize": int,
}
_ENTRY = frozenset({"AET", "Host", "Port", "Manufacturer", "Timeout", "UseDicomTls", "LocalAet", "RetrieveMethod"})
_HOST_VARIABLE = re.compile(r"\$\{[A-Z0-9_]{1,32}_HOST\}")
_PROXIED = re.compile(r"\$\{[A-Z0-9_]{1,32}_HOST\}(:\d{1,5})?")
_VARIABLE = re.compile(r"\$\{|\$\(")


@dataclass(frozen=True)
class Replayable:
    """A configuration's text that may be started; ``sandbox`` says why only in a container, if so."""

    text: str
    sandbox: tuple[str, ...] = ()


def replayable(submitted: ConfigurationFiles, shipped: ConfigurationFiles) -> Replayable:
    """Return the configuration of a submission, if all of it may be started on this machine.

    Parameters
    ----------
    submitted
        The submission's configuration.
    shipped
        The scenario's own: what stands in its ``orthanc.json`` and ``nginx.conf`` may always stand.

    Returns
    -------
    Replayable
        The text of ``orthanc.json`` as it was understood: without comments, and every name once.

    Raises
    ------
    ConfigurationError
        Naming the first option that may not, and why.

    """
    options, own = submitted.required_options(), shipped.required_options()
    check_configuration(options, CONFIGURATION_FILE)
    sandbox = []
    for option, value in options.items():
        if own.get(option) == value and type(own.get(option)) is type(value):
            continue
        if option in _SANDBOXED and value not in (False, []):
            sandbox.append(f"{option} runs code or writes files")
        check = _fault_of_sandboxed if option in _SANDBOXED else _fault
        fault = check(option, value, submitted.folder, own)
        if fault:
            raise ConfigurationError(
                f"{CONFIGURATION_FILE}: {option!r} {fault}, so it is not started for grading",
                "Nothing was counted for the server. What it earns is decided by a configuration that may run.",
            )
    _check_proxy(submitted.folder / PROXY_FILE, shipped.folder / PROXY_FILE)
    return Replayable(json.dumps(options, indent=1), tuple(sandbox))


def _check_proxy(path: Path, own: Path) -> None:
    """Refuse a reverse proxy that leads elsewhere; which directives it may use at all is the lab's own list."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        return
    except (OSError, UnicodeDecodeError) as reason:
        raise ConfigurationError(f"{PROXY_FILE} cannot be read ({reason})", "Save it as UTF-8 text.") from None
    if own.is_file() and own.read_text(encoding="utf-8-sig") == text:
        return
    if len(text) > LONGEST_PROXY:
        raise ConfigurationError(f"{PROXY_FILE} is longer than the lab runs", "Keep what the proxy needs.")
    found = list(nginx_directives(text))
    upstreams = {words[1] for _, words in found if words[0] == "upstream" and len(words) > 1}
    for line, words in found:
        target = words[1] if len(words) > 1 else ""
        if words[0] == "proxy_pass":
            host = re.sub(r"^https?://", "", target).partition("/")[0]
        elif words[0] == "server" and target:
            host = target
        else:
            continue
        if host not in upstreams and not _PROXIED.fullmatch(host):
            raise ConfigurationError(
                f"{PROXY_FILE} leads to {host[:60]!r} at line {line}, so it is not started for grading",
                "Name the archive by variable: http://${ARCHIVE_HOST}:8042.",
            )


def _fault(option: str, value: Any, folder: Path, own: dict[str, Any]) -> str:
    checks: tuple[tuple[bool, Callable[[], str]], ...] = (
        (option in _SWITCHES, lambda: "" if isinstance(value, bool) else "must be true or false"),
        (option in _NUMBERS, lambda: _fault_of_number(value, *_NUMBERS.get(option, (0, 0)))),
        (option in _WORDS, lambda: _fault_of_words(value)),
        (option in _WORD_LISTS, lambda: _fault_of_list(value)),
        (option in _FILES, lambda: _fault_of_file(value, folder)),
        (option == "RegisteredUsers", lambda: _fault_of_users(value)),
        (option == "DicomModalities", lambda: _fault_of_modalities(value, own.get("DicomModalities"))),
        (option == "OrthancPeers", lambda: "" if value == {} else "names other servers"),
        (option == "DicomWeb", lambda: _fault_of_dicom_web(value, own.get("DicomWeb"))),
        (option == "ExtraMainDicomTags", lambda: _fault_of_tags(value)),
        (option == "Warnings", lambda: _fault_of_switches(value)),
        (option == "HttpProxy", lambda: "" if value == "" else "names another server"),
    )
    for applies, fault in checks:
        if applies:
            return fault()
    return "is not among the options that are replayed"


def _fault_of_sandboxed(option: str, value: Any, folder: Path, _own: dict[str, Any]) -> str:
    if option != "LuaScripts":
        return "" if isinstance(value, bool) else "must be true or false"
    if not isinstance(value, list) or len(value) > _MOST:
        return f"must be a list of at most {_MOST} files"
    return next(
        (fault for name in value if (fault := _fault_of_file(name, folder) or ("" if name else "is empty"))), ""
    )


def _fault_of_number(value: Any, low: int, high: int) -> str:
    if isinstance(value, bool) or not isinstance(value, int):
        return "must be a whole number"
    return "" if low <= value <= high else f"asks for {str(value)[:20]}, and {low} to {high} are allowed"


def _fault_of_words(value: Any) -> str:
    if not isinstance(value, str) or len(value) > _LONGEST or not value.isprintable():
        return f"must be a text of at most {_LONGEST} characters"
    return "names a variable of the machine" if _VARIABLE.search(value) else ""


def _fault_of_list(value: Any) -> str:
    if not isinstance(value, list) or len(value) > _MOST:
        return f"must be a list of at most {_MOST} texts"
    return next((fault for word in value if (fault := _fault_of_words(word))), "")


def _fault_of_file(value: Any, folder: Path) -> str:
    if value == "":
        return ""
    fault = _fault_of_words(value)
    if fault:
        return fault
    path = PurePosixPath(value)
    if path.is_absolute() or ".." in path.parts or "\\" in value:
        return f"names a file outside its folder ({value[:80]!r})"
    if not (folder / path).is_file() or (folder / path).is_symlink():
        return f"names a file that was not handed in ({value[:80]!r})"
    return ""


def _fault_of_users(value: Any) -> str:
    if not isinstance(value, dict) or len(value) > _MOST:
        return f"must be a table of at most {_MOST} users"
    return next((fault for pair in value.items() for word in pair if (fault := _fault_of_words(word))), "")


def _fault_of_modalities(value: Any, own: Any) -> str:
    if not isinstance(value, dict) or len(value) > _MOST:
        return f"must be a table of at most {_MOST} devices"
    for name, entry in value.items():
        if isinstance(own, dict) and own.get(name) == entry:
            continue
        fault = _fault_of_words(name) or _fault_of_entry(entry)
        if fault:
            return f"({name[:20]!r}) {fault}"
    return ""


def _fault_of_entry(entry: Any) -> str:
    if isinstance(entry, list):
        entry = dict(zip(("AET", "Host", "Port", "Manufacturer"), entry, strict=False))
    if not isinstance(entry, dict):
        return "is not written as a device"
    for key, value in entry.items():
        if key.startswith("Allow") or key == "UseDicomTls":
            fault = "" if isinstance(value, bool) else f"has a {key!r} that is not true or false"
        elif key not in _ENTRY:
            fault = f"has an unknown key {key[:30]!r}"
        elif key in {"Port", "Timeout"}:
            fault = _fault_of_number(value, 0, 65535)
        elif key == "Host":
            fault = (
                ""
                if _is_lab_host(value)
                else f"points at another host ({str(value)[:60]!r}), not at a variable such as ${{CT01_HOST}}"
            )
        else:
            fault = _fault_of_words(value)
        if fault:
            return fault
    return ""


def _is_lab_host(value: Any) -> bool:
    """Return whether a host is one of the lab: by variable, as addresses differ from one deployment to the next."""
    return isinstance(value, str) and _HOST_VARIABLE.fullmatch(value) is not None


def _fault_of_dicom_web(value: Any, own: Any) -> str:
    if not isinstance(value, dict):
        return "must be a table"
    for key, inner in value.items():
        if isinstance(own, dict) and own.get(key) == inner:
            continue
        if key == "Servers" and inner == {}:
            continue
        kind = _DICOM_WEB.get(key)
        if kind is None:
            return f"has a key that is not replayed ({key[:30]!r})"
        if type(inner) is not kind:
            return f"has a {key!r} of another kind"
        fault = _fault_of_words(inner) if kind is str else _fault_of_number(inner, 0, 1000) if kind is int else ""
        if fault:
            return f"({key}) {fault}"
    return ""


def _fault_of_tags(value: Any) -> str:
    levels = ("Instance", "Series", "Study", "Patient")
    if not isinstance(value, dict) or set(value) - set(levels):
        return "must list tags for Instance, Series, Study or Patient"
    return next((fault for tags in value.values() if (fault := _fault_of_list(tags))), "")


def _fault_of_switches(value: Any) -> str:
    if (
        not isinstance(value, dict)
        or len(value) > _MOST
        or not all(isinstance(switch, bool) for switch in value.values())
    ):
        return "must be a table of true and false"
    return ""
