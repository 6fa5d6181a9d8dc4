"""Every error that respstore raises or sends: the texts of the protocol and the exceptions of the Python API.

Error texts stand here letter for letter as Redis 7.0 sends them, because clients match on them. A text that never
changes is a string constant (`raise RespError(SYNTAX)`); one with a variable part is a function that returns the
`RespError`. What a peer sent goes into a text through `printable` only.
"""


class RespError(Exception):
    """An error reply: raised by a handler, or returned inside an array of replies (EXEC).

    Args:
        text: the reply without the leading `-`, code first: `"ERR syntax error"`.
    """

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


class ProtocolError(Exception):
    """The peer's bytes are no requests; the stream is lost. `str()` is the text after `ERR Protocol error: `."""


def printable(data: bytes) -> str:
    """Bytes of a peer as text for an error message; `replies.encode` turns it back into the same bytes."""
    return data.decode("utf-8", "surrogateescape")


# Of any command
SYNTAX = "ERR syntax error"
WRONG_TYPE = "WRONGTYPE Operation against a key holding the wrong kind of value"
NOT_AN_INTEGER = "ERR value is not an integer or out of range"
NOT_A_FLOAT = "ERR value is not a valid float"
NO_SUCH_KEY = "ERR no such key"
OUT_OF_RANGE = "ERR value is out of range"
NOT_POSITIVE = "ERR value is out of range, must be positive"
INDEX_OUT_OF_RANGE = "ERR index out of range"
INVALID_CURSOR = "ERR invalid cursor"
INVALID_DB_INDEX = "ERR invalid DB index"
DB_INDEX_OUT_OF_RANGE = "ERR DB index is out of range"
SAME_OBJECT = "ERR source and destination objects are the same"

# Strings
INCREMENT_OVERFLOW = "ERR increment or decrement would overflow"
DECREMENT_OVERFLOW = "ERR decrement would overflow"
NAN_OR_INFINITY = "ERR increment would produce NaN or Infinity"
STRING_TOO_LONG = "ERR string exceeds maximum allowed size (proto-max-bulk-len)"
OFFSET_OUT_OF_RANGE = "ERR offset is out of range"
BIT_OFFSET_NOT_AN_INTEGER = "ERR bit offset is not an integer or out of range"

# Waiting
TIMEOUT_NOT_A_FLOAT = "ERR timeout is not a float or out of range"
TIMEOUT_NEGATIVE = "ERR timeout is negative"
UNBLOCKED = "UNBLOCKED client unblocked via CLIENT UNBLOCK"
UNBLOCKED_BY_RENAME = "UNBLOCKED the stream key no longer exists"

# Transactions
NESTED_MULTI = "ERR MULTI calls can not be nested"
EXEC_WITHOUT_MULTI = "ERR EXEC without MULTI"
DISCARD_WITHOUT_MULTI = "ERR DISCARD without MULTI"
WATCH_IN_MULTI = "ERR WATCH inside MULTI is not allowed"
EXEC_ABORTED = "EXECABORT Transaction discarded because of previous errors."

# Connections
NOT_AUTHENTICATED = "NOAUTH Authentication required."
WRONG_PASSWORD = "WRONGPASS invalid username-password pair or user is disabled."
NO_PASSWORD_SET = (
    "ERR AUTH <password> called without any password configured for the default user. "
    "Are you sure your configuration is correct?"
)
UNSUPPORTED_PROTOCOL = "NOPROTO unsupported protocol version"
MAX_CLIENTS = "ERR max number of clients reached"
QUERY_BUFFER_LIMIT = "ERR Protocol error: too big query buffer"
INTERNAL = "ERR internal error; the server's log has the details"


def wrong_arity(name: str) -> RespError:
    """The arguments are too few or too many for the command `name` (in lower case)."""
    return RespError(f"ERR wrong number of arguments for '{name}' command")


def unknown_command(args: list[bytes]) -> RespError:
    """No such command; Redis quotes its name and the start of its arguments, at most 128 bytes of each."""
    quoted = ""
    for arg in args[1:]:
        if len(quoted) >= 128:
            break
        quoted += f"'{printable(arg[: 128 - len(quoted)])}' "
    return RespError(f"ERR unknown command '{printable(args[0][:128])}', with args beginning with: {quoted}")


def unknown_subcommand(name: bytes, container: str) -> RespError:
    """`container` has no subcommand `name`."""
    return RespError(f"ERR unknown subcommand '{printable(name[:128])}'. Try {container.upper()} HELP.")


def invalid_expire(name: str) -> RespError:
    """A time to live that is not positive or does not fit into 64 bits, given to the command `name`."""
    return RespError(f"ERR invalid expire time in '{name}' command")
