"""The storage snapshot: its index is rewritten for a known Orthanc alone, and any other one's is kept as it lies."""

import sqlite3
import time
from contextlib import closing

import httpx
import pytest

from pacslab.pacs.archive import storage_layout
from pacslab.pacs.archive.snapshot import ArchiveData
from pacslab.pacs.archive.storage_layout import keep_storage, prepare_storage
from pacslab.pacs.runtimes.base import Owner, ServerSpec
from pacslab.pacs.runtimes.process.runtime import ProcessRuntime
from pacslab.scenario import load_scenario, make_variant

UUIDS = ["a1b2c3d4-0000-4000-8000-000000000001", "a1b2ffff-0000-4000-8000-000000000002"]


def index_of(folder, schema):
    with closing(sqlite3.connect(folder / "index")) as index, index:
        index.execute("CREATE TABLE GlobalProperties(property INTEGER PRIMARY KEY, value TEXT)")
        index.execute("CREATE TABLE AttachedFiles(id INTEGER, fileType INTEGER, uuid TEXT)")
        if schema is not None:
            index.execute("INSERT INTO GlobalProperties VALUES(1, ?)", (schema,))
        index.executemany("INSERT INTO AttachedFiles VALUES(?, 1, ?)", enumerate(UUIDS))


def uuids_in(folder):
    with closing(sqlite3.connect(folder / "index")) as index:
        return [uuid for (uuid,) in index.execute("SELECT uuid FROM AttachedFiles ORDER BY id")]


def stored(folder):
    """Return the path of every attachment below a storage area."""
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*-*") if path.is_file())


@pytest.fixture
def keep(tmp_path):
    """Return a function that stores two attachments as an Orthanc would, keeps them, and returns the snapshot."""

    def keep_with(version, schema):
        data, kept = tmp_path / "data", tmp_path / "kept"
        prepare_storage(data, version)
        index_of(data, schema)
        for uuid in UUIDS:
            place = data / uuid[:2] / uuid[2:4]
            place.mkdir(parents=True, exist_ok=True)
            (place / uuid).write_text(uuid, encoding="ascii")
        keep_storage(data, kept, version)
        return kept

    return keep_with


@pytest.mark.parametrize("version", ["1.10.1", "1.12.7", "1.13.0"])
def test_snapshot_of_a_known_orthanc_lies_in_one_folder(keep, version):
    kept = keep(version, "6")
    assert uuids_in(kept) == [f"0000{uuid[4:]}" for uuid in UUIDS]
    assert stored(kept) == sorted(f"00/00/{uuid}" for uuid in uuids_in(kept))


@pytest.mark.parametrize(
    ("version", "schema"),
    [("1.13.1", "6"), ("1.14.0", "6"), ("1.9.7", "6"), ("mainline", "6"), ("1.12.7", "7"), ("1.12.7", None)],
)
def test_snapshot_of_an_unknown_orthanc_keeps_index_and_files(keep, version, schema):
    kept = keep(version, schema)
    assert uuids_in(kept) == UUIDS
    assert stored(kept) == [f"a1/b2/{uuid}" for uuid in UUIDS]
    assert not [path for path in kept.rglob("*") if path.is_symlink()]


@pytest.mark.parametrize(
    ("name", "value"), [("LAST_KNOWN_VERSION", (1, 0, 0)), ("KNOWN_SCHEMA", "5")], ids=["version", "schema"]
)
def test_snapshot_of_an_unknown_orthanc_starts_with_every_image(name, value, tmp_path, monkeypatch, program):
    program("Orthanc")
    monkeypatch.setenv("PACSLAB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(storage_layout, name, value)
    scenario, runtime = load_scenario("open-archive"), ProcessRuntime()
    variant = make_variant(scenario.id, "snapshot")
    data = ArchiveData(scenario, variant, runtime.name, runtime.version())
    owner = Owner("snapshot-tests", f"{name}-{time.time_ns()}", time.time() + 120)
    network = runtime.open_network(owner, ("archive",))
    try:
        data.make(runtime, owner, network, "archive", lambda *_: None)
        uuids = uuids_in(data.folder)
        assert not [uuid for uuid in uuids if uuid.startswith("0000")]
        assert stored(data.folder) == sorted(f"{uuid[:2]}/{uuid[2:4]}/{uuid}" for uuid in uuids)
        spec = ServerSpec("archive", {"RemoteAccessAllowed": True, "AuthenticationEnabled": False}, tmp_path / "server")
        data.copy_index(spec.data)
        data.link_images(spec.data)
        server = runtime.start(owner, network, spec)
        with httpx.Client(base_url=server.url, timeout=20, trust_env=False) as client:
            instances = client.get("/instances").json()
            assert len(instances) == data.cohort().count
            assert all(client.get(f"/instances/{name}/file").content[128:132] == b"DICM" for name in instances)
    finally:
        runtime.end(owner.lab, owner.deployment)
