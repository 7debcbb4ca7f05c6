"""The Lua rules against Lua's own compiler, a second reader: what is accepted is Lua, and uses no other global name."""

import random
import re
import subprocess

import pytest

from pacslab.errors import ConfigurationError
from pacslab.pacs.config.lua_rules import CALLBACKS, check_rules
from pacslab.paths import shipped

SHIPPED = sorted(path for root in ("scenarios", "instructor") for path in shipped(root).rglob("*.lua"))
FILTER = "function IncomingHttpRequestFilter(method, uri, ip, username, headers)\n{}\nend\n"
OFFERED = {*CALLBACKS, "string", "tostring", "tonumber", "ipairs", "pairs", "type", "print", "own", "helper"}

ACCEPTED = {
    "comments": "-- a line\n--[[ a\nblock ]] --[==[ another ]] ]==] return true",
    "strings": """local a, b, c = 'it\\'s', "a \\"b\\"", [==[ long ]] ]==] return a .. b == c""",
    "numbers": "local a, b, c, d = 0x1F, 1.5, 2e3, 1e-3 return a + b * c / d % 2 ^ 3 > 0",
    "tables": "local readers = { GET = true, ['HEAD'] = true, 'POST'; } return readers[method] ~= nil",
    "loops": "for index = 1, #uri do if index > 3 then break end end while false do end repeat until true return true",
    "iteration": "for name, value in pairs(headers) do if name == 'host' then return value ~= '' end end return false",
    "functions": "local function own(a, ...) return a, ... end local helper = function() return own(1) end",
    "methods": "return uri:sub(1, 5) == '/user' and string.find(uri, '^/tools') == nil and not (username == '')",
    "semicolons": "local a = 1; local b = 2; do local c = a end; return a == b",
    "own globals": "function helper() own = 1 end function own() end return own",
}

# Parts of the scripts that are drawn below: what a rule may use, and what it must not reach however it is hidden.
NAMES = (
    "own",
    "helper",
    "method",
    "print",
    "string",
    "os",
    "io",
    "load",
    "_G",
    "_ENV",
    "require",
    "debug",
    "RestApiPut",
)
FIELDS = ("sub", "find", "execute", "dump", "rep", "open", "own")
FORMS = (
    "local own = {name}",
    "local helper = {name}.{field}",
    "{name}({value})",
    "{name}.{field}({value})",
    "own = {{ {name} = 1, {field} = {name} }}",
    "for own in pairs({{}}) do {name}() end",
    "--[[ {name}() ]] own = {value}",
    "--[=[ ]] {name}() ]=] {name}({value})",
    "-- {name}()\n{name}({value})",
    "own = [[ {name} ]] .. tostring({name})",
    "own = '\\'' .. {name} .. '{name}'",
    "if {name} == {value} then {name}({value}) end",
    "function own({field}) return {name} end",
    "own = ({value}):{field}({name})",
    "own = {name}['{field}']",
)
VALUES = ("1", "'x'", '"--"', "[[--]]", "nil", "0x1F", "method")


def drawn_scripts(count):
    """Yield scripts of up to three statements, the same at each run."""
    chance = random.Random(20200206)
    for _ in range(count):
        lines = [
            chance.choice(FORMS).format(
                name=chance.choice(NAMES), field=chance.choice(FIELDS), value=chance.choice(VALUES)
            )
            for _ in range(chance.randint(1, 3))
        ]
        yield FILTER.format("\n".join(lines))


def is_accepted(text):
    try:
        check_rules(text, "rules.lua")
    except ConfigurationError:
        return False
    return True


@pytest.fixture
def global_names(program, tmp_path):
    """Return a function that lists the global names of a script, or returns None where Lua refuses it."""
    compiler = program("luac5.4", "luac")
    path = tmp_path / "rules.lua"

    def listed(text):
        path.write_text(text, encoding="utf-8")
        result = subprocess.run([compiler, "-l", "-p", str(path)], capture_output=True, text=True, check=False)
        return None if result.returncode else set(re.findall(r'; _ENV "(\w+)"', result.stdout))

    return listed


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_lua_rules_shipped_are_lua_without_other_globals(path, global_names):
    text = path.read_text(encoding="utf-8")
    check_rules(text, path.name)
    assert global_names(text) <= OFFERED | {"RestApiPut"}


@pytest.mark.parametrize("name", ACCEPTED)
def test_lua_rules_accepted_are_lua_without_other_globals(name, global_names):
    text = FILTER.format(ACCEPTED[name])
    check_rules(text, "rules.lua")
    assert global_names(text) <= OFFERED


def test_lua_rules_drawn_and_accepted_use_no_other_globals(global_names):
    accepted = [text for text in drawn_scripts(1500) if is_accepted(text)]
    assert len(accepted) > 50
    for text in accepted:
        names = global_names(text)
        assert names is not None, text
        assert names <= OFFERED, text


def test_lua_compiler_lists_a_global_that_is_not_offered(global_names):
    """The control: the second reader would see it."""
    assert global_names(FILTER.format("os.execute('id')")) == {"IncomingHttpRequestFilter", "os"}
    assert global_names("function (") is None
