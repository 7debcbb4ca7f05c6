"""TLS of the web side and of DICOM associations: missing, old, weak, or without proof of identity."""

from __future__ import annotations

import datetime as dt
import socket
import ssl
import time
import warnings
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import httpx
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtensionOID
from pynetdicom import AE, evt
from pynetdicom.pdu import A_ASSOCIATE_AC, A_ASSOCIATE_RJ
from pynetdicom.sop_class import Verification  # type: ignore[attr-defined]

from pacslab.pacs import STRANGER, require_lab_address
from pacslab.probes.attack.web_helpers import at_each_web_address, curl
from pacslab.probes.findings import Side
from pacslab.probes.registry import ProbeResult, probe
from pacslab.scenario import Severity

if TYPE_CHECKING:
    from pacslab.probes.target import Target

_HANDSHAKE_TIMEOUT_S = 4.0  # seconds for a handshake
_SMALLEST_KEY = 2048  # bits of RSA, BCP 195 (RFC 9325), section 4.2
_ANYTHING = ("-cipher", "'ALL:@SECLEVEL=0'")  # Debian's OpenSSL itself refuses old protocols without this
_OLD = (("TLS 1.0", ssl.TLSVersion.TLSv1, "-tls1"), ("TLS 1.1", ssl.TLSVersion.TLSv1_1, "-tls1_1"))
_WEAK = "aNULL:eNULL:EXPORT:RC4:3DES:MD5:kRSA"  # no authentication, no or broken encryption, no forward secrecy


def _context(*, versions: tuple[ssl.TLSVersion, ssl.TLSVersion] | None = None, ciphers: str = "ALL") -> ssl.SSLContext:
    """Return a TLS client context that accepts every certificate and cipher, to find what a server accepts."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_ciphers(f"{ciphers}:@SECLEVEL=0")
    if versions is not None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # an old version is what is asked for
            context.minimum_version, context.maximum_version = versions
    return context


def _tls_handshake(target: Target, url: str, context: ssl.SSLContext) -> tuple[str, str, bytes] | None:
    """Return version, cipher suite and certificate (DER) of a handshake with a web address, or None if it failed."""
    parts = urlsplit(url)
    host = require_lab_address(str(parts.hostname))
    name = target.handover.web.host
    try:
        with (
            socket.create_connection(
                (host, parts.port or 443), timeout=_HANDSHAKE_TIMEOUT_S, source_address=(target.outsider or "", 0)
            ) as connection,
            context.wrap_socket(connection, server_hostname=name) as secured,
        ):
            cipher = secured.cipher()
            return str(secured.version()), cipher[0] if cipher else "", secured.getpeercert(binary_form=True) or b""
    except OSError:
        return None


def _no_tls(url: str) -> ProbeResult:
    return ProbeResult(False, f"{url} is no TLS address.", curl(url, "-i"))


def _s_client(url: str, *options: str) -> str:
    parts = urlsplit(url)
    return " ".join(["openssl s_client -connect", f"{parts.hostname}:{parts.port}", *options, "</dev/null"])


@probe("tls-web-none", Side.ATTACK, "Read passwords and images of the web side on the cable", Severity.HIGH)
@at_each_web_address
def read_web_in_clear(target: Target, url: str) -> ProbeResult:
    """Ask the archive something without TLS: if it asks for the password there or answers, all of it is readable."""
    asked = curl(f"{url}/system", "-i")
    if not url.startswith("http:"):
        return ProbeResult(False, f"{url} is encrypted.", asked)
    with target.visitor(url) as client:
        answer = client.get("/system")
    if answer.is_redirect and answer.headers.get("location", "").startswith("https:"):
        return ProbeResult(False, f"{url} only says where the encrypted address is.", asked)
    asks = (
        answer.status_code == httpx.codes.UNAUTHORIZED and "basic" in answer.headers.get("www-authenticate", "").lower()
    )
    if asks:
        return ProbeResult(
            True,
            f"{url} asks for the password without TLS: it comes as Base64, which everybody on the cable reads.",
            asked,
        )
    if answer.status_code == httpx.codes.OK:
        return ProbeResult(True, f"{url} answers without TLS: everybody on the cable reads along.", asked)
    return ProbeResult(False, f"{url} answers status {answer.status_code} without TLS, and no more.", asked)


@probe("tls-web-old", Side.ATTACK, "Talk the web side down to old encryption", Severity.MEDIUM)
@at_each_web_address
def offer_old_protocols(target: Target, url: str) -> ProbeResult:
    """Offer TLS 1.0 and 1.1 only, as an attacker in the middle would make both sides do."""
    if not url.startswith("https:"):
        return _no_tls(url)
    for name, version, option in _OLD:
        found = _tls_handshake(target, url, _context(versions=(version, version)))
        if found:
            return ProbeResult(True, f"{url} accepted {name} with {found[1]}.", _s_client(url, option, *_ANYTHING))
    return ProbeResult(False, f"{url} accepts neither TLS 1.0 nor 1.1.", _s_client(url, "-tls1_1", *_ANYTHING))


@probe("tls-web-weak", Side.ATTACK, "Talk the web side into a weak cipher", Severity.MEDIUM)
@at_each_web_address
def offer_weak_ciphers(target: Target, url: str) -> ProbeResult:
    """Offer only cipher suites without forward secrecy, without encryption or with a broken one."""
    if not url.startswith("https:"):
        return _no_tls(url)
    twelve = ssl.TLSVersion.TLSv1_2
    found = _tls_handshake(target, url, _context(versions=(twelve, twelve), ciphers=_WEAK))
    asked = _s_client(url, "-tls1_2", "-cipher", f"'{_WEAK}:@SECLEVEL=0'")
    if found:
        return ProbeResult(
            True, f"{url} accepted {found[1]}: whoever gets the key later reads what was recorded today.", asked
        )
    return ProbeResult(False, f"{url} accepts no weak cipher suite.", asked)


@probe("tls-web-certificate", Side.ATTACK, "Stand in for the archive's web side", Severity.HIGH)
@at_each_web_address
def connect_with_untrusted_certificate(target: Target, url: str) -> ProbeResult:
    """Look at the certificate as a careful browser does: issuer, name, dates, key."""
    if not url.startswith("https:"):
        return _no_tls(url)
    asked = _s_client(url, "-servername", target.handover.web.host, "-showcerts")
    found = _tls_handshake(target, url, _context())
    if not found:
        return ProbeResult(False, f"No TLS handshake came about at {url}.", asked)
    try:
        faults = _certificate_faults(x509.load_der_x509_certificate(found[2]), target.handover.web.host)
    except ValueError:
        faults = ["it cannot be read"]
    if faults:
        words = f"The certificate of {url} proves nothing: {'; '.join(faults)}. Staff who accept it accept anybody's."
        return ProbeResult(True, words, asked)
    return ProbeResult(
        False, f"The certificate of {url} names the archive, is in date and was issued by an authority.", asked
    )


def _certificate_faults(certificate: x509.Certificate, name: str) -> list[str]:
    faults = []
    now = dt.datetime.now(dt.UTC)
    if certificate.not_valid_after_utc < now:
        faults.append(f"it expired on {certificate.not_valid_after_utc:%d %B %Y}")
    if certificate.not_valid_before_utc > now:
        faults.append(f"it is valid from {certificate.not_valid_before_utc:%d %B %Y} on only")
    if certificate.subject == certificate.issuer:
        faults.append("it is signed by itself")
    try:
        names = certificate.extensions.get_extension_for_oid(ExtensionOID.SUBJECT_ALTERNATIVE_NAME).value
        named = (
            name in names.get_values_for_type(x509.DNSName) if isinstance(names, x509.SubjectAlternativeName) else False
        )
    except x509.ExtensionNotFound:
        named = False
    if not named:
        faults.append(f"it does not carry the name {name}")
    key = certificate.public_key()
    if isinstance(key, rsa.RSAPublicKey) and key.key_size < _SMALLEST_KEY:
        faults.append(f"its key has only {key.key_size} bits")
    if isinstance(certificate.signature_hash_algorithm, (hashes.SHA1, hashes.MD5)):
        faults.append(f"it is signed with {certificate.signature_hash_algorithm.name.upper()}")
    return faults


def _answers_dicom(target: Target, context: ssl.SSLContext | None) -> bool:
    """Return whether the DICOM port answers an association request with DICOM, be it a refusal.

    A refusal and the end of its connection may arrive together, and then only the end is seen: so it tries again.
    """
    begun = time.monotonic()
    for _ in range(3):
        if _answered_association_request(target, context):
            return True
        if time.monotonic() - begun >= _HANDSHAKE_TIMEOUT_S:
            break  # no retry for a silent server
    return False


def _answered_association_request(target: Target, context: ssl.SSLContext | None) -> bool:
    endpoint = target.archive.dicom
    require_lab_address(endpoint.host)
    caller = AE(ae_title=STRANGER)
    caller.acse_timeout = caller.dimse_timeout = caller.network_timeout = caller.connection_timeout = (
        _HANDSHAKE_TIMEOUT_S
    )
    caller.add_requested_context(Verification)
    answers: list[object] = []  # what was answered, even where the end of the connection is seen before it
    association = caller.associate(
        endpoint.host,
        endpoint.port,
        ae_title=target.handover.dicom.called_ae_title,
        tls_args=(context, target.handover.web.host) if context else None,
        bind_address=(target.outsider or "", 0),
        evt_handlers=[(evt.EVT_PDU_RECV, lambda event: answers.append(event.pdu))],
    )
    if association.is_established:
        association.release()
    return any(isinstance(pdu, (A_ASSOCIATE_AC, A_ASSOCIATE_RJ)) for pdu in answers)


def _echoscu(target: Target, *options: str) -> str:
    endpoint = target.archive.dicom
    title = target.handover.dicom.called_ae_title
    return " ".join(["echoscu -v", *options, "-aet", STRANGER, "-aec", title, endpoint.host, str(endpoint.port)])


@probe("tls-dicom-none", Side.ATTACK, "Read images on the cable", Severity.HIGH)
def read_dicom_in_clear(target: Target) -> ProbeResult:
    """Ask for an association without TLS: even a refusal means that the archive speaks readable DICOM."""
    asked = _echoscu(target)
    if _answers_dicom(target, None):
        words = "The archive speaks DICOM without TLS: names and images of every transfer are readable on the cable."
        return ProbeResult(True, words, asked)
    return ProbeResult(False, "Without TLS the DICOM port does not answer an association request.", asked)


@probe("tls-dicom-no-certificate", Side.ATTACK, "Open encrypted DICOM without a certificate", Severity.HIGH)
def open_dicom_without_certificate(target: Target) -> ProbeResult:
    """Ask for an association over TLS without a client certificate, as any stranger can."""
    asked = _echoscu(target, "+tla -ic")
    if _answers_dicom(target, _context()):
        words = "The archive answers over TLS without asking for a certificate: the caller is hidden, and unknown."
        return ProbeResult(True, words, asked)
    return ProbeResult(False, "Over TLS without a client certificate the DICOM port answers nothing.", asked)
