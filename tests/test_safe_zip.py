"""ZIP files whose list of contents is not what it says: refused before it is parsed."""

import io
import struct
import zipfile

import pytest

from pacslab.safe_zip import UnsafeZipError, ZipFault, ZipLimits, open_zip, read_entry

LIMITS = ZipLimits(directory_bytes=1000, entries=10)


def packed(**files):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def with_zip64(content, entries, size, offset):
    """Put the records of a large ZIP file before the end record, which Python's parser prefers to it."""
    end = content.rindex(b"PK\5\6")
    record = struct.pack("<4sQ2H2L4Q", b"PK\6\6", 44, 45, 45, 0, 0, entries, entries, size, offset)
    locator = struct.pack("<4sLQL", b"PK\6\7", 0, end, 1)
    return content[:end] + record + locator + content[end:]


def fault_of(content, limits=LIMITS):
    with pytest.raises(UnsafeZipError) as caught:
        open_zip(io.BytesIO(content), limits)
    return caught.value.fault


def test_zip_within_limits_is_opened():
    content = packed(a=b"x", b=b"y")
    end = content.rindex(b"PK\5\6")
    _, _, _, _, entries, size, offset, _ = struct.unpack("<4s4H2LH", content[end:])
    for accepted in (content, with_zip64(content, entries, size, offset), content + bytes(100)):
        assert open_zip(io.BytesIO(accepted), LIMITS).namelist() == ["a", "b"]


def test_directory_of_many_entries_is_refused():
    assert fault_of(packed(**{str(number): b"" for number in range(11)})) is ZipFault.DIRECTORY_CLAIM
    assert fault_of(packed(**{"n" * 1000: b""})) is ZipFault.DIRECTORY_CLAIM


@pytest.mark.parametrize(("entries", "size", "offset"), [(11, 10, 0), (1, 1001, 0), (1, 10, 1 << 40)])
def test_zip64_record_beyond_limits_is_refused(entries, size, offset):
    assert fault_of(with_zip64(packed(a=b"x"), entries, size, offset)) is ZipFault.DIRECTORY_CLAIM


def test_end_record_that_hides_entries_is_refused():
    content = bytearray(packed(**{str(number): b"" for number in range(11)}))
    end = content.rindex(b"PK\5\6")
    content[end + 8 : end + 12] = struct.pack("<2H", 1, 1)
    assert fault_of(bytes(content)) is ZipFault.TOO_MANY_ENTRIES


@pytest.mark.parametrize("content", [b"", b"x" * 100, b"PK\5\6", b"PK\3\4" + bytes(100)])
def test_no_zip_is_refused(content):
    assert fault_of(content) is ZipFault.NOT_A_ZIP


def test_entry_that_unpacks_to_more_is_refused():
    archive = open_zip(io.BytesIO(packed(a=b"x" * 100)), LIMITS)
    entry = archive.getinfo("a")
    assert read_entry(archive, entry, 100) == b"x" * 100
    with pytest.raises(UnsafeZipError) as caught:
        read_entry(archive, entry, 99)
    assert caught.value.fault is ZipFault.OVERSIZED
