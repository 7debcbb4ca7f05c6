"""The hospital's own certificate authority, and the certificates of its archive and devices.

Each certificate names its holder, the names and addresses that it is good for, its use and its time (X.509, RFC 5280).
RSA of 2048 bits, since the imaging devices of this lab offer no cipher for other keys.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
import json
import os
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from pacslab.errors import ConfigurationError
from pacslab.pacs.config.handover import HOST
from pacslab.pacs.config.workfolder import CERTIFICATES_FOLDER
from pacslab.pacs.deployment.peers import DEVICE_FILES
from pacslab.pacs.server_names import ARCHIVE, SCANNER, WORKSTATION
from pacslab.paths import state_root

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

CA = "hospital-ca"
HOLDERS = (ARCHIVE, SCANNER, WORKSTATION)
VENDOR_FILES = ("vendor.pem", "vendor.key")
VALID_DAYS = 365
_KEY_BITS = 2048


@dataclass(frozen=True)
class Identity:
    """A certificate and its private key."""

    certificate: x509.Certificate
    key: rsa.RSAPrivateKey

    @property
    def certificate_pem(self) -> str:
        """Return the certificate as PEM text."""
        return self.certificate.public_bytes(serialization.Encoding.PEM).decode("ascii")

    @property
    def key_pem(self) -> str:
        """Return the unencrypted private key as PEM text (PKCS #8)."""
        return self.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ).decode("ascii")


def _name(common_name: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "PACS Lab - a fictional hospital"),
            x509.NameAttribute(NameOID.COMMON_NAME, common_name),
        ]
    )


def _built(
    subject: str, issuer: str, public_key: rsa.RSAPublicKey, *, days: int, begin: dt.datetime | None
) -> x509.CertificateBuilder:
    start = begin or dt.datetime.now(dt.UTC) - dt.timedelta(days=1)
    return (
        x509.CertificateBuilder()
        .subject_name(_name(subject))
        .issuer_name(_name(issuer))
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + dt.timedelta(days=days + 1))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
    )


def _usage(*, authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        key_encipherment=not authority,
        key_cert_sign=authority,
        crl_sign=authority,
        content_commitment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def make_authority(name: str = "Hospital CA") -> Identity:
    """Return a new certificate authority, which may sign certificates of devices and of no further authority."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=_KEY_BITS)
    certificate = (
        _built(name, name, key.public_key(), days=VALID_DAYS, begin=None)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(authority=True), critical=True)
        .sign(key, hashes.SHA256())
    )
    return Identity(certificate, key)


def issue_certificate(
    authority: Identity,
    name: str,
    addresses: Iterable[str] = (),
    *,
    days: int = VALID_DAYS,
    begin: dt.datetime | None = None,
) -> Identity:
    """Return a new certificate for a machine, good as a server's and as a client's.

    Parameters
    ----------
    authority
        Who signs it.
    name
        The machine's name: its common name, and with ``.hospital.test`` a name that it may be reached by.
    addresses
        The IP addresses that it may be reached by.
    days, begin
        How long it is valid, and since when (since yesterday unless given).

    """
    key = rsa.generate_private_key(public_exponent=65537, key_size=_KEY_BITS)
    issuer = authority.certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value
    names: list[x509.GeneralName] = [x509.DNSName(HOST if name == ARCHIVE else f"{name.lower()}.hospital.test")]
    names += [x509.IPAddress(ipaddress.ip_address(address)) for address in dict.fromkeys(addresses)]
    certificate = (
        _built(name, str(issuer), key.public_key(), days=days, begin=begin)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(authority=False), critical=True)
        .add_extension(
            x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False
        )
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.key.public_key()), critical=False)
        .sign(authority.key, hashes.SHA256())
    )
    return Identity(certificate, key)


def _write(folder: Path, name: str, identity: Identity) -> list[Path]:
    certificate, key = folder / f"{name}.pem", folder / f"{name}.key"
    certificate.write_text(identity.certificate_pem, encoding="ascii")
    key.touch(mode=0o600)
    key.chmod(0o600)
    key.write_text(identity.key_pem, encoding="ascii")
    return [certificate, key]


def _read(folder: Path, name: str) -> Identity:
    try:
        certificate = x509.load_pem_x509_certificate((folder / f"{name}.pem").read_bytes())
        key = serialization.load_pem_private_key((folder / f"{name}.key").read_bytes(), None)
    except (OSError, ValueError, TypeError):
        key = None
    if not isinstance(key, rsa.RSAPrivateKey) or key.public_key() != certificate.public_key():
        raise ConfigurationError(
            f"{folder / name}.pem and .key are not a certificate and its key",
            "Remove the folder certs and make all certificates again.",
        )
    return Identity(certificate, key)


def make_certificates(work: Path, addresses: Iterable[str] = (), *, renew: bool = False) -> list[Path]:
    """Write the hospital's authority and the certificates of archive, CT01 and WS01 into ``certs`` of a work folder.

    Files that are there already stay, so that the devices keep trusting the archive.

    Parameters
    ----------
    work
        The student's work folder.
    addresses
        IP addresses of the archive, for the browser of somebody who does not use its name.
    renew
        Make everything again, the authority too.

    Returns
    -------
    list of Path
        The files that were written, keys readable by their owner alone.

    Raises
    ------
    ConfigurationError
        If the authority that is there cannot be read.

    """
    folder = work / CERTIFICATES_FOLDER
    if folder.is_symlink():
        raise ConfigurationError(f"{folder} is a link", "Remove it; the lab makes a folder in its place.")
    folder.mkdir(parents=True, exist_ok=True)

    def there(name: str) -> bool:
        return not renew and (folder / f"{name}.pem").exists() and (folder / f"{name}.key").exists()

    written: list[Path] = []
    if there(CA):
        authority = _read(folder, CA)
    else:
        renew = True  # what another authority signed is worth nothing
        authority = make_authority()
        written += _write(folder, CA, authority)
    for name in HOLDERS:
        if not there(name):
            written += _write(folder, name, issue_certificate(authority, name, addresses if name == ARCHIVE else ()))
    return written


def stranger_files(scenario: Path) -> dict[str, str]:
    """Return the stranger's certificate files.

    Where a scenario ships its vendor's certificate and key, the stranger has them, too: whoever owns such an appliance
    does. Elsewhere they are of an untrusted authority with the hospital's name, made once a lab, and the
    certificate says CT01, as a forger's would.
    """
    vendor = [scenario / name for name in VENDOR_FILES]
    if all(path.is_file() for path in vendor):
        certificate, secret = (path.read_text(encoding="ascii") for path in vendor)
        return dict(zip(DEVICE_FILES, (certificate, secret, certificate), strict=True))
    place = state_root() / "stranger.json"
    with suppress(OSError, ValueError):
        kept = json.loads(place.read_text(encoding="ascii"))
        if kept["until"] > time.time():
            return dict(kept["files"])
    authority = make_authority()
    own = issue_certificate(authority, SCANNER)
    values = (own.certificate_pem, own.key_pem, authority.certificate_pem)
    files = dict(zip(DEVICE_FILES, values, strict=True))
    place.parent.mkdir(parents=True, exist_ok=True)
    fresh = place.with_suffix(f".{os.getpid()}")
    fresh.touch(mode=0o600)
    fresh.write_text(json.dumps({"until": time.time() + (VALID_DAYS - 7) * 86400, "files": files}), encoding="ascii")
    fresh.replace(place)
    return files
