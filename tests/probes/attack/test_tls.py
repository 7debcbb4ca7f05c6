"""What the probes say of encryption: none, old, weak, unproven; DICOM over TLS with and without client certificates."""

import datetime as dt

import pytest
import yaml

from pacslab.grading import write_reference_fix
from pacslab.pacs import deployment_folder, issue_certificate, make_authority
from pacslab.probes.registry import PROBES
from pacslab.probes.target import Target
from tests.support.servers import in_process, sessions

TLS_OPTIONS = {
    "DicomTlsEnabled": True,
    "DicomTlsCertificate": "certs/archive.pem",
    "DicomTlsPrivateKey": "certs/archive.key",
    "DicomTlsTrustedCertificates": "certs/hospital-ca.pem",
}


@pytest.fixture(scope="module")
def hospital(module_session):
    return module_session("encryption")


def seen(session, *names):
    with Target.of(session.deployment) as site:
        return {name: PROBES[name].look(site) for name in names}


def configure(session, **options):
    import json  # noqa: PLC0415

    path = session.work / "orthanc.json"
    content = json.loads(
        (deployment_folder(session.deployment.id) / "servers" / "archive" / "etc" / "orthanc.json").read_text()
    )
    owned = ("StorageDirectory", "IndexDirectory", "Plugins")
    path.write_text(json.dumps({**{k: v for k, v in content.items() if k not in owned}, **options}), encoding="utf-8")
    session.restart()


NGINX = """
server {{
    listen ${{PROXY_HOST}}:8443 ssl;
    server_name archive.hospital.test;
    ssl_certificate {certificate};
    ssl_certificate_key {key};
    ssl_protocols {protocols};
    ssl_ciphers "{ciphers}";
    location / {{ proxy_pass http://${{ARCHIVE_HOST}}:8042; }}
}}
"""
WEB = ("tls-web-old", "tls-web-weak", "tls-web-certificate")
MODERN = {
    "certificate": "certs/archive.pem",
    "key": "certs/archive.key",
    "protocols": "TLSv1.2 TLSv1.3",
    "ciphers": "ECDHE+AESGCM:ECDHE+CHACHA20",
}


def behind_nginx(session, **changes):
    session.reset()
    session.make_certificates()
    (session.work / "nginx.conf").write_text(NGINX.format(**{**MODERN, **changes}), encoding="utf-8")
    session.restart()
    return {name for name, finding in seen(session, *WEB).items() if finding.reached}


def test_tls_modern_in_front_has_no_finding(hospital):
    assert behind_nginx(hospital) == set()


def test_tls_old_versions_and_suites_are_found(hospital):
    old = behind_nginx(hospital, protocols="TLSv1 TLSv1.1 TLSv1.2", ciphers="ALL:@SECLEVEL=0")
    assert old == {"tls-web-old", "tls-web-weak"}


def test_tls_single_weak_suite_is_found(hospital):
    assert behind_nginx(hospital, ciphers="ECDHE+AESGCM:AES256-GCM-SHA384") == {"tls-web-weak"}


def test_certificate_for_another_name_is_found(hospital):
    assert behind_nginx(hospital, certificate="certs/CT01.pem", key="certs/CT01.key") == {"tls-web-certificate"}


def test_certificate_expired_or_self_signed_is_found(hospital):
    hospital.reset()
    hospital.make_certificates()
    authority = make_authority("archive.hospital.test")
    folder = hospital.work / "certs"
    (folder / "self.pem").write_text(authority.certificate_pem, encoding="ascii")
    (folder / "self.key").write_text(authority.key_pem, encoding="ascii")
    expired = issue_certificate(
        authority, "archive.hospital.test", days=10, begin=dt.datetime.now(dt.UTC) - dt.timedelta(days=40)
    )
    (folder / "expired.pem").write_text(expired.certificate_pem, encoding="ascii")
    (folder / "expired.key").write_text(expired.key_pem, encoding="ascii")
    for name, words in (("self", "signed by itself"), ("expired", "it expired on")):
        assert behind_nginx(hospital, certificate=f"certs/{name}.pem", key=f"certs/{name}.key") == {
            "tls-web-certificate"
        }
        assert words in seen(hospital, "tls-web-certificate")["tls-web-certificate"].evidence


def test_certificate_expired_is_what_the_staff_sees(hospital):
    hospital.reset()
    authority = make_authority()
    folder = hospital.work / "certs"
    folder.mkdir(exist_ok=True)
    long_ago = dt.datetime.now(dt.UTC) - dt.timedelta(days=40)
    expired = issue_certificate(authority, "archive", days=10, begin=long_ago)
    (folder / "authority.pem").write_text(authority.certificate_pem, encoding="ascii")
    (folder / "old.pem").write_text(expired.certificate_pem, encoding="ascii")
    (folder / "old.key").write_text(expired.key_pem, encoding="ascii")
    nginx = NGINX.format(**{**MODERN, "certificate": "certs/old.pem", "key": "certs/old.key"})
    (hospital.work / "nginx.conf").write_text(nginx, encoding="utf-8")
    told = yaml.safe_load((hospital.work / "handover.yaml").read_text(encoding="utf-8"))
    told["web"] = {**told.get("web", {}), "url": "https://archive.hospital.test", "ca": "certs/authority.pem"}
    (hospital.work / "handover.yaml").write_text(yaml.safe_dump(told), encoding="utf-8")
    hospital.restart()
    found = seen(hospital, "clinic-radiologist-views", "clinic-administrator-works", "tls-web-certificate")
    assert not found["clinic-radiologist-views"].reached
    assert "it has expired" in found["clinic-radiologist-views"].evidence
    assert "it has expired" in found["clinic-administrator-works"].evidence
    assert found["tls-web-certificate"].reached


def test_tls_absent_leaves_web_and_dicom_readable(hospital):
    hospital.reset()
    found = seen(hospital, "tls-web-none", "tls-dicom-none", "tls-dicom-no-certificate", "tls-web-old")
    assert {name for name, evidence in found.items() if evidence.reached} == {"tls-web-none", "tls-dicom-none"}


def test_tls_without_client_certificates_is_open_to_strangers(hospital):
    hospital.reset()
    hospital.make_certificates()
    configure(hospital, **TLS_OPTIONS, DicomTlsRemoteCertificateRequired=False)
    found = seen(hospital, "tls-dicom-none", "tls-dicom-no-certificate")
    assert not found["tls-dicom-none"].reached
    assert found["tls-dicom-no-certificate"].reached, found["tls-dicom-no-certificate"].evidence


LOCKED = {f"DicomAlwaysAllow{operation}": False for operation in ("Echo", "Store", "Find", "Get", "Move")}


BORROWED = ("dicom-borrowed-title", "dicom-store-borrowed")


@pytest.mark.parametrize("tls", [False, True], ids=["in clear", "over TLS without any certificate"])
def test_association_with_borrowed_title_reads_and_writes(hospital, tls):
    hospital.reset()
    hospital.make_certificates()
    options = {**LOCKED, **({**TLS_OPTIONS, "DicomTlsRemoteCertificateRequired": False} if tls else {})}
    configure(hospital, **options)
    before = sorted(hospital.archive().get_instances())
    for name, finding in seen(hospital, *BORROWED).items():
        assert finding.reached, (name, finding.evidence)
        assert ("without any certificate" in finding.evidence) is ("+tla -ic" in finding.try_it)
    assert sorted(hospital.archive().get_instances()) == before
    configure(hospital, **options, DicomCheckModalityHost=True)
    for name, finding in seen(hospital, *BORROWED).items():
        assert not finding.reached, (name, finding.evidence)


def test_association_without_its_certificate_is_refused(hospital):
    hospital.reset()
    hospital.make_certificates()
    configure(hospital, **TLS_OPTIONS, **LOCKED, DicomTlsRemoteCertificateRequired=True)
    for name, finding in seen(hospital, *BORROWED).items():
        assert not finding.reached, (name, finding.evidence)


@pytest.mark.parametrize("scenario", ["borrowed-title", "cleartext"])
@in_process
def test_association_with_borrowed_title_fails_when_fixed(scenario, runtime):
    with sessions(runtime, "borrowed", scenario) as start:
        session = start(scenario)
        write_reference_fix(scenario, session.work)
        session.restart()
        for name, finding in seen(session, *BORROWED).items():
            assert not finding.reached, (name, finding.evidence)


def test_tls_with_client_certificates_refuses_strangers(hospital):
    hospital.reset()
    hospital.make_certificates()
    configure(hospital, **TLS_OPTIONS, DicomTlsRemoteCertificateRequired=True)
    found = seen(hospital, "tls-dicom-none", "tls-dicom-no-certificate")
    assert not [name for name, evidence in found.items() if evidence.reached]
