"""Scripts and functions in Lua: EVAL, FCALL and what they call. Sans-IO; the commands stand in commands/scripting.py.

    interpreter.py   what an engine has of scripts: those that it knows, and the two runtimes that run them
    runtime.py       one Lua interpreter, closed in: compiles and calls; what it cannot do for scripts is an error
    sandbox.lua      what a script may see
    bytecode.py      scripts without tail calls, which errors could not be placed in
    calls.py         redis.call: from a script's words to a command's reply
    libraries/       cjson, cmsgpack, struct and bit

Nothing here is imported before the first script: a server without scripts pays neither time nor memory for them.
"""
