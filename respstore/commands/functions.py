"""Functions in Lua: https://redis.io/docs/latest/develop/programmability/functions-intro/

How they are kept and run stands in the room `scripting`.
"""

from collections.abc import Sequence
from typing import Any, Final

from respstore import errors
from respstore.commands.scripting import interpreter_of
from respstore.engine.command import command, container
from respstore.engine.help import help_lines
from respstore.engine.keyspecs import counted
from respstore.engine.session import Session
from respstore.errors import RespError
from respstore.keyspace.glob import compile_glob
from respstore.numbers import parse_integer
from respstore.persistence.rdb.dump import decode_libraries, dump_libraries, is_intact
from respstore.persistence.rdb.primitives import CorruptError
from respstore.protocol.replies import OK
from respstore.scripting.shebang import NO_WRITES

FUNCTION: Final = container("function", summary="Look after libraries of functions.", group="scripting", since="7.0.0")


def _only_reads(session: Session, request: Sequence[bytes]) -> bool:
    try:
        return NO_WRITES in interpreter_of(session).functions.find(request[1]).flags
    except RespError:
        return False


@command(
    "fcall function numkeys [key...] [arg...]",
    group="scripting",
    since="7.0.0",
    only_reads=_only_reads,
    flags="noscript stale skip_monitor may_replicate no_mandatory_keys",
    keys=counted("RW access update", at=2),
    complexity="Depends on the function that is executed.",
)
def fcall(session: Session, function: bytes, numkeys: bytes, *words: bytes) -> Any:
    """Call a function."""
    return _call(session, function, numkeys, words)


@command(
    "fcall_ro function numkeys [key...] [arg...]",
    group="scripting",
    since="7.0.0",
    flags="readonly noscript stale skip_monitor no_mandatory_keys",
    keys=counted("RO access", at=2),
    complexity="Depends on the function that is executed.",
)
def fcall_ro(session: Session, function: bytes, numkeys: bytes, *words: bytes) -> Any:
    """Call a function that only reads."""
    return _call(session, function, numkeys, words, is_read_only=True)


@command(
    "function|load [REPLACE] function-code",
    group="scripting",
    since="7.0.0",
    flags="write denyoom noscript",
    tips="request_policy:all_shards response_policy:all_succeeded",
    complexity="O(1) (considering compilation time is redundant)",
)
def function_load(session: Session, word: bytes, *more: bytes) -> bytes:
    """Make a library of functions, or with REPLACE another one of its name, and answer its name."""
    *options, code = word, *more
    for option in options:
        if option.upper() != b"REPLACE":
            raise errors.unknown_load_option(option)
    return interpreter_of(session).functions.load(code, replace=bool(options))


@command(
    "function|list [LIBRARYNAME library-name-pattern] [WITHCODE]",
    group="scripting",
    since="7.0.0",
    flags="noscript",
    tips="nondeterministic_output_order",
    complexity="O(N) where N is the number of functions",
)
def function_list(session: Session, *options: bytes) -> list[Any]:
    """Describe libraries and their functions."""
    pattern: bytes | None = None
    with_code = False
    words = iter(options)
    for word in words:
        if word.upper() == b"WITHCODE" and not with_code:
            with_code = True
        elif word.upper() == b"LIBRARYNAME" and pattern is None:
            pattern = next(words, None)
            if pattern is None:
                raise RespError(errors.LIBRARY_NAME_NOT_GIVEN)
        else:
            raise errors.unknown_list_argument(word)
    libraries = interpreter_of(session).functions.libraries.values()
    matches = compile_glob(b"*" if pattern is None else pattern)
    return [library.describe(with_code=with_code) for library in libraries if matches(library.name)]


@command(
    "function|delete library-name",
    group="scripting",
    since="7.0.0",
    flags="write noscript",
    tips="request_policy:all_shards response_policy:all_succeeded",
    complexity="O(1)",
)
def function_delete(session: Session, library: bytes) -> str:
    """Delete a library and its functions."""
    interpreter_of(session).functions.delete(library)
    return OK


@command(
    "function|flush [async=(ASYNC | SYNC)]",
    group="scripting",
    since="7.0.0",
    flags="write noscript",
    tips="request_policy:all_shards response_policy:all_succeeded",
    complexity="O(N) where N is the number of functions deleted",
)
def function_flush(session: Session, mode: bytes = b"SYNC") -> str:
    """Delete all libraries."""
    if mode.upper() not in (b"SYNC", b"ASYNC"):
        raise RespError(errors.FUNCTION_FLUSH_MODE)
    interpreter_of(session).functions.flush()
    return OK


@command(
    "function|dump",
    group="scripting",
    since="7.0.0",
    flags="noscript",
    complexity="O(N) where N is the number of functions",
)
def function_dump(session: Session) -> bytes:
    """Answer all libraries in a form that FUNCTION RESTORE takes, of this server or of Redis."""
    return dump_libraries(session.engine.keyspace.libraries, session.engine.config)


@command(
    "function|restore serialized-value [policy=(FLUSH | APPEND | REPLACE)]",
    group="scripting",
    since="7.0.0",
    flags="write denyoom noscript",
    tips="request_policy:all_shards response_policy:all_succeeded",
    complexity="O(N) where N is the number of functions on the payload",
)
def function_restore(session: Session, payload: bytes, policy: bytes = b"APPEND") -> str:
    """Make the libraries that FUNCTION DUMP answered."""
    policy = policy.upper()
    if policy not in (b"FLUSH", b"APPEND", b"REPLACE"):
        raise RespError(errors.RESTORE_POLICY)
    if not is_intact(payload):
        raise RespError(errors.DUMP_NOT_INTACT)
    try:
        codes = decode_libraries(payload)
    except CorruptError:
        raise RespError(errors.LIBRARIES_CORRUPT) from None
    interpreter_of(session).functions.restore(codes, flush=policy == b"FLUSH", replace=policy == b"REPLACE")
    return OK


@command(
    "function|stats",
    group="scripting",
    since="7.0.0",
    flags="noscript allow_busy",
    tips="nondeterministic_output request_policy:all_shards response_policy:special",
    complexity="O(1)",
)
def function_stats(session: Session) -> dict[bytes, Any]:
    """Tell which function runs, and how many there are."""
    scripts = session.engine.scripts
    running: dict[bytes, Any] | None = None
    if scripts.is_suspended:
        if not scripts.name:
            raise scripts.busy()
        duration = session.engine.system.monotonic() - scripts.started
        running = {b"name": scripts.name, b"command": list(scripts.words), b"duration_ms": int(duration * 1000)}
    functions = interpreter_of(session).functions
    counts = {b"libraries_count": len(functions.libraries), b"functions_count": functions.count()}
    return {b"running_script": running, b"engines": {b"LUA": counts}}


@command(
    "function|kill",
    group="scripting",
    since="7.0.0",
    flags="noscript allow_busy",
    tips="request_policy:all_shards response_policy:one_succeeded",
    complexity="O(1)",
)
def function_kill(session: Session) -> str:
    """End the function that runs, if it has not written yet."""
    scripts = session.engine.scripts
    scripts.check_may_kill(function=True)
    scripts.kill()
    return OK


@command("function|help", group="scripting", since="7.0.0", flags="loading stale", complexity="O(1)")
def function_help(session: Session) -> list[str]:
    """Describe the subcommands of FUNCTION."""
    return help_lines(session.engine.originals[b"function"].command)


def _call(session: Session, name: bytes, numkeys: bytes, words: Sequence[bytes], *, is_read_only: bool = False) -> Any:
    interpreter = interpreter_of(session)
    function = interpreter.functions.find(name)
    count = parse_integer(numkeys)
    if count is None:
        raise RespError(errors.NUMKEYS_INVALID)
    if count > len(words):
        raise RespError(errors.MORE_KEYS_THAN_ARGUMENTS)
    if count < 0:
        raise RespError(errors.NUMKEYS_NEGATIVE)
    return interpreter.run_function(session, function, count, words, is_read_only=is_read_only)
