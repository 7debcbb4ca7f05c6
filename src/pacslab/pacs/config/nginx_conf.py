"""The student's ``nginx.conf``: parse it as nginx does, check it against the allowlist, complete it for a start.

It is what stands inside nginx's ``http { }``: servers, upstreams, maps, limits. The lab writes the rest. Which
directives may stand there is an allowlist; files are named by their path in the work folder.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pacslab.errors import ConfigurationError
from pacslab.pacs.config.orthanc_json import HTTP_PORT
from pacslab.pacs.config.ports import PROXY_HTTP_PORT, PROXY_HTTPS_PORT
from pacslab.scenario import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

FILE = "nginx.conf"
SERVED_FOLDER = "${SERVED_FOLDER}"
NGINX_UPSTREAM = f"${{ARCHIVE_HOST}}:{HTTP_PORT}"
SCRATCH_FOLDER = "${SCRATCH_FOLDER}"
"""Where the runtime lets nginx write; only the lab's frame names it."""

LONGEST_NGINX_CONF = 64_000  # characters
LARGEST_ZONE = 64 << 20  # bytes of memory that its processes would share

_OFFERED = """
    add_header add_trailer allow auth_basic auth_basic_user_file autoindex autoindex_exact_size autoindex_localtime
    access_log break charset client_body_buffer_size client_body_timeout client_header_buffer_size client_header_timeout
    client_max_body_size default_type deny error_page etag expires geo gzip gzip_types if if_modified_since index
    internal keepalive keepalive_requests keepalive_timeout large_client_header_buffers limit_conn limit_conn_status
    limit_conn_zone limit_except limit_rate limit_rate_after limit_req limit_req_status limit_req_zone listen location
    log_format log_not_found map map_hash_bucket_size max_ranges merge_slashes port_in_redirect proxy_buffering
    proxy_buffer_size proxy_buffers proxy_connect_timeout proxy_hide_header proxy_http_version
    proxy_intercept_errors proxy_max_temp_file_size proxy_method proxy_next_upstream proxy_pass proxy_pass_header
    proxy_pass_request_body proxy_pass_request_headers proxy_read_timeout proxy_redirect proxy_request_buffering
    proxy_send_timeout proxy_set_header recursive_error_pages reset_timedout_connection return rewrite root alias
    satisfy send_timeout server server_name server_name_in_redirect server_tokens set ssl_buffer_size
    ssl_certificate ssl_certificate_key ssl_ciphers ssl_client_certificate ssl_conf_command ssl_early_data
    ssl_ecdh_curve ssl_prefer_server_ciphers ssl_protocols ssl_session_cache ssl_session_tickets ssl_session_timeout
    ssl_verify_client ssl_verify_depth tcp_nodelay try_files types underscores_in_headers upstream
    """
DIRECTIVES = frozenset(_OFFERED.split())
_TO_ARCHIVE = re.compile(rf"http://{re.escape(NGINX_UPSTREAM)}(/.*)?")
_TO_UPSTREAM = re.compile(r"http://([a-z][a-z0-9_]*)(/.*)?")
_ZONE = re.compile(r".*:(\d+)([kKmMgG]?)")
_UNITS = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30}
_VALUE_BLOCKS = {"map", "types", "geo"}  # what stands inside them are values and not directives
_PORTS = {str(PROXY_HTTP_PORT), str(PROXY_HTTPS_PORT)}
_OWN_NAMES = {"${PROXY_HOST}", "*", "0.0.0.0"}  # noqa: S104  (in both runtimes this means the proxy's own address)
# Never more than nginx's own reading: where the two could part, the text is refused. So white space is nginx's four
# characters, a word goes on until nginx would end it, and "${" only begins the name of a variable.
_TOKEN = re.compile(
    r"""(?P<comment>\#[^\n]*) | (?P<space>[ \t\r\n]+) | (?P<quoted>"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')
        | (?P<mark>[{};])
        | (?P<word>(?:\$\{[A-Za-z_]\w*\}|\\.|\$(?!\{)|[^ \t\r\n{};"'\\$])
           (?:\$\{[A-Za-z_]\w*\}|\\.|\$(?!\{)|[^ \t\r\n{};\\$])*)""",
    re.VERBOSE | re.DOTALL | re.ASCII,
)
_UNSEEN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")

_FRAME = """\
daemon off;
master_process off;
error_log stderr notice;
pid ${{SCRATCH_FOLDER}}/nginx.pid;
events {{ worker_connections 256; }}
http {{
    client_body_temp_path ${{SCRATCH_FOLDER}}/body;
    proxy_temp_path ${{SCRATCH_FOLDER}}/proxy;
    fastcgi_temp_path ${{SCRATCH_FOLDER}}/fastcgi;
    uwsgi_temp_path ${{SCRATCH_FOLDER}}/uwsgi;
    scgi_temp_path ${{SCRATCH_FOLDER}}/scgi;
    access_log off;
    default_type application/octet-stream;
    types {{ text/html html; text/plain txt; application/zip zip; image/png png; image/jpeg jpg; application/pdf pdf; }}
    client_max_body_size 512m;
# The student's nginx.conf begins here.
{text}
}}
"""


def _refuse(problem: str, remedy: str) -> ConfigurationError:
    return ConfigurationError(f"{FILE} {problem}", remedy)


def _tokens(text: str) -> Iterator[tuple[int, str, str]]:
    """Yield line, kind (``word`` or ``mark``) and text of each token."""
    position, line = 0, 1
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise _refuse(f"cannot be read at line {line}", "Close the quotation mark or the ${NAME} there.")
        if match.lastgroup == "quoted":
            yield line, "word", match.group()[1:-1]
        elif match.lastgroup in {"word", "mark"}:
            yield line, str(match.lastgroup), match.group()
        line += match.group().count("\n")
        position = match.end()


def nginx_directives(text: str) -> Iterator[tuple[int, list[str]]]:
    """Yield each directive of the text: the line where it ends, and its name and arguments.

    The values of a ``map``, ``geo`` or ``types`` block are no directives.

    Raises
    ------
    ConfigurationError
        If braces, quotes or semicolons do not fit, with the line.

    Examples
    --------
    >>> list(nginx_directives("server { listen 8443 ssl; }"))
    [(1, ['server']), (1, ['listen', '8443', 'ssl'])]

    """
    words: list[str] = []
    blocks: list[str] = []
    for line, kind, sign in _tokens(text):
        if kind == "word":
            words.append(sign)
            continue
        if sign == "}":
            if words or not blocks:
                problem = f"has {words[0]!r} without a semicolon" if words else "closes a block that is not open"
                raise _refuse(f"{problem} at line {line}", "Correct that line.")
            blocks.pop()
            continue
        if sign == "{" and not words:
            raise _refuse(f"opens a block without a name at line {line}", "Write for example: server { ... }")
        # What stands inside a map are values, but for the files that it would read.
        if words and (words[0] == "include" or not (blocks and blocks[-1] in _VALUE_BLOCKS)):
            yield line, words
        if sign == "{":
            blocks.append(words[0])
        words = []
    if words or blocks:
        raise _refuse("ends in the middle of a block or a line", "Close it with '}' or ';'.")


def check_proxy(text: str, files: Mapping[str, str]) -> None:
    """Refuse an ``nginx.conf`` that the lab must not run.

    Parameters
    ----------
    text
        What stands inside ``http { }``.
    files
        The files of the work folder that may be named.

    Raises
    ------
    ConfigurationError
        For a directive that is not on the list, a port or an address that is not the proxy's, a file that is not in
        the work folder, a folder that is not the served one, or a path that leaves it.

    """
    if len(text) > LONGEST_NGINX_CONF:
        raise _refuse("is longer than 64,000 characters", "Keep what the proxy needs.")
    if SCRATCH_FOLDER in text:
        raise _refuse(f"names {SCRATCH_FOLDER}, which is the lab's", "Remove it.")
    if _UNSEEN.search(text):
        raise _refuse("holds characters that cannot be seen", "Write it again in an editor for plain text.")
    found = list(nginx_directives(text))
    upstreams = {words[1] for _, words in found if words[0] == "upstream" and len(words) > 1}
    if not any(words[0] == "listen" for _, words in found):
        raise _refuse("has no server that listens", f"Write a server with 'listen {PROXY_HTTPS_PORT} ssl;'.")
    for line, words in found:
        name, where = words[0], f"at line {line}"
        if name in {"http", "events"}:
            raise _refuse(f"has {name!r} {where}, which the lab writes", "Keep only what stands inside http { }.")
        if name not in DIRECTIVES:
            hint = did_you_mean(name, sorted(DIRECTIVES))
            raise _refuse(f"has the directive {name!r} {where}, which this lab does not run", hint or "Remove it.")
        check = _CHECKS.get(name)
        if check is not None:
            check(words[1:], where, files)
        if name == "proxy_pass":
            _check_pass(words[1:], where, upstreams)


def _check_file(values: list[str], where: str, files: Mapping[str, str]) -> None:
    if len(values) != 1 or values[0] not in files:
        raise _refuse(
            f"names the file {' '.join(values)!r} {where}, which is not in the work folder",
            "Run 'pacslab certificates', or create it, and name it from the work folder.",
        )


def _check_folder(values: list[str], where: str, _files: Mapping[str, str]) -> None:
    path = values[0] if values else ""
    if not path.startswith(SERVED_FOLDER) or "$" in path[len(SERVED_FOLDER) :] or ".." in path:
        raise _refuse(
            f"serves the folder {path!r} {where}", f"The proxy serves {SERVED_FOLDER} and what lies below it."
        )


def _check_words(values: list[str], where: str, _files: Mapping[str, str]) -> None:
    offered = {"/dev/stdout", "off", "CipherString", "Ciphersuites", "Options"}
    if values[:1] and values[0] not in offered:
        raise _refuse(f"has {values[0]!r} {where}, which this lab does not run", "A log goes to /dev/stdout.")


def _check_zone(values: list[str], where: str, _files: Mapping[str, str]) -> None:
    for value in values:
        found = _ZONE.fullmatch(value)
        if found is not None and int(found.group(1)) * _UNITS[found.group(2).lower()] > LARGEST_ZONE:
            raise _refuse(f"asks for a zone of {value.rpartition(':')[2]} {where}", "1m remembers 16,000 addresses.")


def _check_pass(values: list[str], where: str, upstreams: set[str]) -> None:
    target = values[0] if values else ""
    named = _TO_UPSTREAM.fullmatch(target)  # any other name, localhost for one, would lead out of the lab
    if not (_TO_ARCHIVE.fullmatch(target) or (named is not None and named.group(1) in upstreams)):
        raise _refuse(
            f"passes requests to {target!r} {where}",
            f"The proxy stands in front of http://{NGINX_UPSTREAM} and nothing else.",
        )


def _check_server(values: list[str], where: str, _files: Mapping[str, str]) -> None:
    if values and values[0] != NGINX_UPSTREAM:  # a server of an upstream, and not a block
        raise _refuse(f"passes requests to {values[0]!r} {where}", f"Write: server {NGINX_UPSTREAM};")


def _check_listen(values: list[str], where: str, _files: Mapping[str, str]) -> None:
    target = values[0] if values else ""
    host, _, port = target.rpartition(":")
    if port not in _PORTS or (host and host not in _OWN_NAMES):
        raise _refuse(
            f"listens on {target!r} {where}, and the proxy's ports are {PROXY_HTTP_PORT} and {PROXY_HTTPS_PORT}",
            f"Write 'listen {PROXY_HTTPS_PORT} ssl;' for https (the hospital's 443), or 'listen {PROXY_HTTP_PORT};'.",
        )
    stray = [value for value in values[1:] if not re.fullmatch(r"ssl|http2|default_server|backlog=\d+", value)]
    if stray:
        raise _refuse(f"listens with {stray[0]!r} {where}, which this lab does not run", "Remove that word.")


_CHECKS: dict[str, Callable[[list[str], str, Mapping[str, str]], None]] = {
    "listen": _check_listen,
    "ssl_certificate": _check_file,
    "ssl_certificate_key": _check_file,
    "ssl_client_certificate": _check_file,
    "auth_basic_user_file": _check_file,
    "root": _check_folder,
    "alias": _check_folder,
    "access_log": _check_words,
    "ssl_conf_command": _check_words,
    "server": _check_server,
    "limit_conn_zone": _check_zone,
    "limit_req_zone": _check_zone,
    "ssl_session_cache": _check_zone,
}


def listens(text: str) -> tuple[int, ...]:
    """Return the ports that an ``nginx.conf`` listens on, in the file's order.

    >>> listens("server { listen 8080; listen 8443 ssl; }")
    (8080, 8443)
    """
    return tuple(int(words[1].rpartition(":")[2]) for _, words in nginx_directives(text) if words[0] == "listen")


def served_paths(text: str) -> tuple[str, ...]:
    """Return the locations under which an ``nginx.conf`` serves a folder, for example ``/backup/``."""
    found: list[str] = []
    location = "/"
    for _, words in nginx_directives(text):
        if words[0] == "location":
            location = words[-1]
        elif words[0] in {"root", "alias"}:
            found.append(location)
    return tuple(dict.fromkeys(path for path in found if path.startswith("/")))


def complete_proxy(text: str, variables: Mapping[str, str]) -> str:
    """Return the whole file for nginx: the lab's frame, the student's text and every ``${NAME}`` of a machine replaced.

    The two folders' variables stay; the runtime knows where they lie.

    Parameters
    ----------
    text
        The student's checked text.
    variables
        ``ARCHIVE_HOST`` and the like.

    """
    for name, value in variables.items():
        text = text.replace(f"${{{name}}}", value)
    return _FRAME.format(text=text)
