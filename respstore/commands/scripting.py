"""Scripts in Lua: https://redis.io/docs/latest/develop/programmability/eval-intro/

How they run stands in the room `scripting`, which is imported by the first of these commands that needs it.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final, cast

from respstore import errors
from respstore.engine.arguments import integer
from respstore.engine.command import command, container
from respstore.engine.engine import Engine
from respstore.engine.help import help_lines
from respstore.engine.keyspecs import counted
from respstore.engine.scripts import Usage
from respstore.engine.session import Session
from respstore.errors import RespError
from respstore.protocol.replies import OK
from respstore.scripting.shebang import NO_WRITES, parse_script_head

if TYPE_CHECKING:
    from respstore.scripting.interpreter import Interpreter

SCRIPT: Final = container(
    "script", summary="Look after the scripts that the server knows.", group="scripting", since="2.6.0"
)

_WRITES: Final = counted("RW access update", at=2)
_READS: Final = counted("RO access", at=2)
_SHA1_DIGITS: Final = 40


def interpreter_of(session: Session) -> "Interpreter":
    """What runs scripts, imported only now: without scripts nobody need wait for it."""
    scripts = session.engine.scripts
    if scripts.interpreter is None:
        from respstore.scripting.interpreter import Interpreter  # noqa: PLC0415

        scripts.interpreter = Interpreter(session.engine)
    return cast("Interpreter", scripts.interpreter)


def usage_of(engine: Engine) -> Usage:
    """What there is of scripts, and what it takes; nothing as long as nobody has used any."""
    return Usage() if engine.scripts.interpreter is None else engine.scripts.interpreter.usage()


def _text_only_reads(session: Session, request: Sequence[bytes]) -> bool:
    try:
        flags, _ = parse_script_head(request[1])
    except RespError:
        return False
    return flags is not None and NO_WRITES in flags


def _known_only_reads(session: Session, request: Sequence[bytes]) -> bool:
    script = interpreter_of(session).find(request[1])
    return script is not None and script.flags is not None and NO_WRITES in script.flags


@command(
    "eval script numkeys [key...] [arg...]",
    group="scripting",
    since="2.6.0",
    only_reads=_text_only_reads,
    flags="noscript stale skip_monitor may_replicate no_mandatory_keys",
    keys=_WRITES,
    complexity="Depends on the script that is executed.",
)
def eval(session: Session, script: bytes, numkeys: bytes, *words: bytes) -> Any:
    """Run a script."""
    return _run_text(session, script, numkeys, words)


@command(
    "eval_ro script numkeys [key...] [arg...]",
    group="scripting",
    since="7.0.0",
    flags="readonly noscript stale skip_monitor no_mandatory_keys",
    keys=_READS,
    complexity="Depends on the script that is executed.",
)
def eval_ro(session: Session, script: bytes, numkeys: bytes, *words: bytes) -> Any:
    """Run a script that only reads."""
    return _run_text(session, script, numkeys, words, is_read_only=True)


@command(
    "evalsha sha1 numkeys [key...] [arg...]",
    group="scripting",
    since="2.6.0",
    only_reads=_known_only_reads,
    flags="noscript stale skip_monitor may_replicate no_mandatory_keys",
    keys=_WRITES,
    complexity="Depends on the script that is executed.",
)
def evalsha(session: Session, sha1: bytes, numkeys: bytes, *words: bytes) -> Any:
    """Run a script that the server knows, by the SHA-1 of its text."""
    return _run_known(session, sha1, numkeys, words)


@command(
    "evalsha_ro sha1 numkeys [key...] [arg...]",
    group="scripting",
    since="7.0.0",
    flags="readonly noscript stale skip_monitor no_mandatory_keys",
    keys=_READS,
    complexity="Depends on the script that is executed.",
)
def evalsha_ro(session: Session, sha1: bytes, numkeys: bytes, *words: bytes) -> Any:
    """Run a script that the server knows and that only reads, by the SHA-1 of its text."""
    return _run_known(session, sha1, numkeys, words, is_read_only=True)


@command(
    "script|load script",
    group="scripting",
    since="2.6.0",
    flags="noscript stale",
    tips="request_policy:all_nodes response_policy:all_succeeded",
    complexity="O(N) with N being the length in bytes of the script body.",
)
def script_load(session: Session, script: bytes) -> bytes:
    """Keep a script, and answer the SHA-1 by which EVALSHA runs it."""
    return interpreter_of(session).add(script, keep=True).sha


@command(
    "script|exists sha1...",
    group="scripting",
    since="2.6.0",
    flags="noscript",
    tips="request_policy:all_shards response_policy:agg_logical_and",
    complexity="O(N) with N being the number of scripts to check (so checking a single script is an O(1) operation).",
)
def script_exists(session: Session, sha1: bytes, *more: bytes) -> list[int]:
    """Tell which scripts the server knows."""
    interpreter = interpreter_of(session)
    return [int(interpreter.find(sha) is not None) for sha in (sha1, *more)]


@command(
    "script|flush [async=(ASYNC | SYNC)@6.2.0]",
    group="scripting",
    since="2.6.0",
    flags="noscript",
    tips="request_policy:all_nodes response_policy:all_succeeded",
    complexity="O(N) with N being the number of scripts in cache",
)
def script_flush(session: Session, *mode: bytes) -> str:
    """Forget all scripts."""
    if len(mode) > 1 or (mode and mode[0].upper() not in (b"SYNC", b"ASYNC")):
        raise RespError(errors.SCRIPT_FLUSH_OPTION)
    interpreter_of(session).flush()
    return OK


@command(
    "script|kill",
    group="scripting",
    since="2.6.0",
    flags="noscript allow_busy",
    tips="request_policy:all_shards response_policy:one_succeeded",
    complexity="O(1)",
)
def script_kill(session: Session) -> str:
    """End the script that runs, if it has not written yet."""
    scripts = session.engine.scripts
    scripts.check_may_kill(function=False)
    scripts.kill()
    return OK


@command("script|debug mode=(YES | SYNC | NO)", group="scripting", since="3.2.0", flags="noscript", complexity="O(1)")
def script_debug(session: Session, mode: bytes) -> str:
    """Refuse to debug scripts; NO is answered as Redis does."""
    if mode.upper() not in (b"YES", b"SYNC", b"NO"):
        raise RespError(errors.SCRIPT_DEBUG_MODE)
    if mode.upper() != b"NO":
        raise RespError(errors.SCRIPT_DEBUG_UNSUPPORTED)
    return OK


@command("script|help", group="scripting", since="5.0.0", flags="loading stale", complexity="O(1)")
def script_help(session: Session) -> list[str]:
    """Describe the subcommands of SCRIPT."""
    return help_lines(session.engine.originals[b"script"].command)


def _key_count(numkeys: bytes, words: Sequence[bytes]) -> int:
    count = integer(numkeys)
    if count > len(words):
        raise RespError(errors.MORE_KEYS_THAN_ARGUMENTS)
    if count < 0:
        raise RespError(errors.NUMKEYS_NEGATIVE)
    return count


def _run_text(
    session: Session, text: bytes, numkeys: bytes, words: Sequence[bytes], *, is_read_only: bool = False
) -> Any:
    count = _key_count(numkeys, words)
    interpreter = interpreter_of(session)
    return interpreter.run(session, interpreter.add(text), count, words, is_read_only=is_read_only)


def _run_known(
    session: Session, sha: bytes, numkeys: bytes, words: Sequence[bytes], *, is_read_only: bool = False
) -> Any:
    if len(sha) != _SHA1_DIGITS:  # this Redis sees first, before it looks at the number of keys
        raise RespError(errors.NO_SUCH_SCRIPT)
    count = _key_count(numkeys, words)
    interpreter = interpreter_of(session)
    script = interpreter.find(sha)
    if script is None:
        raise RespError(errors.NO_SUCH_SCRIPT)
    return interpreter.run(session, script, count, words, is_read_only=is_read_only)
