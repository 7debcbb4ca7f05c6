"""Images of the cohort in every transfer syntax, read by programs that are not ours."""

from __future__ import annotations

import io
import struct
import subprocess

import httpx
import numpy as np
import pydicom
import pytest
from PIL import Image

from pacslab.cohort.encoding.explicit_vr import encode_element, known
from pacslab.cohort.encoding.transfer_syntaxes import Syntax, encode_file, encode_frames
from pacslab.deid.benchmark import scratch_orthanc

LONG = (b"OB", b"OW", b"SQ", b"UN", b"UT", b"UC", b"UR")


def elements_of(content: bytes) -> dict[int, bytes]:
    """The top-level elements of a file in explicit VR little endian, each as its bytes."""
    dataset = pydicom.dcmread(io.BytesIO(content), stop_before_pixels=True)
    at = 132 + 12 + dataset.file_meta.FileMetaInformationGroupLength
    found = {}
    while at < len(content):
        group, element, vr = struct.unpack_from("<HH2s", content, at)
        head, form, place = (12, "<I", at + 8) if vr in LONG else (8, "<H", at + 6)
        end = at + head + struct.unpack_from(form, content, place)[0]
        found[group << 16 | element] = content[at:end]
        at = end
    return found


def recoded(content: bytes, syntax: Syntax) -> bytes:
    dataset = pydicom.dcmread(io.BytesIO(content))
    elements = elements_of(content)
    encoded = encode_frames(dataset.pixel_array, syntax, bits=dataset.BitsStored)
    elements[0x7FE00010] = encoded.element
    for keyword, value in encoded.attributes.items():
        tag, vr = known(keyword)
        elements[tag] = encode_element(tag, vr, value)
    return encode_file(elements, syntax)


CASES = [
    (kind, syntax)
    for syntax in Syntax
    for kind in ("ct-001", "cr-001", "us-001")
    if syntax.lossless or kind == "us-001"
]


@pytest.fixture(scope="module")
def recodings(files) -> dict[tuple[str, Syntax], bytes]:
    first = {kind: next(content for name, content in files.items() if kind in name) for kind, _ in CASES}
    return {(kind, syntax): recoded(first[kind], syntax) for kind, syntax in CASES}


def test_transfer_syntax_has_no_error_in_dciodvfy(recodings, tmp_path, program):
    for (kind, syntax), content in recodings.items():
        path = tmp_path / f"{kind}-{syntax}.dcm"
        path.write_bytes(content)
        if syntax is Syntax.DEFLATED:  # Debian's dciodvfy is built without zlib
            subprocess.run([program("dcmconv"), "+te", path, path], check=True, capture_output=True)
        answer = subprocess.run([program("dciodvfy"), path], capture_output=True, text=True, check=False)
        said = answer.stdout + answer.stderr
        assert "Error" not in said, f"{kind} {syntax.name}: {said}"
        assert "Image" in said


def test_transfer_syntax_is_drawn_by_dcmtk(recodings, tmp_path, program):
    for (kind, syntax), content in recodings.items():
        if syntax is Syntax.JPEG_2000:
            continue  # DCMTK has no decoder for it
        (tmp_path / "in.dcm").write_bytes(content)
        tool = [program("dcmj2pnm"), "+Wm", "+on", "in.dcm", "out.png"]
        subprocess.run(tool, cwd=tmp_path, check=True, capture_output=True)
        shown = np.asarray(Image.open(tmp_path / "out.png").convert("L"))
        assert shown.std() > 10, f"{kind} {syntax.name}"


def test_transfer_syntax_is_stored_and_shown_by_orthanc(recodings, monkeypatch, runtime):
    monkeypatch.setitem(
        scratch_orthanc.CONFIGURATION, "Gdcm", {"Enable": True}
    )  # decodes JPEG 2000; scenarios have it too
    with scratch_orthanc.scratch_orthanc(runtime) as url, httpx.Client(base_url=url, timeout=60) as client:
        for (kind, syntax), content in recodings.items():
            stored = client.post("/instances", content=content).json()
            assert stored["Status"] == "Success", f"{kind} {syntax.name}"
            meta = client.get(f"/instances/{stored['ID']}/metadata/TransferSyntax").text
            assert meta == syntax
            assert client.get(f"/instances/{stored['ID']}/file").content == content
            shown = client.get(f"/instances/{stored['ID']}/preview")
            assert shown.status_code == 200, f"{kind} {syntax.name}"
            assert np.asarray(Image.open(io.BytesIO(shown.content))).std() > 10
            client.delete(f"/instances/{stored['ID']}")
