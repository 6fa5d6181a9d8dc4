"""Compiled Lua without tail calls, so that an error still knows where the script has called.

`return redis.call(...)` is how most scripts end. Lua runs a function that is called so in place of its caller. Redis's
functions, in C, leave the caller on the stack even then; ours are Lua, and an error would find no line of the script
any more. A tail call becomes a plain one by its opcode alone: what returns its results comes next in any case.

What is called by a local name, in a function, remains as it is: there, functions may call each other without an end.

The format is what string.dump gives: of Lua 5.1, on a little-endian machine with 64 bits or a big-endian one, by its
header; only lupa's own interpreter reads it again.
"""

from typing import Final

_HEADER: Final = 12  # bytes: the signature, the version, the byte order, the sizes of four types, and how numbers are
_ORDER: Final = 6
_SIZE_OF_SIZE: Final = 8
_SIZE_OF_NUMBER: Final = 10
_MOVE, _GETUPVAL, _GETGLOBAL, _GETTABLE, _SELF, _CALL, _TAILCALL, _CLOSURE = 0, 4, 5, 6, 11, 28, 29, 36
_SETS_A: Final = frozenset((_MOVE, _GETUPVAL, _GETGLOBAL, _GETTABLE, _SELF, _CALL, _CLOSURE))
_NIL, _BOOLEAN, _NUMBER = 0, 1, 3


def without_tail_calls(dumped: bytes) -> bytes:
    """A chunk as string.dump gives it, changed."""
    chunk = _Chunk(dumped)
    chunk.function(is_main=True)
    assert chunk.is_read, "this is not what string.dump gives"
    return bytes(chunk.data)


class _Chunk:
    def __init__(self, dumped: bytes) -> None:
        self.data = bytearray(dumped)
        self._order: Final = "little" if dumped[_ORDER] else "big"
        self._size: Final = dumped[_SIZE_OF_SIZE]
        self._number: Final = dumped[_SIZE_OF_NUMBER]
        self._position = _HEADER

    @property
    def is_read(self) -> bool:
        return self._position == len(self.data)

    def function(self, *, is_main: bool) -> None:
        self._skip_text()  # the source's name
        self._position += 2 * 4 + 4  # lines, and four bytes about the stack
        self._code(is_main=is_main)
        self._constants()
        for _ in range(self._int()):
            self.function(is_main=False)
        lines = self._int()
        self._position += 4 * lines  # of each instruction
        for _ in range(self._int()):
            self._skip_text()  # a local variable
            self._position += 2 * 4
        for _ in range(self._int()):
            self._skip_text()  # a variable of an enclosing function

    def _code(self, *, is_main: bool) -> None:
        count = self._int()
        start, end = self._position, self._position + 4 * count
        for position in range(start, end, 4):
            word = self._word(position)
            if word & 0x3F == _TAILCALL and (is_main or not self._is_local(word, range(position - 4, start - 1, -4))):
                self.data[position : position + 4] = (word - _TAILCALL + _CALL).to_bytes(4, self._order)
        self._position = end

    def _is_local(self, call: int, before: range) -> bool:
        """Whether what a call calls was in a local variable, or in one of an enclosing function."""
        register = call >> 6 & 0xFF
        for position in before:
            word = self._word(position)
            if word >> 6 & 0xFF == register and word & 0x3F in _SETS_A:
                return word & 0x3F in (_MOVE, _GETUPVAL)
        return False

    def _constants(self) -> None:
        for _ in range(self._int()):
            kind = self.data[self._position]
            self._position += 1
            if kind == _BOOLEAN:
                self._position += 1
            elif kind == _NUMBER:
                self._position += self._number
            elif kind != _NIL:
                self._skip_text()

    def _skip_text(self) -> None:
        length = int.from_bytes(self.data[self._position : self._position + self._size], self._order)
        self._position += self._size + length

    def _int(self) -> int:
        value = self._word(self._position)
        self._position += 4
        return value

    def _word(self, position: int) -> int:
        return int.from_bytes(self.data[position : position + 4], self._order)
