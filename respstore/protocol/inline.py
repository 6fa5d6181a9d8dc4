"""Inline commands: a line that a person types instead of an array of bulk strings, split as Redis splits it."""

from typing import Final

_ESCAPES: Final = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"a": b"\a"}
_SPACE: Final = b" \n\r\t\v\f"
_END: Final = b" \n\r\t"  # of an argument without quotes; Redis takes other white space for a part of it
_PLAIN: Final = bytes(byte for byte in range(256) if byte not in b"\0\v\f\"'*")


def split_plain_lines(data: bytes) -> list[list[bytes]]:
    """All of `data` as whole inline commands, several times as fast; none if a byte in it may call for the details."""
    if not data.endswith(b"\n") or data.translate(None, _PLAIN):
        return []
    return [arguments for line in data.split(b"\n") if (arguments := line.split())]


def split_arguments(line: bytes) -> list[bytes] | None:
    r"""A line split into arguments at spaces, with Redis's quotes: `"a\x41\n"`, `'it\'s'` (its `sdssplitargs`).

    Returns:
        The arguments, or None if quotes are unbalanced or a closing one is followed by more than a space.
    """
    arguments: list[bytes] = []
    position, end = 0, len(line)
    while True:
        while position < end and line[position] in _SPACE:
            position += 1
        if position >= end:
            return arguments
        argument = bytearray()
        quote = 0
        while position < end or quote:
            if position >= end:
                return None
            byte = line[position]
            position += 1
            if quote:
                if byte == quote:
                    if position < end and line[position] not in _SPACE:
                        return None
                    break
                if byte == 92 and position < end and (quote == 34 or line[position] == 39):
                    escape = line[position : position + 1]
                    hexadecimal = line[position + 1 : position + 3]
                    position += 1
                    if quote == 34 and escape == b"x" and _is_hexadecimal(hexadecimal):
                        argument.append(int(hexadecimal, 16))
                        position += 2
                    else:
                        argument += _ESCAPES.get(escape, escape) if quote == 34 else escape
                else:
                    argument.append(byte)
            elif byte in _END:
                break
            elif byte in b"\"'":
                quote = byte
            else:
                argument.append(byte)
        arguments.append(bytes(argument))


def _is_hexadecimal(digits: bytes) -> bool:
    return len(digits) == 2 and all(digit in b"0123456789abcdefABCDEF" for digit in digits)
