"""The reader of nginx.conf against crossplane, a second reader of nginx's language: both find the same directives."""

from pathlib import Path

import crossplane
import pytest

from pacslab.errors import ConfigurationError
from pacslab.pacs.config.nginx_conf import nginx_directives
from pacslab.paths import shipped

VALUE_BLOCKS = {"map", "types", "geo"}
SHIPPED = sorted(path for root in ("scenarios", "instructor") for path in shipped(root).rglob("nginx.conf"))

TRICKY = {
    "single quotes": "map $uri $kind { default 'x;y'; } server { listen 8080; }",
    "double quotes": 'server { add_header A "b; { } c" always; }',
    "quotes within quotes": """log_format a '"$request" $status'; log_format b "it's";""",
    "empty quotes": "server { auth_basic ''; add_header A \"\"; }",
    "escaped quote in quotes": r'server { add_header A "a \"b\" c"; }',
    "escaped blank": r"server { location /a\ b { return 204; } }",
    "escaped semicolon": r"server { location ~ /a\;b { return 204; } }",
    "escaped brace": r"server { location ~ ^/a\{2\}$ { return 204; } }",
    "escaped backslash": r"server { location ~ \\$ { return 204; } }",
    "comment at the end of a line": "server { # { ; }\n listen 8080; # }\n}",
    "comment between words": "server {\n add_header A # ; b\n c;\n}",
    "hash within a word": "server { add_header A b#c; return 200 /#top; }",
    "comment behind a semicolon": "server { listen 8080;# listen 8443;\n}",
    "quotes in a comment": "# it's \"open\nserver { listen 8080; }",
    "nested blocks": "server { location / { limit_except GET { deny all; } if ($x) { return 403; } } }",
    "braces in quotes": 'server { location ~ "^/a{2}$" { return 404; } }',
    "braces of a variable": "server { location / { proxy_pass http://${ARCHIVE_HOST}:8042; } }",
    "no white space": "server{listen 8080;location /{return 204;}}",
    "a word over two lines": "server {\n add_header A\n  'one\n  two';\n return\n 204; }",
    "windows line ends": "server {\r\n\tlisten 8080;\r\n}\r\n",
    "quotes inside a word": "server { add_header A b\"c d'e; }",
    "condition": 'server { if ($request_method != "GET") { return 405; } }',
    "types": "types { text/html html htm; application/dicom dcm; } server { listen 8080; }",
    "geo": "geo $inside { default 0; 127.0.0.0/8 1; } server { listen 8080; }",
    "upstream": "upstream archive { server ${ARCHIVE_HOST}:8042; keepalive 2; }",
    "words of two alphabets": "server { return 200 'नमस्ते'; }",
}

MALFORMED = ["server { listen 8080; ", "server { listen 8080; } }", 'server { add_header A "open; }']
MALFORMED_TO_US = ["server { listen 8080 }", "{ listen 8080; }"]
"""nginx refuses them, too; crossplane reads on."""


def crossplane_directives(path: Path) -> list[tuple[int, list[str]]]:
    """Return the line and words of each directive, in the order of the file, but for the values of a map."""
    answer = crossplane.parse(str(path), single=True, strict=False, check_ctx=False, check_args=False)
    if answer["errors"]:
        raise ValueError(answer["errors"])
    found = []

    def walk(block):
        for directive in block:
            found.append((directive["line"], [directive["directive"], *directive["args"]]))
            if directive["directive"] not in VALUE_BLOCKS:
                walk(directive.get("block", []))

    walk(answer["config"][0]["parsed"])
    return found


def our_directives(text: str) -> list[tuple[int, list[str]]]:
    return [(line, list(words)) for line, words in nginx_directives(text)]


def words_only(directives):
    """Return the words of each directive, but for what the two readers write down in different ways.

    crossplane gives a directive's first line, leaves out the brackets around a condition, calls a comment between words
    a directive, and takes the backslash off a quotation mark, which ours leaves: no name or path of the lab holds one.
    """
    found = []
    for _, words in directives:
        if words[0] == "if":
            found.append([word.strip("()") for word in words if word.strip("()")])
        elif words[0] != "#":
            found.append([word.replace('\\"', '"') for word in words])
    return found


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: f"{path.parent.parent.name}/{path.parent.name}")
def test_nginx_conf_shipped_reads_as_crossplane_reads_it(path):
    expected = crossplane_directives(path)
    found = our_directives(path.read_text(encoding="utf-8"))
    assert len(found) > 5
    assert words_only(found) == words_only(expected)


@pytest.mark.parametrize("name", TRICKY)
def test_nginx_conf_tricky_reads_as_crossplane_reads_it(name, tmp_path):
    path = tmp_path / "nginx.conf"
    path.write_bytes(TRICKY[name].encode())
    assert words_only(our_directives(TRICKY[name])) == words_only(crossplane_directives(path))


@pytest.mark.parametrize("text", MALFORMED)
def test_nginx_conf_malformed_is_refused_by_both(text, tmp_path):
    path = tmp_path / "nginx.conf"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError):
        our_directives(text)
    with pytest.raises(ValueError, match=r"nginx\.conf"):
        crossplane_directives(path)


@pytest.mark.parametrize("text", MALFORMED_TO_US)
def test_nginx_conf_malformed_is_refused(text):
    with pytest.raises(ConfigurationError):
        our_directives(text)
