"""What an engine keeps of scripts."""

import gc
import weakref

from respstore.engine.engine import Engine
from respstore.engine.scripts import Usage
from respstore.engine.session import Session
from respstore.scripting.interpreter import MOST_SCRIPTS, Interpreter
from tests.talk import make_engine, talk


def test_scripts_that_were_only_sent_by_eval_are_forgotten_in_the_end(engine: Engine, session: Session) -> None:
    interpreter = Interpreter(engine)
    kept = interpreter.add(b"return 'kept'", keep=True)
    used = interpreter.add(b"return 'used'")
    for number in range(MOST_SCRIPTS + 10):
        interpreter.add(b"return %d" % number)
        interpreter.run(session, used, 0, (), is_read_only=False)

    assert len(interpreter.scripts) == MOST_SCRIPTS + 1
    assert interpreter.find(kept.sha) is kept
    assert interpreter.find(used.sha.upper()) is used
    assert interpreter.find(interpreter.add(b"return 0").sha) is not None


def test_an_interpreter_whose_memory_is_full_is_replaced(engine: Engine, session: Session) -> None:
    talk(session, b"EVAL", b"return 1", b"0")
    engine.scripts.interpreter._replace()

    assert talk(session, b"EVALSHA e0e1f9fabfc9d4800c877a703b823ac0578ff8db 0") == b":1\r\n"


def test_nothing_is_left_of_an_engine_that_has_stopped() -> None:
    engine = make_engine()
    talk(Session(engine), b"EVAL", b"return 1", b"0")
    runtime = weakref.ref(engine.scripts.interpreter._runtime)
    talk(Session(engine), b"SCRIPT FLUSH")
    assert runtime() is None
    talk(Session(engine), b"EVAL", b"error('x')", b"0")
    engine.stop()
    gone = weakref.ref(engine)
    del engine
    gc.collect()
    assert gone() is None


def test_what_there_is_of_scripts_is_counted(engine: Engine, session: Session) -> None:
    interpreter = Interpreter(engine)
    assert interpreter.usage() == Usage()
    interpreter.add(b"return 1")
    interpreter.functions.load(b"#!lua name=lib\nredis.register_function('f', function() end)")
    usage = interpreter.usage()

    assert usage[:5] == (1, 1, 1, 8, 59)
    assert usage.script_memory > 10_000
    assert usage.function_memory > 10_000
