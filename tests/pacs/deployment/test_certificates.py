"""The hospital's own certificates: whose they are, for what, until when, and who may read the keys."""

import datetime as dt
import subprocess

import pytest
from cryptography import x509

from pacslab.errors import ConfigurationError
from pacslab.pacs.deployment.certificates import issue_certificate, make_authority, make_certificates, stranger_files

NAMES = ("archive", "CT01", "WS01")


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    folder = tmp_path_factory.mktemp("work")
    make_certificates(folder, ["127.1.2.3", "10.231.4.5"])
    return folder


def load(work, name):
    return x509.load_pem_x509_certificate((work / "certs" / f"{name}.pem").read_bytes())


def test_certificate_keys_are_readable_by_the_owner_alone(work):
    names = sorted(path.name for path in (work / "certs").iterdir())
    assert names == sorted(f"{name}.{kind}" for name in ("hospital-ca", *NAMES) for kind in ("pem", "key"))
    assert {path.stat().st_mode & 0o777 for path in (work / "certs").glob("*.key")} == {0o600}


@pytest.mark.parametrize("name", NAMES)
def test_certificate_is_verified_by_openssl(work, name, program):
    certs = work / "certs"
    for purpose in ("sslserver", "sslclient"):
        command = [program("openssl"), "verify", "-x509_strict", "-purpose", purpose]
        result = subprocess.run(
            [*command, "-CAfile", certs / "hospital-ca.pem", certs / f"{name}.pem"],
            capture_output=True,
            text=True,
            check=False,
        )
        assert result.returncode == 0, result.stderr


def test_certificate_of_a_device_cannot_sign(work, program):
    certs = work / "certs"
    device = load(work, "CT01")
    assert not device.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    assert load(work, "hospital-ca").extensions.get_extension_for_class(x509.BasicConstraints).value.path_length == 0
    stranger = work / "stranger.pem"
    stranger.write_text(stranger_files(work)["device.pem"], encoding="ascii")
    result = subprocess.run(
        [program("openssl"), "verify", "-CAfile", certs / "hospital-ca.pem", stranger],
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode != 0


def test_certificate_of_the_archive_has_names_and_a_year(work):
    certificate = load(work, "archive")
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["archive.hospital.test"]
    assert {str(address) for address in names.get_values_for_type(x509.IPAddress)} == {"127.1.2.3", "10.231.4.5"}
    left = certificate.not_valid_after_utc - dt.datetime.now(dt.UTC)
    assert 360 < left.days <= 366


def test_certificate_missing_is_made_by_the_same_authority(tmp_path):
    make_certificates(tmp_path)
    before = {path.name: path.read_bytes() for path in (tmp_path / "certs").iterdir()}
    assert make_certificates(tmp_path) == []
    (tmp_path / "certs" / "WS01.key").unlink()
    assert [path.name for path in make_certificates(tmp_path)] == ["WS01.pem", "WS01.key"]
    after = {path.name: path.read_bytes() for path in (tmp_path / "certs").iterdir()}
    assert {name for name in before if before[name] != after[name]} == {"WS01.pem", "WS01.key"}
    load(tmp_path, "WS01").verify_directly_issued_by(load(tmp_path, "hospital-ca"))
    assert len(make_certificates(tmp_path, renew=True)) == 8
    load(tmp_path, "WS01").verify_directly_issued_by(load(tmp_path, "hospital-ca"))


def test_certificate_authority_unreadable_is_reported(tmp_path):
    (tmp_path / "certs").mkdir()
    for kind in ("pem", "key"):
        (tmp_path / "certs" / f"hospital-ca.{kind}").write_text("nothing", encoding="ascii")
    with pytest.raises(ConfigurationError, match="not a certificate and its key"):
        make_certificates(tmp_path)
    elsewhere = tmp_path / "work"
    elsewhere.mkdir()
    (elsewhere / "certs").symlink_to(tmp_path)
    with pytest.raises(ConfigurationError, match="is a link"):
        make_certificates(elsewhere)


def test_certificate_may_have_any_validity():
    authority = make_authority()
    begin = dt.datetime(2019, 1, 1, tzinfo=dt.UTC)
    expired = issue_certificate(authority, "archive", days=30, begin=begin).certificate
    assert expired.not_valid_after_utc < dt.datetime(2019, 3, 1, tzinfo=dt.UTC)
    expired.verify_directly_issued_by(authority.certificate)
