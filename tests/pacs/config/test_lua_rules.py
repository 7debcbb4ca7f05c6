"""Rules in Lua: what a student's script may say, and that it decides for each user on a running archive."""

import json

import httpx
import pytest

from pacslab.errors import ConfigurationError
from pacslab.pacs.config.lua_rules import check_rules
from tests.support.servers import sessions

READER = """
-- The radiologist reads; only the administrator deletes.
local reading = { GET = true, HEAD = true }
function IncomingHttpRequestFilter(method, uri, ip, username, headers)
    print("request " .. method .. " of " .. username)
    if username == "administrator" then return true end
    return reading[method] == true or (method == "POST" and string.match(uri, "^/tools/find$") ~= nil)
end
"""

FORBIDDEN = [
    ('os.execute("id")', "'os'"),
    ('local f = io.open("/etc/passwd")', "'io'"),
    ('load("return 1")()', "'load'"),
    ('require "socket"', "'require'"),
    ('local x = _G["os"]', "'_G'"),
    ("local x = _ENV", "'_ENV'"),
    ('os = os or nil; os.execute("id")', "'os'"),
    ("local RestApiDelete = RestApiDelete", "'RestApiDelete'"),
    ('RestApiPost("/tools/shutdown", "")', "'RestApiPost'"),
    ('HttpGet("http://192.0.2.1/")', "'HttpGet'"),
    ('RestApiPut("/tools/log-level-dicom", "trace")', "'RestApiPut'"),
    ('RestApiPut("/tools/log-level", "verbose")', "'RestApiPut'"),
    ("RestApiPut('/tools/log-level-dicom' .. x, 'verbose')", "'RestApiPut'"),
    ("local put = RestApiPut", "'RestApiPut'"),
    ("local function RestApiPut() end", "'RestApiPut'"),
    ('local s = string["dump"]', "'string'"),
    ("local s = string; s.dump(print)", "'string'"),
    ('local s = ("x"):rep(1e9)', "'rep'"),
    ("for os in pairs({}) do os.execute() end", "'os'"),
    ("function debug() end debug.getinfo(1)", "'debug'"),
    ("local self = 1", "'self'"),
    ("--[[ hidden ]] dofile('x')", "'dofile'"),
    ("--[==[ ]] ]==] dofile('x')", "'dofile'"),
    ("goto done", "'goto'"),
]

UNREADABLE = [
    "::mark:: os.execute('id')",
    "local x = 1os.execute('id')",
    "local x = 0x1gos.execute()",
    "local \xe4 = 1",
]


@pytest.mark.parametrize(("line", "word"), FORBIDDEN)
def test_lua_script_that_reaches_the_machine_is_refused(line, word):
    with pytest.raises(ConfigurationError, match=f"{word} at line 2"):
        check_rules(f"-- rules\n{line}\n{READER}", "rules.lua")


@pytest.mark.parametrize("line", UNREADABLE)
def test_lua_script_that_lua_reads_otherwise_is_refused(line):
    """A label, or a number that ends where a name begins (as Lua 5.3 allows), must hide no name."""
    with pytest.raises(ConfigurationError, match="cannot be read at line 2"):
        check_rules(f"-- rules\n{line}\n{READER}", "rules.lua")


def test_lua_ordinary_rules_are_accepted():
    check_rules(READER, "rules.lua")
    check_rules(
        "function IncomingHttpRequestFilter(method, uri, ip, username, headers)\n"
        "  for name, value in pairs(headers) do if name == 'x-forwarded-for' and value:sub(1, 3) == '127' then "
        "return true end end\n  local count = #uri\n  return tonumber('1') == 1 and count < 2000\nend",
        "rules.lua",
    )


def test_lua_script_that_logs_is_accepted():
    check_rules(
        "function OnStoredInstance(instanceId, tags, metadata, origin) print(instanceId .. origin['RemoteAet']) end\n"
        "function IncomingFindRequestFilter(query, origin) print(origin['RemoteAet']) return query end",
        "audit.lua",
    )
    with pytest.raises(ConfigurationError, match="'OnHeartBeat' at line 1"):
        check_rules("function OnHeartBeat() end", "audit.lua")


def test_lua_script_without_a_filter_says_what_to_write():
    with pytest.raises(ConfigurationError, match="function IncomingHttpRequestFilter"):
        check_rules("local x = 1", "rules.lua")
    with pytest.raises(ConfigurationError, match="line 1"):
        check_rules('local x = "never closed', "rules.lua")


def test_lua_rules_let_only_the_administrator_delete(runtime):
    with sessions(runtime, "rules") as start:
        session = start(runtime)
        (session.work / "rules.lua").write_text(READER, encoding="utf-8")
        path = session.work / "orthanc.json"
        people = {"radiologist": "reads-and-no-more", "administrator": "does-everything"}
        lines = path.read_text(encoding="utf-8").splitlines()
        lines = [line for line in lines if "RegisteredUsers" not in line and "AuthenticationEnabled" not in line]
        lines.insert(1, '"AuthenticationEnabled": true, "LuaScripts": ["rules.lua"],')
        lines.insert(1, f'"RegisteredUsers": {json.dumps(people)},')
        path.write_text("\n".join(lines), encoding="utf-8")
        session.restart()
        reader, keeper = (
            httpx.Client(base_url=session.url, auth=person, timeout=20, trust_env=False) for person in people.items()
        )
        instance = reader.get("/instances").json()[0]
        assert reader.get(f"/instances/{instance}/preview").status_code == 200
        assert reader.post("/tools/find", json={"Level": "Study", "Query": {}}).json()
        assert reader.get("/dicom-web/studies").status_code == 200
        for refused in (
            reader.delete(f"/instances/{instance}"),
            reader.post("/tools/reset"),
            reader.put("/modalities/x", json={}),
        ):
            assert refused.status_code == 403
        assert instance in reader.get("/instances").json()
        assert keeper.delete(f"/instances/{instance}").status_code == 200
        assert instance not in reader.get("/instances").json()
        log = "\n".join(session.deployment.runtime.log(session.deployment.state.servers["archive"], 200))
        assert "request DELETE of radiologist" in log
        assert not [value for value in session.key.facts.values() if len(value) > 9 and value in log]


def test_lua_script_missing_or_elsewhere_is_named(started):
    path = started.work / "orthanc.json"
    text = path.read_text(encoding="utf-8")
    for name in ("rules.lua", "../../rules.lua", "/etc/orthanc/rules.lua"):
        path.write_text(text.replace("{", f'{{ "LuaScripts": ["{name}"],', 1), encoding="utf-8")
        with pytest.raises(ConfigurationError, match="not in the work folder"):
            started.restart()
    assert started.status().running
