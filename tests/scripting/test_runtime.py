"""One interpreter: what goes in, what comes out, and what it survives."""

from typing import Any

import pytest

from respstore.errors import RespError
from respstore.protocol.replies import BigNumber, MapOf, SetOf, Verbatim
from respstore.scripting.runtime import ERROR, LIST, NO_MEMORY, NOTHING, REPLY, BrokenRuntimeError, Failure, Runtime

SMALL = 8 * 1024**2


class FakeHost:
    """Answers every command with `answer`, a tuple by parts."""

    def __init__(self, answer: Any = (NOTHING,)) -> None:
        self.answer = answer
        self.calls: list[tuple[bytes, ...]] = []
        self.gathered: tuple[bytes, ...] = ()
        self.protocols: list[int] = []
        self.logged: list[tuple[int, bytes]] = []
        self.ticks = 0
        self.last_tick: int | None = None

    def call(self, *words: bytes) -> Any:
        self.calls.append(words)
        return None if isinstance(self.answer, tuple) else self.answer

    def gather(self, is_first: bool, *words: bytes) -> None:
        self.gathered = words if is_first else self.gathered + words

    def call_gathered(self) -> Any:
        return self.call(*self.gathered)

    def take(self) -> Any:
        return self.answer

    def set_protocol(self, number: int) -> None:
        self.protocols.append(number)

    def is_permitted(self, *words: bytes) -> bool | None:
        return {b"get": True, b"set": False}.get(words[0])

    def log(self, level: int, text: bytes) -> None:
        self.logged.append((level, text))

    def hash(self, text: bytes) -> bytes:
        return b"hash of " + text

    def tick(self) -> bool:
        self.ticks += 1
        return self.last_tick is not None and self.ticks >= self.last_tick


def run(text: bytes, *words: bytes, keys: int = 0, host: FakeHost | None = None, runtime: Runtime | None = None) -> Any:
    runtime = runtime or Runtime(host or FakeHost(), max_memory=SMALL)
    return runtime.run_script(runtime.compile(text, b"user_script"), keys, words)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (b"return 'a\\0b'", b"a\0b"),
        (b"return 3.99", 3),
        (b"return -3.99", -3),
        (b"return 1e20", -(2**63)),
        (b"return 0/0", -(2**63)),
        (b"return true", 1),
        (b"return false", None),
        (b"return", None),
        (b"return function() end", None),
        (b"return {1, 'b', {true, false}, nil, 5}", [1, b"b", [1, None]]),
        (b"return {double = 3.5}", 3.5),
        (b"return {big_number = '123'}", BigNumber(b"123")),
        (b"return {verbatim_string = {string = 'x', format = 'txt'}}", Verbatim(b"x")),
        (b"return {map = {a = {1}}}", MapOf([(b"a", [1])])),
        (b"return {set = {a = true}}", SetOf([b"a"])),
        (b"return {ok = 'fine'}", "fine"),
        (b"redis.setresp(3) return {true, false}", [True, False]),
        (b"return setmetatable({}, {__index = {1, 2}})", []),
    ],
)
def test_values_of_lua_become_replies(text: bytes, value: object) -> None:
    result = run(text)

    assert result == value
    assert type(result) is type(value)


def test_an_error_that_is_returned_is_one() -> None:
    result = run(b"return {err = 'MY error'}")

    assert isinstance(result, RespError)
    assert result.text == "MY error"


def test_keys_and_arguments_are_handed_over_however_many() -> None:
    words = [b"%d" % number for number in range(10_000)]

    assert run(b"return {KEYS[1], KEYS[2], ARGV[1], #ARGV}", b"a", b"b", b"c", keys=2) == [b"a", b"b", b"c", 1]
    assert run(b"return {#KEYS, KEYS[3000], #ARGV, ARGV[7000]}", *words, keys=3000) == [3000, b"2999", 7000, b"9999"]


def test_long_replies_come_whole() -> None:
    assert run(b"local t = {} for i = 1, 5000 do t[i] = i end return t") == list(range(1, 5001))


@pytest.mark.parametrize(
    ("answer", "text", "value"),
    [
        (b"x", b"return redis.call('get', 'k')", b"x"),
        (5, b"return redis.call('get', 'k') + 1", 6),
        (False, b"return redis.call('get', 'k') == false", 1),
        (True, b"return redis.call('get', 'k').ok", b"OK"),
        ((LIST, b"a", 2), b"local r = redis.call('get', 'k') return {r[1], r[2] + 1, #r}", [b"a", 3, 2]),
        ((REPLY, b"*2\r\n$-1\r\n*1\r\n+x\r\n"),
         b"local r = redis.call('get', 'k') return {tostring(r[1]), r[2][1].ok}", [b"false", b"x"]),
        ((REPLY, b"%1\r\n$1\r\na\r\n,1.5\r\n"), b"return redis.call('get', 'k').map.a.double * 2", 3),
        ((REPLY, b"~1\r\n(12\r\n"), b"for k in pairs(redis.call('get', 'k').set) do return k.big_number end", b"12"),
        ((REPLY, b"=5\r\ntxt:x\r\n"), b"local v = redis.call('get', 'k').verbatim_string return v.format .. v.string",
         b"txtx"),
        ((REPLY, b"*2\r\n#t\r\n_\r\n"), b"local r = redis.call('get', 'k') return {tostring(r[1]), tostring(r[2])}",
         [b"true", b"nil"]),
        ((NOTHING,), b"return tostring(redis.call('get', 'k'))", b"nil"),
        ((ERROR, b"ERR no"), b"return redis.pcall('get', 'k').err", b"ERR no"),
        ((ERROR, b"ERR no"), b"local ok, e = pcall(redis.call, 'get', 'k') return {tostring(ok), e}",
         [b"false", b"ERR no"]),
    ],
)  # fmt: skip
def test_replies_of_commands_become_values_of_lua(answer: object, text: bytes, value: object) -> None:
    assert run(text, host=FakeHost(answer)) == value


@pytest.mark.parametrize("count", range(1, 8))
def test_commands_get_words_numbers_as_c_writes_them(count: int) -> None:
    host = FakeHost(b"")
    for place in range(count):
        words = ["'x'"] * count
        for number in ("7", "3.1", "-1", "0", "0 * -1", "1e14 + 1", "1e17", "2 ^ 53", "1 / 0", "-1 / 0"):
            words[place] = number
            run(f"redis.call({', '.join(words)})".encode(), host=host)

    texts = (b"7", b"3.1000000000000001", b"-1", b"0", b"-0", b"100000000000001", b"1e+17", b"9007199254740992",
             b"inf", b"-inf")  # fmt: skip
    assert host.calls == [
        (b"x",) * place + (text,) + (b"x",) * (count - place - 1) for place in range(count) for text in texts
    ]


@pytest.mark.parametrize("count", range(1, 8))
@pytest.mark.parametrize("wrong", ["nil", "{}", "true", "redis.call", "coroutine.create(function() end)"])
def test_nothing_but_strings_and_numbers_reaches_a_command(count: int, wrong: str) -> None:
    host = FakeHost(b"")
    for place in range(count):
        words = ["'x'"] * count
        words[place] = wrong
        for function in ("call", "pcall", "acl_check_cmd"):
            result = run(f"return redis.{function}({', '.join(words)})".encode(), host=host)
            assert isinstance(result, Failure | RespError)
            assert result.text == "ERR Lua redis lib command arguments must be strings or integers"
    assert host.calls == []


@pytest.mark.parametrize("count", [199, 200, 201, 7999])
def test_commands_get_as_many_words_as_a_script_has(count: int) -> None:
    host = FakeHost(b"")
    run(b"local t = {} for i = 1, %d do t[i] = i end redis.call('x', unpack(t))" % count, host=host)

    assert host.calls == [(b"x", *(b"%d" % number for number in range(1, count + 1)))]


@pytest.mark.parametrize(
    ("text", "error", "place"),
    [
        (b"error('boom')", "ERR user_script:1: boom", "@user_script:1"),
        (b"\n\nerror('boom', 0)", "ERR boom", "@user_script:3"),
        (b"error({err = 'MY error'})", "MY error", "@user_script:1"),
        (b"error()", "ERR nil", "@user_script:1"),
        (b"x = 1", "ERR user_script:1: Attempt to modify a readonly table", "@user_script:1"),
        (b"redis.x = 1", "ERR user_script:1: Attempt to modify a readonly table", "@user_script:1"),
        (
            b"local y = x",
            "ERR user_script:1: Script attempted to access nonexistent global variable 'x'",
            "@user_script:1",
        ),
        (
            b"local function f() redis.call() end f()",
            "ERR Please specify at least one argument for this redis lib call",
            "@user_script:1",
        ),
        (
            b"local x\nreturn redis.call()",
            "ERR Please specify at least one argument for this redis lib call",
            "@user_script:2",
        ),
        (
            b"return cjson.decode('{')",
            "ERR user_script:1: Expected object key string but found T_END at character 2",
            "@user_script:1",
        ),
    ],
)
def test_errors_say_where_they_came_from(text: bytes, error: str, place: str) -> None:
    assert run(text) == Failure(error, place)


def test_what_is_no_lua_is_refused_with_luas_reason() -> None:
    with pytest.raises(RespError, match="user_script:1: '=' expected near '<eof>'"):
        Runtime(FakeHost(), max_memory=SMALL).compile(b"x", b"user_script")


def test_what_the_host_offers() -> None:
    host = FakeHost()
    result = run(
        b"redis.log(redis.LOG_WARNING, 'a', 1) redis.setresp(3)"
        b"return {redis.sha1hex('x'), redis.acl_check_cmd('get', 'k'), redis.acl_check_cmd('set', 'k', 1),"
        b"redis.REDIS_VERSION_NUM > 0x070000}",
        host=host,
    )

    assert result == [b"hash of x", True, False, True]
    assert host.logged == [(3, b"a 1")]
    assert host.protocols == [3]


def test_random_numbers_are_those_of_redis() -> None:
    runtime = Runtime(FakeHost(), max_memory=SMALL)

    assert run(b"return math.random(1000)", runtime=runtime) == 397
    assert run(b"return {math.random(1000), tostring(math.random())}", runtime=runtime) == [841, b"0.35333609737146"]


# What it survives


@pytest.mark.parametrize(
    "text",
    [
        b"return string.rep('x', 1e9)",
        b"local t = {} while true do t[#t + 1] = string.rep('x', 1e5) .. #t end",
        b"local function f() return 1 + f() end return f()",
        b"return unpack({}, 1, 1e7)",
        b"return #redis.call('get', 'k')",
    ],
)
def test_too_much_ends_in_an_error_and_the_interpreter_goes_on(text: bytes) -> None:
    runtime = Runtime(FakeHost((NO_MEMORY,)), max_memory=SMALL)

    assert isinstance(run(text, runtime=runtime), Failure)
    assert run(b"return 1", runtime=runtime) == 1


def test_arguments_that_do_not_fit_are_refused_before_they_are_handed_over() -> None:
    runtime = Runtime(FakeHost(), max_memory=SMALL)

    with pytest.raises(BrokenRuntimeError):
        run(b"return 1", b"x" * SMALL, runtime=runtime)
    assert run(b"return 1", runtime=runtime) == 1


@pytest.mark.parametrize(
    "text",
    [
        b"while true do end",
        b"while true do pcall(function() while true do end end) end",
        b"local co = coroutine.wrap(function() while true do end end) while true do pcall(co) end",
        b"while true do coroutine.resume(coroutine.create(function() while true do end end)) end",
    ],
)
def test_a_script_ends_when_it_is_told_to(text: bytes) -> None:
    host = FakeHost()
    host.last_tick = 5
    runtime = Runtime(host, max_memory=SMALL)

    assert "Script killed by user" in run(text, runtime=runtime).text
    host.last_tick = None
    assert run(b"for i = 1, 100000 do end return 1", runtime=runtime) == 1


@pytest.mark.parametrize("name", ["redis", "string", "table", "cjson", "_G", "coroutine", "getmetatable('').__index"])
def test_nothing_is_put_into_what_all_scripts_share(name: str) -> None:
    runtime = Runtime(FakeHost(), max_memory=SMALL)
    for change in (f"table.insert({name}, 'x')", f"table.insert({name}, 1, 'x')", f"rawset({name}, 1, 'x')"):
        assert run(change.encode(), runtime=runtime).text.endswith("Attempt to modify a readonly table")
    run(f"table.sort({name}) table.remove({name}) table.remove({name}, 1)".encode(), runtime=runtime)

    assert run(f"return #{name}".encode(), runtime=runtime) == 0


def test_a_library_registers_functions() -> None:
    runtime = Runtime(FakeHost(), max_memory=SMALL)
    code = runtime.compile(
        b"local n = 0 redis.register_function('f', function(keys, args) n = n + 1 return {n, keys[1], args[1]} end)"
        b"redis.register_function{function_name='g', callback=function() return KEYS end, flags={'no-writes'},"
        b"description='d'}",
        b"user_function",
    )
    loaded = runtime.load_library(code)

    assert isinstance(loaded, list)
    assert [(function.name, function.description, function.flags) for function in loaded] == [
        (b"f", None, []),
        (b"g", b"d", ["no-writes"]),
    ]
    assert runtime.run_function(loaded[0].callback, 1, [b"a", b"b"]) == [1, b"a", b"b"]
    assert runtime.run_function(loaded[0].callback, 1, [b"a", b"b"]) == [2, b"a", b"b"]
