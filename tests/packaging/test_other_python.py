"""The same student gets the same bytes from another Python, on another system: Debian's own, in the student's image."""

import io
import json
import subprocess
import sys
import tarfile
from contextlib import closing

import pytest

import docker
from tests.support.places import ROOT

IMAGE = "pacslab/student:dev"
DIGESTS = r"""
import hashlib, json, platform, sys
from pacslab.cohort.build import build_cohort
from pacslab.cohort.recipe.recipe import load_recipe
from pacslab.scenario.variant import make_variant

SLOW = {"chest-ct", "brain-mr"}
made = {}
for hospital in ("clinique", "district-hospital-standard", "community-hospital", "district-hospital"):
    cohort = build_cohort(load_recipe(hospital), make_variant("elsewhere", "asha"))
    seen = set()
    for study in cohort.plan.studies:
        what = (study.kind, study.syntax)
        if what in seen or (study.kind in SLOW and (hospital != "clinique" or study.kind in {one for one, _ in seen})):
            continue
        seen.add(what)
        digest = hashlib.sha256()
        for name, content in cohort.study_files(study):
            digest.update(name.encode() + content)
        for planted in cohort.planted_in(study):
            digest.update(planted.model_dump_json().encode())
        made[f"{hospital} {study.kind} {study.syntax.name}"] = digest.hexdigest()
    people = json.dumps([[person.person_name, sorted(person.identifiers)] for person in cohort.plan.people])
    made[f"{hospital} people"] = hashlib.sha256(people.encode()).hexdigest()
print(json.dumps({"python": platform.python_version(), "made": made}))
"""


def sources() -> bytes:
    """Return what the generator is made of as a tar file."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for folder in ("src/pacslab", "synthetic_data"):
            archive.add(ROOT / folder, folder, filter=lambda entry: None if "__pycache__" in entry.name else entry)
    return buffer.getvalue()


@pytest.fixture(scope="module")
def elsewhere() -> dict:
    """What the Python of Debian trixie makes of this checkout."""
    with closing(docker.from_env()) as client:
        if not client.images.list(IMAGE):
            subprocess.run([ROOT / "tools/build-images.sh", "student"], check=True, capture_output=True)
        options = {"entrypoint": ["sleep", "400"], "network_mode": "none", "init": True, "detach": True}
        container = client.containers.run(IMAGE, **options)
        try:
            container.put_archive("/tmp", sources())
            status, output = container.exec_run(
                ["python", "-c", DIGESTS], environment={"PYTHONPATH": "/tmp/src", "PYTHONHASHSEED": "7"}
            )
            assert status == 0, output.decode()
            return json.loads(output)
        finally:
            container.remove(force=True, v=True)


@pytest.mark.docker
def test_other_python_makes_the_same_bytes(elsewhere):
    answer = subprocess.run([sys.executable, "-c", DIGESTS], capture_output=True, text=True, check=True)
    here = json.loads(answer.stdout)
    assert elsewhere["python"].startswith("3.13.")
    assert elsewhere["python"] != here["python"]
    assert elsewhere["made"] == here["made"]
    syntaxes = {name.split()[-1] for name in here["made"]} - {"people"}
    assert syntaxes >= {"EXPLICIT_LITTLE", "IMPLICIT_LITTLE", "DEFLATED", "RLE", "JPEG_BASELINE", "JPEG_2000"}
    assert len(here["made"]) > 20
