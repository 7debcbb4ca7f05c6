"""The archive's data: made once for a variant, kept as a storage snapshot, copied into each deployment.

Loading goes through Orthanc itself, so a snapshot belongs to one Orthanc version; a second start copies files and
asks no server anything.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import secrets
import shutil
import tempfile
import zipfile
import zlib
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import pydicom
from pydicom.errors import InvalidDicomError

from pacslab.cohort import GENERATOR_VERSION, AnswerKey, Cohort, build_cohort, is_synthetic, load_recipe
from pacslab.errors import DeploymentError
from pacslab.pacs.archive.snapshot_cache import UNFINISHED_PREFIX, prune_cache
from pacslab.pacs.archive.storage_layout import keep_storage, prepare_storage, same_owner
from pacslab.pacs.archive.upload import batches, send_batch
from pacslab.pacs.runtimes.base import ServerSpec
from pacslab.paths import cache_root

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from concurrent.futures import Future

    from pacslab.pacs.runtimes.base import Network, Owner, Runtime, Server
    from pacslab.scenario import Scenario, Variant

    Progress = Callable[[str, float], None]

MAX_SNAPSHOTS = 24
BACKUP = "archive-2025-01-06.zip"
_BACKUP_INSTANCES = 40
_AGAIN = "Try again; if it happens twice, report it."
_KEY_FILE = "answer_key.json"


def cohort_of(scenario: Scenario, variant: Variant) -> Cohort:
    """Return a variant's cohort: its people and plan, no pixels yet."""
    return build_cohort(load_recipe(scenario.cohort), variant)


class ArchiveData:
    """One variant's data for one Orthanc version in one runtime (whose servers own the files)."""

    def __init__(self, scenario: Scenario, variant: Variant, runtime: str, orthanc_version: str) -> None:
        self._scenario = scenario
        self._variant = variant
        self._orthanc_version = orthanc_version
        made_of = load_recipe(scenario.cohort)
        recipe = made_of.model_dump_json().encode() + json.dumps(made_of.words().origin, sort_keys=True).encode()
        parts = [variant.seed, recipe, GENERATOR_VERSION.encode(), runtime.encode(), orthanc_version.encode()]
        digest = hashlib.sha256(b"\x00".join(hashlib.sha256(part).digest() for part in parts)).hexdigest()
        self.folder = cache_root() / "archives" / f"{scenario.id}-{digest[:24]}"

    @property
    def ready(self) -> bool:
        """Return whether the snapshot exists; a half-made one never has this name."""
        return self.folder.is_dir()

    def cohort(self) -> Cohort:
        """Return the variant's cohort: its people and plan, no pixels yet."""
        return cohort_of(self._scenario, self._variant)

    def answer_key(self) -> AnswerKey:
        """Return the complete answer key, computed at the first call and kept in the snapshot."""
        kept = self.folder / _KEY_FILE
        with suppress(FileNotFoundError):
            return AnswerKey.model_validate_json(kept.read_bytes())
        key = self.cohort().answer_key()
        beside = kept.with_name(f"{_KEY_FILE}.{secrets.token_hex(4)}")
        with suppress(FileNotFoundError):  # there may be no snapshot any more
            beside.write_text(key.model_dump_json(), encoding="utf-8")
            beside.replace(kept)
        return key

    def write_backup(self, folder: Path) -> None:
        """Write last year's backup into a folder that a proxy serves: some patients' studies, as real DICOM, zipped.

        Made once; the same variant gives the same bytes.
        """
        backup = folder / "backup"
        target = backup / BACKUP
        if target.exists():
            return
        backup.mkdir(parents=True, exist_ok=True)
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in islice(self.cohort().instances(), _BACKUP_INSTANCES):
                archive.writestr(zipfile.ZipInfo(name, (2025, 1, 6, 3, 0, 0)), content, zipfile.ZIP_DEFLATED)
        target.write_bytes(buffer.getvalue())
        backup.chmod(0o755)
        target.chmod(0o644)

    def make(  # noqa: PLR0917
        self,
        runtime: Runtime,
        owner: Owner,
        network: Network,
        name: str,
        progress: Progress,
        generated: Callable[[], None] = lambda: None,
    ) -> None:
        """Generate the data, load it through an Orthanc of this runtime, and keep its storage as the snapshot.

        Parameters
        ----------
        runtime, owner, network
            Where the loading server runs; it ends before this returns.
        name
            The name (and so the address) that it borrows in the network.
        progress
            Called with a message and the fraction done.
        generated
            Called when every image has been made; the last of them are still being loaded.

        Raises
        ------
        DeploymentError
            If Orthanc did not take every instance.

        """
        self.folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self.folder.parent, prefix=UNFINISHED_PREFIX) as making:
            folder = Path(making) / "server"
            folder.mkdir()
            password = secrets.token_urlsafe(24)
            configuration = {
                "Name": "loading",
                "DicomServerEnabled": False,
                "RemoteAccessAllowed": True,
                "AuthenticationEnabled": True,
                "RegisteredUsers": {"loader": password},
                "SaveJobs": False,
                "SyncStorageArea": False,  # what a power cut spoils is made again
                "MetricsEnabled": False,
            }
            spec = ServerSpec(name, configuration, folder)
            prepare_storage(spec.data, self._orthanc_version)
            with ThreadPoolExecutor(1) as loading:
                starting = loading.submit(runtime.start, owner, network, spec)
                cohort = self.cohort()
                answers, made = [], 0
                for batch in batches(cohort.instances(collect=False)):
                    answers.append(loading.submit(_load, starting, password, batch))
                    made += len(batch)
                    progress("Making the hospital's images", made / cohort.count)
                generated()
                taken = sum(answer.result() for answer in answers)
            if taken != cohort.count:
                raise DeploymentError(f"the archive took {taken} of {cohort.count} instances", _AGAIN)
            runtime.stop(starting.result())
            kept = Path(making) / "kept"
            keep_storage(spec.data, kept, self._orthanc_version)
            with suppress(OSError):  # another start of the same variant was faster
                kept.rename(self.folder)
        self._prune()

    def copy_index(self, target: Path) -> None:
        """Empty a server's data folder and copy the snapshot's index into it; the server cannot start without."""
        shutil.rmtree(target, ignore_errors=True)
        target.mkdir(parents=True)
        for index in self.folder.glob("index*"):
            shutil.copyfile(index, target / index.name)
            same_owner(index, target / index.name)
        same_owner(self.folder, target)
        os.utime(self.folder)

    def link_images(self, target: Path) -> None:
        """Link the snapshot's images into a server's data folder; the server reads them only when asked for them."""
        for folder, _, names in os.walk(self.folder):
            beside = target / Path(folder).relative_to(self.folder)
            if not beside.is_dir():
                beside.mkdir()
                same_owner(Path(folder), beside)
            for name in names:
                if not name.startswith((_KEY_FILE, "index")):
                    _link_or_copy(f"{folder}/{name}", f"{beside}/{name}")

    def _prune(self) -> None:
        prune_cache(self.folder, MAX_SNAPSHOTS)

    def refuse_foreign_data(self, data: Path) -> None:
        """Refuse a data folder that holds DICOM instances which are not synthetic.

        Only the files that were added since the snapshot are read.

        Raises
        ------
        DeploymentError
            Naming the instance.

        """
        for path in self._added(data):
            dataset = _dataset(path)
            if dataset is not None and not is_synthetic(dataset):
                uid = dataset.get("SOPInstanceUID", "without a UID")
                raise DeploymentError(
                    f"the archive holds an instance that is not synthetic ({uid}); a lab serves only invented people",
                    "Run reset to delete it and begin with the shipped data; never load real images into a lab.",
                )

    def _added(self, data: Path) -> Iterator[Path]:
        """Yield the files of a data folder that the snapshot does not hold."""
        for folder, _, names in os.walk(data):
            before = f"{self.folder}{folder[len(str(data)) :]}"
            for name in names:
                path = f"{folder}/{name}"
                if not name.startswith("index") and not os.path.exists(f"{before}/{name}") and os.path.isfile(path):  # noqa: PTH110, PTH113
                    yield Path(path)


def _link_or_copy(source: str, target: str) -> None:
    """Share a stored image, which Orthanc writes once and only ever removes."""
    try:
        os.link(source, target)
    except OSError:  # another file system, or one without links
        shutil.copyfile(source, target)
        same_owner(Path(source), Path(target))


def _dataset(path: Path) -> pydicom.Dataset | None:
    """Return the header of a stored DICOM file, or None if the file is something else of Orthanc's."""
    content = path.read_bytes()
    if content[128:132] != b"DICM":
        try:
            content = zlib.decompress(content[8:])  # StorageCompression: the size as 64 bits, then zlib
        except zlib.error:
            return None
    try:
        return pydicom.dcmread(io.BytesIO(content), stop_before_pixels=True)
    except (InvalidDicomError, EOFError, ValueError):
        return None


def _load(starting: Future[Server], password: str, batch: list[tuple[str, bytes]]) -> int:
    """Send instances to the server that has been starting; return how many it took."""
    server = starting.result()
    try:
        return send_batch(f"{server.url}/instances", ("loader", password), batch)
    except DeploymentError as reason:
        raise DeploymentError(reason.problem, _AGAIN) from None
