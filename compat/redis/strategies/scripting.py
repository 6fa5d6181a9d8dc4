"""Scripts and functions: commands that they call, values that they return, and what their libraries make of values."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from hypothesis import strategies as st

from compat.redis.strategies.pieces import Strategy, command, junk, key, many, maybe, mostly, one_of, value, word
from tests.scripting.libraries.cases import SHOW, chunk

CALLS = (
    b"return redis.call(unpack(ARGV))",
    b"local reply = redis.pcall(unpack(ARGV)) return reply",
    b"redis.setresp(3) return redis.call(unpack(ARGV))",
)
"""Scripts that answer what the command in their arguments answers."""

FIXED = (
    b"return {KEYS, ARGV, #KEYS, #ARGV}",
    b"return redis.call('set', KEYS[1], ARGV[1])",
    b"return redis.call('get', KEYS[1])",
    b"return redis.call('incr', KEYS[1]) + redis.call('lpush', KEYS[2], 'x')",
    b"redis.call('sadd', KEYS[1], 'a') return nosuch",
    b"return redis.pcall('lpush', KEYS[1], unpack(ARGV))",
    b"#!lua flags=no-writes\nreturn redis.call('set', KEYS[1], 'x')",
    b"return",
    b"return (",
)
LIBRARIES = (
    b"#!lua name=one\nredis.register_function('f', function(keys, args) return {keys, args, #keys, #args} end)",
    b"#!lua name=one\nredis.register_function('g', function(keys) return redis.call('incr', keys[1]) end)",
    (
        b"#!lua name=two\nlocal function read(keys) return redis.call('get', keys[1]) end\n"
        b"redis.register_function{function_name='r', callback=read, flags={'no-writes'}, description='reads'}"
    ),
    b"#!lua name=two\nlocal n = 0 redis.register_function('f', function() n = n + 1 return n end)",
    b"#!lua name=three\nreturn nosuch",
    b"#!js name=four\nx",
)


# Expressions of Lua, as text


def quoted(data: bytes) -> str:
    return '"' + "".join(f"\\{byte:03d}" for byte in data) + '"'


def table(items: Sequence[str]) -> str:
    return "{" + ", ".join(items) + "}"


numbers = st.sampled_from(
    [
        "0",
        "1",
        "-1",
        "2",
        "3",
        "127",
        "128",
        "255",
        "256",
        "65535",
        "65536",
        "-32",
        "-33",
        "-128",
        "-129",
        "1.5",
        "-0.5",
        "2.5",
        "0.1",
        "1/3",
        "1e15",
        "1e17",
        "1e300",
        "5e-324",
        "3.99",
        "-3.99",
        "2^31",
        "2^31-1",
        "-2^31",
        "2^32",
        "2^53",
        "2^53-1",
        "-2^53",
        "2^63",
        "-2^63",
        "2^64",
        "1/0",
        "-1/0",
        "0/0",
        "1e-40",
        "3.4028236e38",
        "123456789012",
    ]
) | st.integers(-(2**53), 2**53).map(str)
texts = st.binary(max_size=6).map(quoted) | st.sampled_from(['"a"', '"b"', '""', '"10"', '"hello world"', '"x\\ny"'])
scalars = st.one_of(numbers, texts, st.sampled_from(["nil", "true", "false"]))
plain = st.recursive(
    scalars | st.just("cjson.null"),
    lambda inner: (
        st.lists(inner, max_size=4).map(table)
        | st.lists(st.tuples(scalars.filter(lambda s: s not in ("nil", "0/0")), inner), max_size=3).map(
            lambda items: table([f"[{name}] = {item}" for name, item in items])
        )
    ),
    max_leaves=8,
)
replies = st.recursive(
    st.one_of(
        scalars,
        texts.map(lambda text: f"{{ok = {text}}}"),
        texts.map(lambda text: f"{{err = {text}}}"),
        numbers.map(lambda number: f"{{double = {number}}}"),
        st.just('{big_number = "123"}'),
        st.just('{verbatim_string = {string = "text", format = "txt"}}'),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4).map(table),
        st.tuples(texts, inner).map(lambda pair: f"{{map = {{[{pair[0]}] = {pair[1]}}}}}"),
        texts.map(lambda text: f"{{set = {{[{text}] = true}}}}"),
    ),
    max_leaves=6,
)
layouts = st.lists(
    st.sampled_from(
        [
            "b",
            "B",
            "h",
            "H",
            "i",
            "I",
            "l",
            "L",
            "f",
            "d",
            "s",
            "c1",
            "c0",
            "c3",
            "x",
            ">",
            "<",
            "!",
            "!4",
            "i3",
            "i1",
            "I5",
            "i8",
            "I16",
            "i33",
            "z",
            "c",
        ]
    ),
    min_size=1,
    max_size=5,
).map(lambda options: quoted("".join(options).encode()))
json_tokens = [
    *'{}[]:,"',
    *('"a"', '"b":', '{"k":', "[1,", "1", "-", "01", "0x1p3", ".5", "1e3", "null", "true", "nan", "tru", "inf"),
    *(" ", "\n", "\\", '"\\n"', '"\\u00e9"', '"\\ud83d"', '"\\ud83d\\ude00"', "\0", "@", "é"),
]
json = st.lists(st.sampled_from(json_tokens), max_size=8).map(lambda tokens: quoted("".join(tokens).encode()))
packed = st.lists(st.sampled_from([*range(0, 256, 7), *range(0xC0, 0xE0), *range(0x80, 0xA4)]), max_size=10).map(
    lambda codes: quoted(bytes(codes))
)
bit_operations = st.sampled_from(
    ["tobit", "bnot", "bswap", "band", "bor", "bxor", "lshift", "rshift", "arshift", "rol", "ror", "tohex"]
)
calls = st.one_of(
    plain.map(lambda value: f"cjson.encode({value})"),
    json.map(lambda text: f"cjson.decode({text})"),
    plain.map(lambda value: f"cmsgpack.pack({value})"),
    plain.map(lambda value: f"cmsgpack.unpack(cmsgpack.pack({value}))"),
    packed.map(lambda text: f"cmsgpack.unpack({text})"),
    st.tuples(packed, st.integers(-1, 4), st.integers(-1, 12)).map(
        lambda p: f"cmsgpack.unpack_limit({p[0]}, {p[1]}, {p[2]})"
    ),
    st.tuples(layouts, st.lists(numbers | texts, max_size=4)).map(lambda p: f"struct.pack({', '.join([p[0], *p[1]])})"),
    st.tuples(layouts, st.binary(max_size=30)).map(lambda p: f"struct.unpack({p[0]}, {quoted(p[1])})"),
    layouts.map(lambda layout: f"struct.size({layout})"),
    st.tuples(bit_operations, st.lists(numbers, max_size=3)).map(lambda p: f"bit.{p[0]}({', '.join(p[1])})"),
)


def script_that_shows(call: str) -> bytes:
    return f"{SHOW}return run({quoted(chunk(call).encode())})".encode()


values = st.tuples(st.sampled_from(["", "redis.setresp(3) "]), replies).map(
    lambda p: (f"{p[0]}return {p[1]}".encode(),)
)
shows = calls.map(lambda call: (script_that_shows(call),))
script = word(*FIXED)
sha = mostly(
    word(*(hashlib.sha1(text).hexdigest() for text in FIXED)),  # how scripts are named
    word("junk", "", "0" * 40),
)
arguments = one_of(
    [
        command("0", many(value, 0, 3)),
        command("1", key, many(value, 0, 3)),
        command("2", key, key, many(value, 0, 2)),
        command(word(3, -1, "junk", "", 2**63), key, value),
    ]
)
function = word("f", "f", "g", "r", "nosuch")


def strategies(any_call: Strategy) -> dict[str, Strategy]:
    """The strategies of this family, which needs one for any command that works on data."""
    evaluated = st.one_of(
        command(word(*CALLS), "0", any_call), command(values, "0"), command(shows, "0"), command(script, arguments)
    )
    return {
        "eval": command("EVAL", evaluated),
        "eval_ro": command("EVAL_RO", evaluated),
        "evalsha": command("EVALSHA", sha, arguments),
        "evalsha_ro": command("EVALSHA_RO", sha, arguments),
        "script": command("SCRIPT", maybe(junk)),
        "script|load": command("SCRIPT LOAD", script),
        "script|exists": command("SCRIPT EXISTS", many(sha)),
        "script|flush": command("SCRIPT FLUSH", maybe(word("SYNC", "ASYNC", "junk"))),
        "script|kill": command("SCRIPT KILL"),
        "script|help": command("SCRIPT HELP"),
        "fcall": command("FCALL", function, arguments),
        "fcall_ro": command("FCALL_RO", function, arguments),
        "function": command("FUNCTION", maybe(junk)),
        "function|load": command("FUNCTION LOAD", maybe("REPLACE"), word(*LIBRARIES)),
        "function|delete": command("FUNCTION DELETE", word("one", "two", "nosuch")),
        "function|flush": command("FUNCTION FLUSH", maybe(word("SYNC", "ASYNC", "junk"))),
        "function|list": command(
            "FUNCTION LIST", maybe(command("LIBRARYNAME", word("one", "t*", "x"))), maybe("WITHCODE")
        ),
        "function|dump": command("FUNCTION DUMP"),
        "function|restore": command("FUNCTION RESTORE", word("junk", ""), maybe(word("FLUSH", "APPEND", "REPLACE"))),
        "function|kill": command("FUNCTION KILL"),
        "function|stats": command("FUNCTION STATS"),
        "function|help": command("FUNCTION HELP"),
    }


EXCLUDED = {
    "script|debug": "respstore has no debugger: a known difference",
}
