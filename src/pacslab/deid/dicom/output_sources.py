"""Outputs that are no folder: a ZIP file, and a lab's own Orthanc server. Both within the same bounds as a folder."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import httpx

from pacslab.deid.dicom import output_folder
from pacslab.deid.dicom.output_folder import Listed, OutputFolder
from pacslab.errors import DeidError
from pacslab.pacs import require_lab_address
from pacslab.safe_zip import UnsafeZipError, ZipFault, ZipLimits, open_zip, read_entry

if TYPE_CHECKING:
    import zipfile
    from collections.abc import Iterator

    from pacslab.deid.dicom.output_folder import Source

MAX_DIRECTORY = 16 << 20
"""The most that a ZIP file's list of contents may take; a list of 2,000 files takes about 200 kB."""
_ENCRYPTED = 0x1
_PAGE = 500
TIMEOUT = 30.0


def open_source(where: Path | str) -> Source:
    """Return an output by what names it: a folder, a ZIP file, or the address of a lab's Orthanc server.

    Raises
    ------
    UnsafeAddressError
        If the address is none of the lab's.

    """
    if isinstance(where, str) and where.startswith(("http://", "https://")):
        return OutputServer(where)
    path = Path(where)
    return OutputZip(path) if path.is_file() and not path.is_symlink() else OutputFolder(path)


@dataclass
class OutputZip:
    """The files of a ZIP file, unpacked one after the other and only in memory."""

    path: Path
    notes: list[str] = field(default_factory=list)

    @property
    def root(self) -> Path:
        """Return the ZIP file's path."""
        return self.path

    def contents(self) -> Iterator[tuple[str, bytes]]:
        """Yield (name, bytes) of every file of up to 128 MB, together up to 2 GB.

        Raises
        ------
        DeidError
            If it is no ZIP file, is damaged, empty, or lists too many files.

        """
        with self._opened() as archive:
            listed = [entry for entry in archive.infolist() if not entry.is_dir()]
            if not listed:
                raise DeidError(f"{self.path} holds no file", "Put the de-identified images into it.")
            if len(listed) > output_folder.MAX_FILES:
                raise DeidError(
                    f"{self.path} holds {len(listed):,} files, more than {output_folder.MAX_FILES:,}",
                    "Keep only the files that you de-identified, then check again.",
                )
            left = output_folder.MAX_BYTES
            for entry in listed:
                content = self._unpacked(archive, entry, min(left, output_folder.MAX_FILE_BYTES))
                if content is not None:
                    left -= len(content)
                    yield entry.filename, content

    def listed(self) -> Iterator[Listed]:
        """Yield the same files, with their bytes."""
        return (Listed(name, len(content), content) for name, content in self.contents())

    def again(self, name: str) -> bytes:
        """Return the bytes of a file that was read before; none where they cannot be read."""
        with self._opened() as archive:
            return self._unpacked(archive, archive.getinfo(name), output_folder.MAX_FILE_BYTES) or b""

    @contextmanager
    def _opened(self) -> Iterator[zipfile.ZipFile]:
        with ExitStack() as opened:
            try:
                file = opened.enter_context(self.path.open("rb"))
                archive = opened.enter_context(open_zip(file, ZipLimits(MAX_DIRECTORY)))
            except (OSError, ValueError) as error:
                raise DeidError(
                    f"{self.path} cannot be read as a ZIP file ({error})", "Hand in the folder, or pack it again."
                ) from error
            yield archive

    def _unpacked(self, archive: zipfile.ZipFile, entry: zipfile.ZipInfo, limit: int) -> bytes | None:
        """Return an entry's bytes, or None where it was not read; the size that it claims is not believed."""
        name = entry.filename[:120]
        path = PurePosixPath(entry.filename.replace("\\", "/"))
        if set(path.parts) & output_folder.CLUTTER or "__MACOSX" in path.parts:
            return None
        if reason := _unwelcome(path) or ("is encrypted and was not read" if entry.flag_bits & _ENCRYPTED else ""):
            self.notes.append(f"{name} {reason}")
            return None
        try:
            return read_entry(archive, entry, limit)
        except UnsafeZipError as error:
            how = f"cannot be unpacked ({error})" if error.fault is ZipFault.DAMAGED else f"was not read: {error}"
            self.notes.append(f"{name} {how}")
            return None


def _unwelcome(path: PurePosixPath) -> str:
    """Return why a name in a ZIP file is not followed; empty where it is."""
    if path.is_absolute() or ".." in path.parts or ":" in path.parts[0]:
        return "leads out of the ZIP file and was not read"
    if len(path.parts) > output_folder.MAX_DEPTH + 1:
        return f"lies more than {output_folder.MAX_DEPTH} folders deep and was not read"
    return ""


class OutputServer:
    """The instances of an Orthanc server of the lab; names are Orthanc's own identifiers.

    Parameters
    ----------
    url
        Such as ``http://127.0.20.1:8042`` or ``http://user:password@127.0.0.1:8042``.

    Raises
    ------
    UnsafeAddressError
        If the address is none of the lab's.
    DeidError
        If the address is not one of a web server.

    """

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.hostname is None:
            raise DeidError(f"{url!r} is no address of a server", "Write it as http://127.0.0.1:8042.")
        require_lab_address(parts.hostname)
        self.notes: list[str] = []
        self._address = f"{parts.scheme}://{parts.hostname}:{parts.port or 8042}"
        account = (parts.username, parts.password or "") if parts.username else None
        self._client = httpx.Client(
            base_url=self._address, auth=account, timeout=TIMEOUT, trust_env=False, follow_redirects=False
        )

    @property
    def root(self) -> str:
        """Return the server's address."""
        return self._address

    def contents(self) -> Iterator[tuple[str, bytes]]:
        """Yield (identifier, bytes) of every instance of up to 128 MB, together up to 2 GB.

        Raises
        ------
        DeidError
            If the server does not answer, refuses, is empty, or holds more than 2,000 instances.

        """
        names = self._names()
        if not names:
            raise DeidError(f"the server {self.root} holds no image", "Store the de-identified images there.")
        left = output_folder.MAX_BYTES
        for name in names:
            content = self._downloaded(name, min(left, output_folder.MAX_FILE_BYTES))
            if content is None:
                self.notes.append(f"instance {name} was not read: it is too large")
                continue
            left -= len(content)
            yield name, content

    def listed(self) -> Iterator[Listed]:
        """Yield the same files, with their bytes."""
        return (Listed(name, len(content), content) for name, content in self.contents())

    def again(self, name: str) -> bytes:
        """Return the bytes of an instance that was read before."""
        return self._downloaded(name, output_folder.MAX_FILE_BYTES) or b""

    def _names(self) -> list[str]:
        names: list[str] = []
        while True:
            page = self._ask(f"/instances?since={len(names)}&limit={_PAGE}").json()
            names += [str(name) for name in page]
            if len(names) > output_folder.MAX_FILES:
                raise DeidError(
                    f"the server {self.root} holds more than {output_folder.MAX_FILES:,} instances",
                    "Keep only what you de-identified, then check again.",
                )
            if len(page) < _PAGE:
                return sorted(names)

    def _ask(self, path: str) -> httpx.Response:
        try:
            answer = self._client.get(path)
            answer.raise_for_status()
        except httpx.HTTPError as error:
            raise DeidError(
                f"the server {self.root} cannot be read ({error})",
                "Start it, and give user name and password in the address if it asks for them.",
            ) from error
        return answer

    def _downloaded(self, name: str, limit: int) -> bytes | None:
        content = bytearray()
        try:
            with self._client.stream("GET", f"/instances/{name}/file") as answer:
                answer.raise_for_status()
                for piece in answer.iter_bytes():
                    content += piece
                    if len(content) > limit:
                        return None
        except httpx.HTTPError as error:
            raise DeidError(f"the server {self.root} stopped answering ({error})", "Check again.") from error
        return bytes(content)
