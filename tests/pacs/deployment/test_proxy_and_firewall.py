"""The reverse proxy and the firewall: what a student may write, and what the outside reaches on running servers."""

import socket
import ssl
import subprocess
import time

import httpx
import pytest

from pacslab.errors import ConfigurationError, PacslabError, ServerStartError
from pacslab.pacs.config.nginx_conf import check_proxy, nginx_directives, served_paths
from pacslab.pacs.config.ports import ArchivePort, NetworkRules
from pacslab.pacs.runtimes.process.listening_sockets import listeners
from pacslab.pacs.server_names import STRANGER
from tests.support.servers import in_process, sessions, start_briefly

HTTPS = """
server {
    listen 8443 ssl;
    server_name archive.hospital.test;
    ssl_certificate certs/archive.pem;
    ssl_certificate_key certs/archive.key;
    ssl_protocols TLSv1.2 TLSv1.3;
    location / { proxy_pass http://${ARCHIVE_HOST}:8042; proxy_set_header Host $host; }
}
"""
FILES = {"certs/archive.pem": "", "certs/archive.key": ""}


def server(line):
    return f"server {{\n    listen 8080;\n    {line}\n}}\n"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("server { listen 0.0.0.0:80; }", "listens on '0.0.0.0:80' at line 1"),
        ("server { listen 192.0.2.7:8443 ssl; }", "listens on '192.0.2.7:8443'"),
        ("server { listen [::]:8443 ssl; }", r"listens on '\[::\]:8443'"),
        ("server { listen unix:/tmp/x.sock; }", "listens on 'unix:"),
        ("server { listen 8080 reuseport; }", "'reuseport'"),
        ("server { }", "no server that listens"),
        ("events { } http { }", "'events' at line 1|no server that listens"),
        (server("load_module modules/x.so;"), "'load_module' at line 3"),
        (server("include /etc/passwd;"), "'include' at line 3"),
        (server("return 200;") + " map $uri $x { include /etc/passwd; }", "'include' at line"),
        (server("root /etc;"), "serves the folder '/etc'"),
        (server("location / { alias ${SERVED_FOLDER}/../../; }"), "serves the folder"),
        (server("location / { alias ${SERVED_FOLDER}$uri; }"), "serves the folder"),
        (server("ssl_certificate /etc/ssl/private/x.pem;"), "not in the work folder"),
        (server("auth_basic_user_file ../../other/x.htpasswd;"), "not in the work folder"),
        (server("access_log /tmp/everything.log;"), "which this lab does not run"),
        (server("access_log syslog:server=192.0.2.7;"), "which this lab does not run"),
        (server("ssl_conf_command Include /etc/x;"), "which this lab does not run"),
        (server("location / { proxy_pass unix:/var/run/docker.sock; }"), "passes requests to"),
        (server("location / { proxy_pass http://127.0.0.1:8888; }"), "passes requests to 'http://127.0.0.1:8888'"),
        (server("location / { proxy_pass http://${CT01_HOST}:8042; }"), "passes requests to"),
        (server("location / { proxy_pass http://${ARCHIVE_HOST}:8042@192.0.2.7/; }"), "passes requests to"),
        (server("location / { proxy_pass http://$http_host; }"), "passes requests to"),
        ("upstream a { server 192.0.2.7:80; } server { listen 8080; }", "passes requests to '192.0.2.7:80' at line 1"),
        (server("lua_code_cache off;"), "does not run"),
        (server("proxy_store on;"), "does not run"),
        (server("dav_methods PUT;"), "does not run"),
        (server("ssl_protocol TLSv1.3;"), "Did you mean 'ssl_protocols'"),
        (server("ssl_session_cache shared:a:2000g;"), "a zone of 2000g at line 3"),
        ("limit_req_zone $uri zone=a:65537k rate=1r/s; server { listen 8080; }", "a zone of 65537k at line 1"),
        (server("return 200"), "without a semicolon at line 4"),
        (server("location ~ ^/a{2}$ { return 204; }"), "'2' without a semicolon at line 3"),
        # What nginx reads otherwise than it looks: to it, these are no comment, no block and no name of the file's.
        (server("add_header A b\x0b#; root /; add_header C\n d;"), "cannot be seen"),
        (server("add_header A b\u00a0#; root /; add_header C\n d;"), "serves the folder '/'"),
        ("geo ${-x { } root /; server { listen 8080; }", "cannot be read at line 1"),
        ("map $uri $x{1 y; deny ${;} server { listen 8080; }", "cannot be read at line 1"),
        (server("location / { proxy_pass http://localhost; }"), "passes requests to 'http://localhost'"),
        (server("location / { proxy_pass http://elsewhere/; }"), "passes requests to 'http://elsewhere/'"),
        ("server { listen 8080; ", "in the middle"),
        ('server { listen 8080; add_header X "open; }', "quotation mark"),
        ("server { listen 8080; } }", "not open"),
    ],
)
def test_proxy_directive_that_is_forbidden_is_refused(text, words):
    with pytest.raises(ConfigurationError, match=words):
        check_proxy(text, {})


def test_proxy_file_is_read_as_nginx_reads_it():
    text = (
        "# a comment; { }\nmap $uri $kind { default 'x;y'; '~^/a{1,3}' other; listen nonsense; }\n"
        'server { listen 8080; location ~ "^/b{2}$" { return 404; } location /backup/ { alias ${SERVED_FOLDER}/b/; } }'
    )
    check_proxy(text, {})
    assert [(line, words[0]) for line, words in nginx_directives(text)] == [
        (2, "map"),
        (3, "server"),
        (3, "listen"),
        (3, "location"),
        (3, "return"),
        (3, "location"),
        (3, "alias"),
    ]
    assert served_paths(text) == ("/backup/",)
    check_proxy("limit_req_zone $uri zone=a:10m rate=1r/s; " + server("ssl_session_cache shared:a:64m;"), {})
    check_proxy(
        "upstream archive { server ${ARCHIVE_HOST}:8042; }\n"
        "server { listen 8080; location / { proxy_pass http://archive; } "
        "location /wado { proxy_pass http://${ARCHIVE_HOST}:8042/wado; } }",
        {},
    )


@pytest.fixture(scope="module")
def hardened(runtime):
    """A hospital whose outside reaches the proxy's encrypted port and nothing else."""
    with sessions(runtime, "proxy", "unlocked-side-door") as start:
        session = start(runtime)
        session.make_certificates()
        (session.work / "nginx.conf").write_text(HTTPS, encoding="utf-8")
        (session.work / "network.yaml").write_text("outside: [https]\n", encoding="utf-8")
        session.restart()
        yield session


def trusting(session):
    return ssl.create_default_context(cafile=str(session.work / "certs" / "hospital-ca.pem"))


def asked(session, door, path="/system", context=None):
    """Ask a door as somebody outside does."""
    state = session.deployment.state
    transport = httpx.HTTPTransport(local_address=state.network.outsider, verify=context or False)
    with httpx.Client(transport=transport, timeout=5, trust_env=False) as client:
        name = {"sni_hostname": "archive.hospital.test"}
        return client.get(f"{door.scheme}://{state.endpoints[door]}{path}", extensions=name)


def stranger_reaches(session, port):
    """Return whether ROGUE, a machine of the lab network, opens a connection to the archive's port."""
    state = session.deployment.state
    modality = {"AET": "ANY", "Host": state.network.addresses["archive"], "Port": port, "Timeout": 3}
    rogue = session.device(STRANGER)
    rogue.put_modalities_id("tried", modality)
    answer = httpx.post(
        f"{state.servers[STRANGER].url}/modalities/tried/echo",
        auth=("lab", state.password),
        json={},
        timeout=20,
        trust_env=False,
    )
    words = answer.json().get("Details", "") if answer.is_error else ""
    return not any(
        reason in words for reason in ("TCP Initialization", "refused", "reset", "timeout", "aborted", "closed")
    )


def test_firewall_lets_strangers_reach_tls_alone(hardened):
    assert asked(hardened, ArchivePort.HTTPS, context=trusting(hardened)).json()["DicomAet"] == "ARCHIVE"
    for door in (ArchivePort.HTTP, ArchivePort.PROXY):
        with pytest.raises(httpx.HTTPError):
            asked(hardened, door)
    assert not stranger_reaches(hardened, 4242)


def test_firewall_leaves_everything_open_to_the_hospital(hardened):
    hardened.modality("WS01").echo()
    hardened.modality("CT01").echo()


def test_proxy_certificate_of_another_authority_is_rejected(hardened):
    with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
        asked(hardened, ArchivePort.HTTPS, context=ssl.create_default_context())


def test_firewall_follows_the_file(hardened):
    path = hardened.work / "network.yaml"
    before = path.read_text(encoding="utf-8")
    try:
        path.write_text("outside: [http, dicom]\n", encoding="utf-8")
        hardened.restart()
        assert asked(hardened, ArchivePort.HTTP).status_code == 200
        assert stranger_reaches(hardened, 4242)
        with pytest.raises(httpx.HTTPError):
            asked(hardened, ArchivePort.HTTPS)
        path.write_text("outside: [https, htp]\n", encoding="utf-8")
        with pytest.raises(ConfigurationError, match=r"network\.yaml: outside\.1"):
            hardened.restart()
    finally:
        path.write_text(before, encoding="utf-8")
        hardened.restart()


def test_proxy_that_nginx_refuses_keeps_the_running_one(hardened):
    path = hardened.work / "nginx.conf"
    try:
        path.write_text(HTTPS.replace("TLSv1.2 TLSv1.3", "TLSv9"), encoding="utf-8")
        with pytest.raises(ServerStartError, match=r"TLSv9.*runs as it did before"):
            hardened.restart()
        assert asked(hardened, ArchivePort.HTTPS, context=trusting(hardened)).status_code == 200
    finally:
        path.write_text(HTTPS, encoding="utf-8")
        hardened.restart()


def listening():
    """Return the address and port of everything that listens on this machine."""
    lines = subprocess.run(["ss", "-Hltn"], capture_output=True, text=True, check=True).stdout.splitlines()
    return {line.split()[3] for line in lines}


def test_proxy_never_listens_beyond_the_lab(hardened, monkeypatch):
    """Safety rule 1, past the check of the file: the runtime itself must hold."""
    monkeypatch.setattr("pacslab.pacs.config.student_files.check_proxy", lambda _text, _files: None)
    before = listening()
    path = hardened.work / "nginx.conf"
    try:
        for listen in ("0.0.0.0:8080", "[::]:8080", "8080", "192.0.2.7:8080"):
            path.write_text(f"server {{ listen {listen}; location / {{ return 204; }} }}", encoding="utf-8")
            try:
                hardened.restart()
            except PacslabError:
                continue
            mine = listening() - before
            assert all(address.startswith("127.") for address in mine), mine
            proxy = hardened.deployment.state.proxy
            if hardened.deployment.runtime.name == "process":
                assert {socket_address.address for socket_address in listeners(int(proxy.handle.split(":")[0]))} == {
                    proxy.address
                }
            else:
                assert proxy.http.host == "127.0.0.1"
    finally:
        path.write_text(HTTPS, encoding="utf-8")
        hardened.restart()


@in_process  # a container without a way out is proven in test_safety.py
def test_proxy_cannot_reach_beyond_the_lab(hardened, monkeypatch):
    """Safety rule 2, past the check of the file: it passes requests to a machine outside, and nothing arrives."""
    monkeypatch.setattr("pacslab.pacs.config.student_files.check_proxy", lambda _text, _files: None)
    text = subprocess.run(["ip", "-4", "-o", "address"], capture_output=True, text=True, check=True).stdout
    found = [line.split()[3].split("/")[0] for line in text.splitlines()]
    outside = next(address for address in found if not address.startswith(("127.", "10.231.", "172.")))
    with socket.create_server((outside, 0)) as heard:
        heard.settimeout(1)
        target = f"http://{outside}:{heard.getsockname()[1]}"
        path = hardened.work / "nginx.conf"
        try:
            path.write_text(HTTPS.replace("http://${ARCHIVE_HOST}:8042", target), encoding="utf-8")
            hardened.restart()
            assert asked(hardened, ArchivePort.HTTPS, context=trusting(hardened)).status_code == 502
            with pytest.raises(TimeoutError):
                heard.accept()
        finally:
            path.write_text(HTTPS, encoding="utf-8")
            hardened.restart()


def test_proxy_redirects_reach_no_file_of_the_machine(hardened, tmp_path):
    """Its own check of paths ends where the configuration itself names one."""
    secret = tmp_path / "secret.txt"
    secret.write_text("not the proxy's", encoding="utf-8")
    tmp_path.chmod(0o755)
    way = "/.." * 24 + str(secret)
    path = hardened.work / "nginx.conf"
    lines = [
        f"location = /tried {{ try_files {way} =404; }}",
        f"location = /rewritten {{ rewrite ^ {way} break; }}",
        f"location = /faulty {{ error_page 404 {way}; return 404; }}",
        f"location = /index/ {{ index {way[1:]}; }}",
        "location = /asked { try_files $arg_file =404; }",
    ]
    text = HTTPS.replace("location / {", "root ${SERVED_FOLDER};\n" + "\n".join(lines) + "\nlocation / {")
    try:
        path.write_text(text.replace("proxy_pass http://${ARCHIVE_HOST}:8042", "try_files $uri =403"), encoding="utf-8")
        hardened.restart()
        for asking in ("/tried", "/rewritten", "/faulty", "/index/", f"/asked?file={way}"):
            answer = asked(hardened, ArchivePort.HTTPS, asking, trusting(hardened))
            assert answer.is_error, asking
            assert "not the proxy's" not in answer.text
    finally:
        path.write_text(HTTPS, encoding="utf-8")
        hardened.restart()


def test_proxy_teardown_with_deployment_and_time_limit(runtime):
    with sessions(runtime, "ending", "unlocked-side-door") as start:
        session = start_briefly(start, runtime)
        proxy = session.deployment.state.proxy
        assert session.deployment.runtime.running(proxy)
        deadline = session.deployment.state.owner.deadline
        while session.deployment.runtime.running(proxy) and time.time() < deadline + 30:
            time.sleep(0.2)
        assert not session.deployment.runtime.running(proxy)
        session.start()
        again = session.deployment.state.proxy
        assert session.deployment.runtime.running(again)
        assert session.stop() >= 4
        assert not session.deployment.runtime.running(again)


def test_firewall_with_the_stranger_inside_is_refused(started):
    (started.work / "network.yaml").write_text("outside: []\n", encoding="utf-8")
    with pytest.raises(ConfigurationError, match="inside the building"):
        started.restart()
    started.reset()
    assert not (started.work / "network.yaml").exists()
    assert (started.work / "before-reset.network.yaml").exists()


def test_firewall_is_open_unless_the_file_says_so():
    assert NetworkRules().closed(of_proxy=False) == NetworkRules().closed(of_proxy=True) == ()
    assert NetworkRules(outside=(ArchivePort.HTTPS,)).closed(of_proxy=False) == (8042, 4242)
    assert NetworkRules(outside=(ArchivePort.HTTPS,)).closed(of_proxy=True) == (8080,)
