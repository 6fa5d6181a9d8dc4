"""Scripts that try to get out of their interpreter, to spoil it for others, or to end or stop the process.

Each returns 'out' if it has come through; whatever else it does, the interpreter (or the new one that takes its place)
serves the next script as if nothing had been.
"""

from __future__ import annotations

import pytest

from respstore.errors import RespError
from respstore.scripting.runtime import BrokenRuntimeError, Runtime
from tests.scripting.test_runtime import FakeHost

pytestmark = pytest.mark.timeout(60, method="thread")  # a script that does not come back lets no signal through

SMALL = 8 * 1024**2
LAST_TICK = 300
"""How often a script's host is asked whether it may go on, before it may not: a fraction of a second."""

PROBE = b"""
local text = cjson.encode({1, {a = 'b'}})
return {
  ('x'):rep(2), text, #cmsgpack.pack(text), bit.band(7, 2), #KEYS, tostring(rawget(_G, 'leak')), type(redis.call),
  tostring(getmetatable('').__index == string), math.max(1, 2), table.concat({1, 2}), tostring(pcall(error)),
  tostring(next(_G) ~= nil), tostring(redis.leak), coroutine.wrap(function() return 'c' end)(), string.find('abc', 'b'),
}
"""
HEALTHY = [
    *(b"xx", b'[1,{"a":"b"}]', 14, 2, 0, b"nil", b"function", b"true", 2, b"12", b"false", b"true", b"nil", b"c", 2, 2)
]

# What a script has no business to see

SEEN = [f"local ok, value = pcall(function() return {name} end) return ok and value ~= nil and 'out'" for name in (
    *("io", "os", "debug", "package", "require", "dofile", "loadfile", "module", "getfenv", "setfenv", "newproxy"),
    *("python", "lupa", "print", "jit", "ffi", "arg", "__builtins__", "eval", "_ENV"),
    *("debug.getregistry()", "debug.sethook()", "debug.getupvalue(redis.call, 1)", "package.loaded.os"),
    *("io.popen('id')", "os.exit(1)", "os.getenv('PATH')", "require('os')", "python.eval('1')", "python.builtins"),
    *("_G.python", "_G['io']"),
    *("rawget(_G, 'debug')", "rawget(_G, 'python')", "rawget(getmetatable('').__index, 'io')", "string.io", "redis.io"),
    *("redis.__class__", "redis.call.__globals__", "cjson.null.__class__", "('').__class__", "(1).__class__"),
)]  # fmt: skip

ESCAPES = [
    # from environments and metatables
    "getmetatable(_G).__index = nil; return 'out'",
    "return getmetatable(_G).__newindex and 'out'",
    "return getmetatable(redis) ~= nil and 'out'",
    "return getmetatable(string) ~= nil and 'out'",
    "return getmetatable(cjson.null) and 'out'",
    "return getmetatable(redis.call) and 'out'",
    "return getmetatable(coroutine.create(function() end)) and 'out'",
    "for _, value in pairs(_G) do if type(value) == 'userdata' then return 'out' end end",
    "for _, value in pairs(redis) do if type(value) == 'userdata' then return 'out' end end",
    (
        "for _, t in pairs(_G) do if type(t) == 'table' then for _, value in pairs(t) do"
        " if type(value) == 'userdata' and value ~= cjson.null then return 'out' end end end end"
    ),
    "local env = loadstring('return _G')() return env.python and 'out'",
    "return loadstring('leak = 1')() or rawget(_G, 'leak') and 'out'",
    "local f = loadstring('return debug') return pcall(f) and 'out'",
    "return coroutine.wrap(function() return pcall(function() return debug end) end)() and 'out'",
    (
        "local _, trace = xpcall(function() error('x') end, function(problem) return debug end) return trace ~= nil and"
        " type(trace) == 'table' and 'out'"
    ),
    # from bytecode
    "return loadstring(string.dump(function() return 1 end)) and 'out'",
    r"return loadstring('\27Lua\81\0\1\4\8\4\8\0') and 'out'",
    r"local sent return load(function() if not sent then sent = true return '\27Lua' end end) and 'out'",
    r"local n = 0 return load(function() n = n + 1 return ({'\27', 'Lua'})[n] end) and 'out'",
    "local dumped = string.dump(function() end):gsub('.', '%0', 1) return loadstring(dumped) and 'out'",
    # from errors and calls
    (
        "local ok, problem = pcall(redis.call, setmetatable({}, {__tostring = function() return 'x' end}))"
        " return type(problem) == 'userdata' and 'out'"
    ),
    "local ok, problem = pcall(redis.call) return type(problem) == 'userdata' and 'out'",
    "local ok, problem = pcall(redis.call, nil) return type(problem) == 'userdata' and 'out'",
    "local ok, problem = pcall(redis.call, {}, function() end) return type(problem) == 'userdata' and 'out'",
    "local ok, problem = pcall(redis.sha1hex, {}, {}) return type(problem) == 'userdata' and 'out'",
    "local ok, problem = pcall(redis.log, 'x', 'y') return type(problem) == 'userdata' and 'out'",
    "local ok, problem = pcall(redis.setresp, {}) return type(problem) == 'userdata' and 'out'",
    "local ok, problem = pcall(redis.acl_check_cmd, {}) return type(problem) == 'userdata' and 'out'",
    "local kind = type(redis.pcall('get', 'k')) return kind == 'userdata' and 'out'",
    "return type(redis.pcall('get', 'k', redis)) == 'userdata' and 'out'",
    "local ok = pcall(redis.call, coroutine.create(function() end)) return ok and 'out'",
    "error(setmetatable({}, {__index = function() return 'out' end}))",
    "error(setmetatable({err = {}}, {__tostring = function() return 'out' end}))",
    "return setmetatable({}, {__index = function(_, key) return 'out' end})",
    "return {err = setmetatable({}, {__tostring = function() return 'out' end})}",
    "return {ok = {}}",
    "return {double = {}}",
    "return {map = 5}",
    "return {verbatim_string = {}}",
    "return {big_number = {}}",
]

# What would be left for the next script

SPOILS = [
    "leak = 'out' return leak",
    "_G.leak = 'out' return _G.leak",
    "rawset(_G, 'leak', 'out') return leak",
    "rawset(redis, 'leak', 'out') return redis.leak",
    "redis.call = nil return 'out'",
    "redis.leak = 'out' return redis.leak",
    "string.rep = function() return 'out' end return ('x'):rep(2)",
    "getmetatable('').__index = function() return 'out' end return ('x').y",
    "getmetatable('').__index.rep = function() return 'out' end return ('x'):rep(2)",
    "getmetatable('').__add = function() return 'out' end return 'x' + 1",
    "rawset(getmetatable(''), '__index', function() return 'out' end) return ('x').y",
    "setmetatable(_G, {__index = function() return 'out' end}) return leak",
    "setmetatable(getmetatable(''), nil) return 'out'",
    "setmetatable(redis, nil) return 'out'",
    "setmetatable(cjson, {__index = function() return 'out' end}) return cjson.leak",
    "cjson.encode = function() return 'out' end return cjson.encode(1)",
    "cmsgpack.pack = nil return 'out'",
    "bit.band = nil return 'out'",
    "math.max = function() return 'out' end return math.max(1)",
    "table.concat = function() return 'out' end return table.concat({})",
    "coroutine.wrap = nil return 'out'",
    "pcall = nil return 'out'",
    "local t = _G while getmetatable(t) do t = getmetatable(t).__index end t.leak = 'out' return leak",
    "table.insert(redis, 'x') table.insert(string, 'x') table.insert(_G, 'x')",
    "table.sort(redis) table.remove(_G) table.foreach(_G, function(key) rawset(_G, key, nil) end)",
    "for key in pairs(_G) do rawset(_G, key, nil) end return 'out'",
    "table.foreach(string, function(key) string[key] = nil end)",
    "for index = 1, 100 do KEYS[index] = 'x' end",
    "getmetatable(coroutine).__index = nil return 'out'",
    "cjson.null.x = 1 return 'out'",
    "cjson.new().encode = nil",
]

# What would take all memory, or the stack of C

EXHAUSTS = [
    "return #string.rep('x', 2 ^ 31 - 1)",
    "return #('x'):rep(1e9):rep(1e9)",
    "local s = 'x' while true do s = s .. s end",
    "local t = {} while true do t[#t + 1] = {} end",
    "local t = {} while true do t[#t + 1] = function() return t end end",
    "local t = {} for i = 1, 1e9 do t[i] = i end",
    "local t = {} while true do t[{}] = 1 end",
    "local t = {} for i = 1, 1e9 do t['k' .. i] = 1 end",
    "local t = {} while true do t[#t + 1] = coroutine.create(function() end) end",
    "return table.concat(setmetatable({}, {__index = function() return 'x' end}), ('x'):rep(1e6), 1, 1e6)",
    "local t = {} for i = 1, 1000 do t[i] = ('x'):rep(1e5) end return table.concat(t)",
    "return #string.format('%q', string.rep('\\0', 1e7))",
    "return string.format('%99999d', 1)",
    "return (string.gsub(string.rep('x', 1e6), 'x', string.rep('y', 1000)))",
    "return unpack({}, 1, 1e7)",
    "return unpack({}, -2147483648, 2147483647)",
    "return unpack({}, 0/0, 1)",
    "return unpack({}, -1e300, 1e300)",
    "return select('#', string.byte(string.rep('x', 1e6), 1, -1))",
    "return string.char(unpack({}, 1, 1e8))",
    "local function f() return 1 + f() end return f()",
    "local function f(...) return f(1, ...) + 1 end return f()",
    "local function f() return pcall(f) end return f()",
    "local function f() return xpcall(f, f) end return f()",
    "local function f() return coroutine.wrap(f)() end return f()",
    "local function f() return coroutine.resume(coroutine.create(f)) end return f()",
    (
        "local function f(n) if n == 0 then return coroutine.wrap(f)(90) end"
        " return (string.gsub('a', 'a', function() f(n - 1) end)) end return f(90)"
    ),
    "local function f(s) return (string.gsub(s, '.', f)) end return f('a')",
    "local function f() table.sort({3, 2, 1}, function(a, b) f() return a < b end) end return f()",
    "local t = setmetatable({}, {}) getmetatable(t).__tostring = function() return tostring(t) end return tostring(t)",
    "local t = setmetatable({}, {}) getmetatable(t).__index = function(_, key) return t[key .. 'x'] end return t.x",
    "local t = setmetatable({}, {}) getmetatable(t).__newindex = function(_, key) t[key .. 'x'] = 1 end t.x = 1",
    "local t = setmetatable({}, {}) getmetatable(t).__concat = function(a, b) return a .. b end return t .. t",
    (
        "local t = setmetatable({}, {}) getmetatable(t).__eq = function(a, b) return a == b end"
        " return t == setmetatable({}, getmetatable(t))"
    ),
    "local t = {} t.__index = t setmetatable(t, t) return t.x",
    "return string.find(string.rep('a', 1e6), string.rep('a?', 1e5))",
    "return string.match(string.rep('a', 1e6), string.rep('a-', 1e5))",
    "return (string.gsub(string.rep('a', 1e6), string.rep('a*', 1e5), ''))",
    "for word in string.gmatch(string.rep('a', 1e6), string.rep('a+', 1e5)) do end",
    "return ('x'):find(string.rep('(', 1e5))",
    "return ('x'):find(string.rep('[a', 1e5))",
    "return loadstring('return ' .. string.rep('(', 1e5) .. '1' .. string.rep(')', 1e5))",
    "return loadstring('return ' .. string.rep('{', 1e5))",
    "return loadstring(string.rep('do ', 1e5))",
    "return loadstring(string.rep('a(', 1e5))",
    "return loadstring('return ' .. string.rep('not ', 1e5) .. '1')",
    "return loadstring('return ' .. string.rep('a .. ', 1e5) .. 'a')",
    "return loadstring('return ' .. string.rep('function() return ', 1e4))",
    "return loadstring('local ' .. string.rep('a, ', 1e5) .. 'a')",
    "return load(function() return 'x = 1 ' end)",
    "local t = {} for i = 1, 1e5 do t = {t} end return t",
    "local t = {} t[1] = t return t",
    "local t = {} t.map = {a = t} return t",
    "local t = {} for i = 1, 1e5 do t = {map = {a = t}} end return t",
    # by the libraries
    "local t = {} t[1] = t return cjson.encode(t)",
    "cjson.encode_max_depth(2 ^ 31 - 1) local t = {} for i = 1, 1e5 do t = {t} end return cjson.encode(t)",
    "cjson.decode_max_depth(2 ^ 31 - 1) return cjson.decode(string.rep('[', 1e6))",
    "cjson.encode_sparse_array(false, 0) return cjson.encode({[2 ^ 31 - 1] = 1})",
    "cjson.encode_sparse_array(true, 1, 0) return cjson.encode({[2 ^ 31 - 1] = 1, [1] = 1})",
    "return cjson.encode(string.rep('\\0', 4e6))",
    "local t = {} for i = 1, 1000 do t[i] = string.rep('\\1', 1e4) end return cjson.encode(t)",
    "return cjson.decode('\"' .. string.rep('\\\\u0000', 1e6))",
    "local t = {} t[1] = t return cmsgpack.pack(t)",
    r"return cmsgpack.unpack(string.rep('\145', 1e6))",
    r"return cmsgpack.unpack(string.rep('\129\1', 1e6))",
    r"return cmsgpack.unpack('\221\255\255\255\255')",
    r"return cmsgpack.unpack('\223\127\255\255\255\1')",
    r"return cmsgpack.unpack('\219\255\255\255\255x')",
    r"return cmsgpack.unpack(string.rep('\1', 1e6))",
    "return cmsgpack.unpack_limit(string.rep('x', 100), 2 ^ 31 - 1, 2 ^ 31 - 1)",
    "return cmsgpack.unpack_one('x', -2 ^ 31)",
    "return struct.unpack(string.rep('b', 1e5), string.rep('b', 1e5))",
    "return struct.pack('c2147483647', 'x')",
    "return struct.pack('i4294967295', 1)",
    "return struct.pack('!1073741824b' .. string.rep('i', 1e4), 1)",
    "return struct.unpack('c0', 'x', 2 ^ 53)",
    "return struct.unpack('Bc0', '\\255x')",
    "return struct.unpack('i', 'abcd', -2 ^ 63)",
    "return struct.size(string.rep('c2147483647', 1e4))",
    "return bit.tohex(1, -2 ^ 31)",
]

# What would never end

HANGS = [
    "while true do end",
    "repeat until false",
    "for i = 1, math.huge do end",
    "while true do pcall(error) end",
    "while true do pcall(function() while true do end end) end",
    "while true do xpcall(function() while true do end end, function() while true do end end) end",
    "local f = coroutine.wrap(function() while true do end end) while true do pcall(f) end",
    "while true do coroutine.resume(coroutine.create(function() while true do end end)) end",
    "local t = setmetatable({}, {__call = function(t) return t() end}) return t()",
    "local function f() return f() end return f()",
    "local f = loadstring('while true do end') f()",
    "string.gsub('x', '.', function() while true do end end)",
    "table.sort({1, 2, 3}, function() while true do end end)",
    "return tostring(setmetatable({}, {__tostring = function() while true do end end}))",
    "return setmetatable({}, {__index = function() while true do end end}).x",
    "error(setmetatable({}, {__tostring = function() while true do end end}))",
    "while true do redis.pcall('ping') end",
    "while true do cjson.decode('[1, 2, 3]') end",
]
ENDLESS_IN_C = [
    "return string.rep('', 1e15)",
    "return ('', ''):rep(2 ^ 53)",
    "local t = {1} table.insert(t, -2147483648, 1)",
    "local t = {1} table.insert(t, -1e300, 1)",
    "table.concat({}, '', -2 ^ 31, 2 ^ 31 - 1)",
    "table.remove({}, 2 ^ 31 - 1)",
    "return table.maxn({[2 ^ 53] = 1})",
    "return select(-2 ^ 31, 1)",
    "return string.sub('x', -2 ^ 63, 2 ^ 63)",
    "return tonumber(string.rep('9', 1e5))",
    "collectgarbage('stop') collectgarbage('setpause', 1e9) collectgarbage('setstepmul', 0)",
]


def attack(text: str) -> tuple[object, Runtime]:
    """What comes of a script: a value or a Failure. And the interpreter that goes on, if need be a new one."""
    host = FakeHost(b"value")
    host.last_tick = LAST_TICK
    runtime = Runtime(host, max_memory=SMALL)
    try:
        result = runtime.run_script(runtime.compile(text.encode(), b"user_script"), 0, [])
    except BrokenRuntimeError:
        return None, Runtime(host, max_memory=SMALL)
    except RespError as error:
        return error, runtime
    return result, runtime


def is_healthy(runtime: Runtime) -> bool:
    return bool(runtime.run_script(runtime.compile(PROBE, b"user_script"), 0, []) == HEALTHY)


@pytest.mark.parametrize("text", [*SEEN, *ESCAPES, *SPOILS])
def test_a_script_does_not_get_out(text: str) -> None:
    result, runtime = attack(text)

    assert result != b"out"
    assert is_healthy(runtime)


@pytest.mark.parametrize("text", [*EXHAUSTS, *HANGS, *ENDLESS_IN_C])
def test_a_script_comes_to_an_end(text: str) -> None:
    _, runtime = attack(text)

    assert is_healthy(runtime)
