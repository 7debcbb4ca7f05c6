"""Per-user rules in Lua: the allowlist of names that the student's scripts may use.

Orthanc asks ``IncomingHttpRequestFilter(method, uri, ip, username, headers)`` about every request of its web side
(Orthanc Book, "Server-side scripting with Lua"). Lua in Orthanc can also run programs and read files, so this lab runs
only scripts that compute: the language itself, ``string`` and a few plain functions. What it prints stands in the
server's log; so a script may also be an audit log, called for each stored image (``OnStoredInstance``) and each C-FIND
(``IncomingFindRequestFilter``). Orthanc has both since 1.1.0 or earlier. It asks no script about C-MOVE and C-GET, but
writes them into its own log where that log says more of DICOM: so a script may ask for that when Orthanc calls
``Initialize``, in exactly these words, and for nothing else: ``RestApiPut('/tools/log-level-dicom', 'verbose')``.
"""

from __future__ import annotations

import re

from pacslab.errors import ConfigurationError

FILTER = "IncomingHttpRequestFilter"
CALLBACKS = (FILTER, "OnStoredInstance", "IncomingFindRequestFilter", "Initialize")
MAX_CHARACTERS = 32_000
_LANGUAGE = "and break do else elseif end false for function if in local nil not or repeat return then true until while"
_KEYWORDS = frozenset(_LANGUAGE.split())
_OFFERED = frozenset({*CALLBACKS, "string", "tostring", "tonumber", "ipairs", "pairs", "type", "print"})
_LIBRARY = """
    arg assert bit32 collectgarbage coroutine debug dofile error getfenv getmetatable goto io load loadfile loadstring
    math module newproxy next os package pcall rawequal rawget rawlen rawset require select self setfenv setmetatable
    table unpack utf8 warn xpcall
    """
_NEVER_NAMES = frozenset(_LIBRARY.split())
_ASKED = "RestApiPut"
_TALKATIVE = ("(", "'/tools/log-level-dicom'", ",", "'verbose'", ")")
_NEVER_FIELDS = frozenset({"dump", "rep", "gsub"})
_OWN_NAME = re.compile("|".join(("[a-z][A-Za-z0-9_]*", *CALLBACKS)))
_TOKEN = re.compile(
    r"""(?P<comment>--\[(?P<fence>=*)\[.*?\](?P=fence)\]|--(?!\[=*\[)[^\n]*) | (?P<space>\s+)
        | (?P<text>"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|\[(?P<long>=*)\[.*?\](?P=long)\])
        | (?P<name>[A-Za-z_]\w*) | (?P<number>(?:0[xX][0-9A-Fa-f]+|\d+(?:\.\d+)?(?:[eE][-+]?\d+)?)(?![\w.]))
        | (?P<sign>\.\.\.|\.\.|:(?!:)|[-+*/%^\#=<>~(){}\[\];,.&|])""",
    re.VERBOSE | re.DOTALL | re.ASCII,
)


def _tokens(text: str, name: str) -> list[tuple[str, str, int]]:
    """Return kind, text and line of each token of a script, without its comments."""
    found = []
    position, line = 0, 1
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise ConfigurationError(f"{name} cannot be read at line {line}", "Correct that line.")
        kind = str(match.lastgroup)
        if match.group("text") is not None:
            kind = "text"
        if kind in {"name", "number", "sign", "text"}:
            found.append((kind, match.group(), line))
        line += match.group().count("\n")
        position = match.end()
    return found


def _defined(tokens: list[tuple[str, str, int]]) -> set[str]:
    """Return the names that the script makes itself: locals, loop variables, functions and their parameters."""
    names: set[str] = set()
    for index, (_, word, _line) in enumerate(tokens):
        if word not in {"local", "for", "function"}:
            continue
        rest = tokens[index + 1 :]
        stops = {"local": {"=", ";"}, "for": {"=", "in"}, "function": {")"}}[word]
        expecting = True
        for kind, text, _ in rest:
            if text in stops or (word == "local" and not expecting and text != ","):
                break
            if kind == "name" and text not in _KEYWORDS:
                names.add(text)
            expecting = text in {",", "function"}
    return names


def _asks_for_a_talkative_log(words: list[str]) -> bool:
    """Return whether these are the arguments of the only call to the REST API that a script may make."""
    return tuple(re.sub(r"\A([\"'])(.*)\1\Z", r"'\2'", word) for word in words) == _TALKATIVE


def check_rules(text: str, name: str) -> None:
    """Refuse a script that could do more than decide about requests and write them down (CWE-94).

    Raises
    ------
    ConfigurationError
        If it uses a name that is neither its own nor offered (with the line), is too long, or has nothing in it
        that Orthanc calls.

    Examples
    --------
    >>> check_rules("function IncomingHttpRequestFilter(method) return method == 'GET' end", "rules.lua")
    >>> check_rules("os.execute('id')", "rules.lua")
    Traceback (most recent call last):
    ...
    pacslab.errors.ConfigurationError: rules.lua uses 'os' at line 1, which this lab does not run: ...

    """
    if len(text) > MAX_CHARACTERS:
        raise ConfigurationError(f"{name} is longer than 32,000 characters", "Keep the rules short.")
    tokens = _tokens(text, name)
    own = _defined(tokens)
    before = ""
    for index, (kind, word, line) in enumerate(tokens):
        after = [text for _, text, _ in tokens[index + 1 : index + 3]]
        # A field of something, or the key in { GET = true }: a name that looks nothing up.
        field = before in {".", ":"} or (before in {"{", ","} and after[:1] == ["="] and after[1:] != ["="])
        before = word
        if kind != "name" or word in _KEYWORDS:
            continue
        if field:
            bad = word in _NEVER_FIELDS
        elif word == _ASKED:
            arguments = tokens[index + 1 : index + 1 + len(_TALKATIVE)]
            bad = not _asks_for_a_talkative_log([text for _, text, _ in arguments])
        else:
            bad = word in _NEVER_NAMES or (
                word not in _OFFERED and not (word in own and _OWN_NAME.fullmatch(word) is not None)
            )
        if word == "string" and not field and after[:1] != ["."]:
            bad = True  # string["..."] or a copy of it would go round the list of its functions
        if bad:
            raise ConfigurationError(
                f"{name} uses {word!r} at line {line}, which this lab does not run: rules decide about a request, "
                "may print a line about it, and do nothing else",
                f"A rule may use its own names, comparisons, and {', '.join(sorted(_OFFERED.difference(CALLBACKS)))}.",
            )
    if own.isdisjoint(CALLBACKS):
        raise ConfigurationError(
            f"{name} does not define {FILTER}, nor anything else that Orthanc calls ({', '.join(CALLBACKS[1:])})",
            f"Write: function {FILTER}(method, uri, ip, username, headers) ... end",
        )
