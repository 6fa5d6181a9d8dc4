"""Every error of Redis's that respstore sends to a client; its own are in own_errors.py.

The texts stand here letter for letter as Redis 7.0 sends them, because clients match on them. A text that never
changes is a string constant (`raise RespError(SYNTAX)`); one with a variable part is a function that returns the
`RespError`. What a peer sent goes into a text through `printable` only.
"""

from collections.abc import Sequence


class RespError(Exception):
    """An error reply: raised by a handler, or returned inside an array of replies (EXEC).

    Args:
        text: the reply without the leading `-`, code first: `"ERR syntax error"`.
        quotes: the position of a word of the request that `{}` in the text stands for; 0 is the command's name.

    Attributes:
        is_counted: INFO errorstats knows of it already, for a script got it first.
    """

    is_counted = False

    def __init__(self, text: str, *, quotes: int | None = None) -> None:
        super().__init__(text)
        self.text = text
        self._quotes = quotes

    def quote(self, request: Sequence[bytes]) -> None:
        """Put in what the text quotes of the request that failed, as the client wrote it: capitals or not."""
        if self._quotes is not None:
            self.text = self.text.replace("{}", quotable(request[self._quotes][:128]))


class ProtocolError(Exception):
    """The peer's bytes are no requests; the stream is lost. `str()` is the text after `ERR Protocol error: `."""


def printable(data: bytes) -> str:
    """Bytes of a peer as text for an error message; `replies.encode` turns it back into the same bytes."""
    return data.decode("utf-8", "surrogateescape")


def quotable(data: bytes) -> str:
    """What error messages quote of an argument: all before the first NUL, where a string of C ends."""
    return printable(data.partition(b"\0")[0])


# Of any command
SYNTAX = "ERR syntax error"
OUT_OF_MEMORY = "OOM command not allowed when used memory > 'maxmemory'."
WRONG_TYPE = "WRONGTYPE Operation against a key holding the wrong kind of value"
NOT_AN_INTEGER = "ERR value is not an integer or out of range"
NOT_A_32_BIT_INTEGER = "ERR value is out of range, value must between -2147483648 and 2147483647"
NOT_A_FLOAT = "ERR value is not a valid float"
NO_SUCH_KEY = "ERR no such key"
NOT_POSITIVE = "ERR value is out of range, must be positive"
COUNT_NOT_ABOVE_ZERO = "ERR COUNT must be > 0"
INDEX_OUT_OF_RANGE = "ERR index out of range"
INVALID_CURSOR = "ERR invalid cursor"
DB_INDEX_OUT_OF_RANGE = "ERR DB index is out of range"
INVALID_FIRST_DB_INDEX = "ERR invalid first DB index"
INVALID_SECOND_DB_INDEX = "ERR invalid second DB index"
SAME_OBJECT = "ERR source and destination objects are the same"

# SLOWLOG
SLOWLOG_COUNT = "ERR count should be greater than or equal to -1"

# Keys
EXPIRE_NX_AND_OTHERS = "ERR NX and XX, GT or LT options at the same time are not compatible"
EXPIRE_GT_AND_LT = "ERR GT and LT options at the same time are not compatible"
IDLE_TIME_NOT_TRACKED = (
    "ERR An LFU maxmemory policy is selected, idle time not tracked. Please note that when switching between policies "
    "at runtime LRU and LFU data will take some time to adjust."
)
FREQUENCY_NOT_TRACKED = (
    "ERR An LFU maxmemory policy is not selected, access frequency not tracked. Please note that when switching "
    "between policies at runtime LRU and LFU data will take some time to adjust."
)

# DUMP and RESTORE
BUSY_KEY = "BUSYKEY Target key name already exists."
INVALID_TTL = "ERR Invalid TTL value, must be >= 0"
INVALID_IDLE_TIME = "ERR Invalid IDLETIME value, must be >= 0"
INVALID_FREQUENCY = "ERR Invalid FREQ value, must be >= 0 and <= 255"
DUMP_NOT_INTACT = "ERR DUMP payload version or checksum are wrong"
DUMP_CORRUPT = "ERR Bad data format"

# MIGRATE
MIGRATE_KEY_AND_KEYS = "ERR When using MIGRATE KEYS option, the key argument must be set to the empty string"
TARGET_NOT_CONNECTED = "IOERR error or timeout connecting to the client"
TARGET_NOT_WRITTEN = "IOERR error or timeout writing to target instance"
TARGET_NOT_READ = "IOERR error or timeout reading to target instance"

# Saving and loading
SAVE_IN_PROGRESS = "ERR Background save already in progress"
SAVE_FAILED = "ERR"
RELOAD_FAILED = "ERR Error trying to load the RDB dump, check server logs."
LOADING = "LOADING Redis is loading the dataset in memory"
UNSAVED = (
    "MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk. Commands that "
    "may modify the data set are disabled, because this instance is configured to report errors during writes if RDB "
    "snapshotting fails (stop-writes-on-bgsave-error option). Please check the Redis logs for details about the RDB "
    "error."
)
REWRITE_IN_PROGRESS = "ERR Background append only file rewriting already in progress"
REWRITE_FAILED = "ERR Can't execute an AOF background rewriting. Please check the server logs for more information."
REWRITE_KEEPS_OUT = (
    "ERR Another child process is active (AOF?): can't BGSAVE right now. Use BGSAVE SCHEDULE in order to schedule a "
    "BGSAVE whenever possible."
)
LOADAOF_FAILED = "ERR Error trying to load the AOF files, check server logs."
APPENDONLY_FAILED = "Unable to turn on AOF. Check server logs."

# Strings
INCREMENT_OVERFLOW = "ERR increment or decrement would overflow"
DECREMENT_OVERFLOW = "ERR decrement would overflow"
NAN_OR_INFINITY = "ERR increment would produce NaN or Infinity"
STRING_TOO_LONG = "ERR string exceeds maximum allowed size (proto-max-bulk-len)"
OFFSET_OUT_OF_RANGE = "ERR offset is out of range"
LCS_NOT_STRINGS = "ERR The specified keys must contain string values"
LCS_LEN_AND_IDX = "ERR If you want both the length and indexes, please just use IDX."
LCS_TOO_LARGE = "ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len"

# Sorting
SORT_NOT_A_DOUBLE = "ERR One or more scores can't be converted into double"

# Bitmaps
BIT_OFFSET = "ERR bit offset is not an integer or out of range"
BIT_VALUE = "ERR bit is not an integer or out of range"
BITPOS_BIT = "ERR The bit argument must be 1 or 0."
BITOP_NOT = "ERR BITOP NOT must be called with a single source key."
BITFIELD_OVERFLOW = "ERR Invalid OVERFLOW type specified"
BITFIELD_TYPE = "ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is."
BITFIELD_READ_ONLY = "ERR BITFIELD_RO only supports the GET subcommand"

# HyperLogLogs
NOT_A_HYPERLOGLOG = "WRONGTYPE Key is not a valid HyperLogLog string value."
CORRUPTED_HYPERLOGLOG = "INVALIDOBJ Corrupted HLL object detected"
NOT_SPARSE = "ERR HLL encoding is not sparse"
PFDEBUG_NO_SUCH_KEY = "ERR The specified key does not exist"

# Lists
LPOS_RANK_ZERO = (
    "ERR RANK can't be zero: use 1 to start from the first match, 2 from the second ... "
    "or use negative to start from the end of the list"
)
LPOS_COUNT_NEGATIVE = "ERR COUNT can't be negative"
LPOS_MAXLEN_NEGATIVE = "ERR MAXLEN can't be negative"
NUMKEYS_NOT_POSITIVE = "ERR numkeys should be greater than 0"
COUNT_NOT_POSITIVE = "ERR count should be greater than 0"

# Hashes
HASH_VALUE_NOT_AN_INTEGER = "ERR hash value is not an integer"
HASH_VALUE_NOT_A_FLOAT = "ERR hash value is not a float"
NAN_OR_INFINITE_VALUE = "ERR value is NaN or Infinity"
OUT_OF_RANGE = "ERR value is out of range"
NOT_A_COUNT_TO_DRAW = "ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807"

# Sorted sets
ZADD_NX_AND_XX = "ERR XX and NX options at the same time are not compatible"
ZADD_GT_LT_NX = "ERR GT, LT, and/or NX options at the same time are not compatible"
ZADD_INCR_PAIRS = "ERR INCR option supports a single increment-element pair"
SCORE_NOT_A_NUMBER = "ERR resulting score is not a number (NaN)"
NOT_A_SCORE_RANGE = "ERR min or max is not a float"
NOT_A_MEMBER_RANGE = "ERR min or max not valid string range item"
LIMIT_WITHOUT_BY = "ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX"
BYLEX_WITHSCORES = "ERR syntax error, WITHSCORES not supported in combination with BYLEX"
WEIGHT_NOT_A_FLOAT = "ERR weight value is not a float"

# Places
NEED_NUMERIC_RADIUS = "ERR need numeric radius"
NEED_NUMERIC_WIDTH = "ERR need numeric width"
NEED_NUMERIC_HEIGHT = "ERR need numeric height"
RADIUS_NEGATIVE = "ERR radius cannot be negative"
BOX_NEGATIVE = "ERR height or width cannot be negative"
UNSUPPORTED_UNIT = "ERR unsupported unit provided. please use M, KM, FT, MI"
MEMBER_NOT_A_PLACE = "ERR could not decode requested zset member"
ANY_WITHOUT_COUNT = "ERR the ANY argument requires COUNT argument"

# Sets
MORE_KEYS_THAN_ARGUMENTS = "ERR Number of keys can't be greater than number of args"
LIMIT_NEGATIVE = "ERR LIMIT can't be negative"

# Streams
INVALID_STREAM_ID = "ERR Invalid stream ID specified as stream command argument"
INVALID_RANGE_START = "ERR invalid start ID for the interval"
INVALID_RANGE_END = "ERR invalid end ID for the interval"
XADD_ID_TOO_SMALL = "ERR The ID specified in XADD is equal or smaller than the target stream top item"
XADD_ID_ZERO = "ERR The ID specified in XADD must be greater than 0-0"
STREAM_EXHAUSTED = "ERR The stream has exhausted the last possible ID, unable to add more items"
ENTRY_TOO_LARGE = "ERR Elements are too large to be stored"
MAXLEN_AND_MINID = "ERR syntax error, MAXLEN and MINID options at the same time are not compatible"
MAXLEN_NEGATIVE = "ERR The MAXLEN argument must be >= 0."
TRIM_LIMIT_NEGATIVE = "ERR The LIMIT argument must be >= 0."
LIMIT_WITHOUT_TRIMMING = "ERR syntax error, LIMIT cannot be used without specifying a trimming strategy"
LIMIT_OF_EXACT_TRIMMING = "ERR syntax error, LIMIT cannot be used without the special ~ option"
XTRIM_WITHOUT_STRATEGY = "ERR syntax error, XTRIM must be called with a trimming strategy"
ENTRIES_ADDED_NEGATIVE = "ERR entries_added must be positive"
XSETID_BELOW_GIVEN_DELETED = "ERR The ID specified in XSETID is smaller than the provided max_deleted_entry_id"
XSETID_BELOW_TOP = "ERR The ID specified in XSETID is smaller than the target stream top item"
XSETID_BELOW_LENGTH = "ERR The entries_added specified in XSETID is smaller than the target stream length"
UNBALANCED_STREAMS = "ERR Unbalanced XREAD list of streams: for each stream key an ID or '$' must be specified."
GROUP_IN_XREAD = "ERR The GROUP option is only supported by XREADGROUP. You called XREAD instead."
NOACK_IN_XREAD = "ERR The NOACK option is only supported by XREADGROUP. You called XREAD instead."
GROUP_MISSING = "ERR Missing GROUP option for XREADGROUP"
TOP_IN_XREADGROUP = (
    "ERR The $ ID is meaningless in the context of XREADGROUP: you want to read the history of this consumer by "
    "specifying a proper ID, or use the > ID to get new messages. The $ ID would just return an empty result set."
)
NEW_IN_XREAD = "ERR The > ID can be specified only when calling XREADGROUP using the GROUP <group> <consumer> option."
XGROUP_WITHOUT_KEY = (
    "ERR The XGROUP subcommand requires the key to exist. Note that for CREATE you may want to use the MKSTREAM option "
    "to create an empty stream automatically."
)
ENTRIES_READ_NEGATIVE = "ERR value for ENTRIESREAD must be positive or -1"
GROUP_EXISTS = "BUSYGROUP Consumer Group name already exists"
XCLAIM_MIN_IDLE = "ERR Invalid min-idle-time argument for XCLAIM"
XCLAIM_IDLE = "ERR Invalid IDLE option argument for XCLAIM"
XCLAIM_TIME = "ERR Invalid TIME option argument for XCLAIM"
XCLAIM_RETRYCOUNT = "ERR Invalid RETRYCOUNT option argument for XCLAIM"
XAUTOCLAIM_MIN_IDLE = "ERR Invalid min-idle-time argument for XAUTOCLAIM"
XAUTOCLAIM_MEMORY = "ERR Insufficient memory, failed allocating transient memory, COUNT too high."
READ_GROUP_GONE = "NOGROUP the consumer group this client was blocked on no longer exists"
READ_STREAM_GONE = "UNBLOCKED the stream key no longer exists"

# Waiting
TIMEOUT_NOT_AN_INTEGER = "ERR timeout is not an integer or out of range"
TIMEOUT_NOT_A_FLOAT = "ERR timeout is not a float or out of range"
TIMEOUT_NEGATIVE = "ERR timeout is negative"
UNBLOCKED = "UNBLOCKED client unblocked via CLIENT UNBLOCK"

# COMMAND GETKEYS
GETKEYS_NO_SUCH_COMMAND = "ERR Invalid command specified"
GETKEYS_NO_KEYS = "ERR The command has no key arguments"
GETKEYS_WRONG_ARITY = "ERR Invalid number of arguments specified for command"
GETKEYS_INVALID_ARGUMENTS = "ERR Invalid arguments specified for command"

# Transactions
NESTED_MULTI = "ERR MULTI calls can not be nested"
EXEC_WITHOUT_MULTI = "ERR EXEC without MULTI"
DISCARD_WITHOUT_MULTI = "ERR DISCARD without MULTI"
NOT_IN_MULTI = "ERR Command not allowed inside a transaction"
WATCH_IN_MULTI = "ERR WATCH inside MULTI is not allowed"
EXEC_ABORTED = "EXECABORT Transaction discarded because of previous errors."

# Scripts
NO_SUCH_SCRIPT = "NOSCRIPT No matching script. Please use EVAL."
NUMKEYS_NEGATIVE = "ERR Number of keys can't be negative"
SCRIPT_FLUSH_OPTION = "ERR SCRIPT FLUSH only support SYNC|ASYNC option"
SCRIPT_DEBUG_MODE = "ERR Use SCRIPT DEBUG YES/SYNC/NO"
SCRIPT_DEBUG_UNSUPPORTED = "ERR this server has no debugger for scripts"
SCRIPT_HEAD = "ERR Invalid script shebang"
SCRIPT_UNKNOWN_COMMAND = "ERR Unknown Redis command called from script"
SCRIPT_WRONG_ARITY = "ERR Wrong number of args calling Redis command from script"
SCRIPT_FORBIDDEN_COMMAND = "ERR This Redis command is not allowed from script"
SCRIPT_BLOCKS = "ERR {} command is not allowed with BLOCK option from scripts"
SCRIPT_READ_ONLY = "ERR Write commands are not allowed from read-only scripts."
SCRIPT_WRITES = "ERR Can not execute a script with write flag using *_ro command."
SCRIPT_NO_COMMAND = "ERR The user executing the script can't run this command or subcommand"
SCRIPT_NO_KEYS = (
    "ERR The user executing the script can't access at least one of the keys mentioned in the command arguments"
)
SCRIPT_NO_CHANNELS = "ERR The user executing the script can't publish to the channel mentioned in the command"
SCRIPT_NO_MEMORY = "ERR the script needs more memory than scripts may have"
NO_SUCH_FUNCTION = "ERR Function not found"
NO_SUCH_LIBRARY = "ERR Library not found"
NO_FUNCTIONS = "ERR No functions registered"
NUMKEYS_INVALID = "ERR Bad number of keys provided"
NO_LIBRARY_HEAD = "ERR Missing library metadata"
LIBRARY_HEAD = "ERR Invalid library metadata"
LIBRARY_WITHOUT_NAME = "ERR Library name was not given"
LIBRARY_NAMED_TWICE = "ERR Invalid metadata value, name argument was given multiple times"
LIBRARY_NAME = (
    "ERR Library names can only contain letters, numbers, or underscores(_) and must be at least one character long"
)
LIBRARY_NAME_NOT_GIVEN = "ERR library name argument was not given"
FUNCTION_FLUSH_MODE = "ERR FUNCTION FLUSH only supports SYNC|ASYNC option"
LIBRARIES_CORRUPT = "ERR failed loading functions, the payload holds something else"
RESTORE_POLICY = "ERR Wrong restore policy given, value should be either FLUSH, APPEND or REPLACE."
BUSY_SCRIPT = "BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE."
BUSY_FUNCTION = "BUSY Redis is busy running a script. You can only call FUNCTION KILL or SHUTDOWN NOSAVE."
NOT_BUSY = "NOTBUSY No scripts in execution right now."
UNKILLABLE = (
    "UNKILLABLE Sorry the script already executed write commands against the dataset. You can either wait the script "
    "termination or kill the server in a hard way using the SHUTDOWN NOSAVE command."
)

# Connections
NOT_AUTHENTICATED = "NOAUTH Authentication required."
WRONG_PASSWORD = "WRONGPASS invalid username-password pair or user is disabled."
NO_PASSWORD_SET = (
    "ERR AUTH <password> called without any password configured for the default user. "
    "Are you sure your configuration is correct?"
)
UNSUPPORTED_PROTOCOL = "NOPROTO unsupported protocol version"
PROTOCOL_NOT_AN_INTEGER = "ERR Protocol version is not an integer or out of range"
HELLO_NOT_AUTHENTICATED = (
    "NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO AUTH <user> <pass> option "
    "can be used to authenticate the client and select the RESP protocol version at the same time"
)
INVALID_CLIENT_NAME = "ERR Client names cannot contain spaces, newlines or special characters."
INVALID_CLIENT_ID = "ERR Invalid client ID"
CLIENT_ID_NOT_POSITIVE = "ERR client-id should be greater than 0"
NO_SUCH_CLIENT = "ERR No such client"
UNBLOCK_REASON = "ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR"
PAUSE_MODE = "ERR CLIENT PAUSE mode must be WRITE or ALL"
MAX_CLIENTS = "ERR max number of clients reached"
PROTECTED_MODE = (
    "DENIED respstore runs in protected mode: without a password it serves only clients on its own machine. "
    "Set a password (requirepass) and connect with it, or, where every host that reaches this port may be trusted, "
    "switch the mode off on the server's machine: CONFIG SET protected-mode no"
)
SHUTTING_DOWN = "ERR the server is shutting down"
INTERNAL = "ERR internal error; the server's log has the details"

# Client-side caching
REDIRECTED_TWICE = "ERR A client can only redirect to a single other client"
REDIRECTED_TO_NOBODY = "ERR The client ID you want redirect to does not exist"
PREFIX_WITHOUT_BCAST = "ERR PREFIX option requires BCAST mode to be enabled"
BCAST_SWITCHED = (
    "ERR You can't switch BCAST mode on/off before disabling tracking for this client, and then re-enabling it with a "
    "different mode."
)
BCAST_AND_OPTED = "ERR OPTIN and OPTOUT are not compatible with BCAST"
OPTIN_AND_OPTOUT = "ERR You can't specify both OPTIN mode and OPTOUT mode"
OPTED_OTHERWISE = (
    "ERR You can't switch OPTIN/OPTOUT mode before disabling tracking for this client, and then re-enabling it with a "
    "different mode."
)
CACHING_WITHOUT_TRACKING = (
    "ERR CLIENT CACHING can be called only when the client is in tracking mode with OPTIN or OPTOUT mode enabled"
)
CACHING_YES_WITHOUT_OPTIN = "ERR CLIENT CACHING YES is only valid when tracking is enabled in OPTIN mode."
CACHING_NO_WITHOUT_OPTOUT = "ERR CLIENT CACHING NO is only valid when tracking is enabled in OPTOUT mode."

# Access control
ACL_USER_NAME = "ERR Usernames can't contain spaces or null characters"
ACL_DEFAULT_STAYS = "ERR The 'default' user cannot be removed"
ACL_GENPASS_BITS = (
    "ERR ACL GENPASS argument must be the number of bits for the output password, a positive number up to 4096"
)
ACL_SYNTAX = "Syntax error"
ACL_UNKNOWN_NAME = "Unknown command or category name in ACL"
ACL_ARGUMENT_OF_SUBCOMMAND = "Allowing first-arg of a subcommand is not supported"
ACL_NOT_A_HASH = "The password hash must be exactly 64 characters and contain only lowercase hexadecimal characters"
ACL_NO_SUCH_PASSWORD = "The password you are trying to remove from the user does not exist"
ACL_ALL_KEYS_ALREADY = (
    "Adding a pattern after the * pattern (or the 'allkeys' flag) is not valid and does not have any effect. "
    "Try 'resetkeys' to start with an empty list of patterns"
)
ACL_ALL_CHANNELS_ALREADY = (
    "Adding a pattern after the * pattern (or the 'allchannels' flag) is not valid and does not have any effect. "
    "Try 'resetchannels' to start with an empty list of channels"
)
ACL_DUPLICATE_USER = "Duplicate user found. A user can only be defined once in config files"
ACL_TWO_PLACES = "users are declared in redis.conf and in an ACL file; one of the two is enough"
ACL_NO_FILE = (
    "ERR This Redis instance is not configured to use an ACL file. You may want to specify users via the ACL SETUSER "
    "command and then issue a CONFIG REWRITE (assuming you have a Redis configuration file set) in order to store "
    "users in the Redis configuration."
)
ACL_NOT_SAVED = "ERR There was an error trying to save the ACLs. Please check the server logs for more information"
ACL_COMMAND_TAKEN_AWAY = "no permission to execute the command or subcommand"
ACL_KEY_TAKEN_AWAY = "no permission to touch the specified keys"
ACL_CHANNEL_TAKEN_AWAY = "no permission to access one of the channels used as arguments"
ACL_NO_KEYS = "NOPERM this user has no permissions to access one of the keys used as arguments"
ACL_NO_CHANNELS = "NOPERM this user has no permissions to access one of the channels used as arguments"
ACL_SORT_BY = "ERR BY option of SORT denied due to insufficient ACL permissions."
ACL_SORT_GET = "ERR GET option of SORT denied due to insufficient ACL permissions."

# Configuration
NO_CONFIG_FILE = "ERR The server is running without a config file"
TLS_FAILED = "Unable to update TLS configuration."
LISTEN_FAILED = "Unable to listen on this port. Check server logs."
BIND_FAILED = "Failed to bind to specified addresses."
OOM_SCORE_FAILED = "Failed to set current oom_score_adj. Check server logs."

# The server
MONITOR_IN_MULTI = "ERR MONITOR isn't allowed for DENY BLOCKING client"
SSUBSCRIBE_IN_MULTI = "ERR SSUBSCRIBE isn't allowed for a DENY BLOCKING client"
MONITORS_KEEP_OUT = "ERR Replica can't interact with the keyspace"
NO_CLUSTER = "ERR This instance has cluster support disabled"
FAILOVER_TIMEOUT = "ERR FAILOVER timeout must be greater than 0"
FAILOVER_WITHOUT_REPLICAS = "ERR FAILOVER requires connected replicas."
NO_FAILOVER = "ERR No failover in progress."
INVALID_MASTER_PORT = "ERR Invalid master port"
NO_REPLICATION = "ERR this server cannot be a replica yet; it is a primary, as after REPLICAOF NO ONE"
MODULE_NOT_LOADED = "ERR Error loading the extension. Please check the server logs."
NO_SUCH_MODULE = "ERR Error unloading module: no such module with that name"
SHUTDOWN_FAILED = "ERR Errors trying to SHUTDOWN. Check logs."
NO_SHUTDOWN = "ERR No shutdown in progress."

# DEBUG
DEBUG_PROTOCOL_TYPES = (
    "ERR Wrong protocol type name. Please use one of the following: "
    "string|integer|double|bignum|null|array|set|map|attrib|push|verbatim|true|false"
)
NEEDS_RESP3 = "ERR RESP2 is not supported by this command"
DEBUG_RELOAD_OPTIONS = "ERR DEBUG RELOAD only supports the MERGE, NOFLUSH and NOSAVE options."
NO_SUCH_DATABASE = "ERR Out of range database"
NOT_A_HASH_TABLE = "ERR The value stored at the specified key is not represented using an hash table"
NOT_AN_SDS_STRING = "ERR Not an sds encoded string."
NOT_A_LISTPACK = "ERR Not a listpack encoded object."
NOT_A_QUICKLIST = "ERR Not a quicklist encoded object."
PACKED_THRESHOLD = "ERR argument must be a memory value bigger than 1 and smaller than 4gb"
CLIENT_MEMORY_UNLIMITED = "ERR maxmemory-clients is disabled."
NO_CLUSTER_LINKS = "ERR Debug option only available for cluster mode enabled setup!"


def target_replied(error: bytes) -> RespError:
    """MIGRATE was refused by the other server."""
    return RespError(f"ERR Target instance replied with error: {printable(error)}")


def wrong_arity(name: str) -> RespError:
    """The arguments are too few or too many for the command `name` (in lower case)."""
    return RespError(f"ERR wrong number of arguments for '{name}' command")


def too_many_arguments(name: str) -> RespError:
    """A request has more arguments than the command `name` (`container|subcommand` in lower case) has optional ones."""
    container, _, subcommand = name.partition("|")
    return wrong_subcommand_or_arguments(container) if subcommand else wrong_arity(name)


def unknown_command(args: list[bytes]) -> RespError:
    """No such command; Redis quotes its name and the start of its arguments, at most 128 bytes of each."""
    quoted = b""
    for arg in args[1:]:
        if len(quoted) >= 128:
            break
        quoted += b"'%b' " % arg.partition(b"\0")[0][: 128 - len(quoted)]
    name = quotable(args[0][:128])
    return RespError(f"ERR unknown command '{name}', with args beginning with: {printable(quoted)}")


def unknown_subcommand(name: bytes, container: str) -> RespError:
    """`container` has no subcommand `name`."""
    return RespError(f"ERR unknown subcommand '{quotable(name[:128])}'. Try {container.upper()} HELP.")


def wrong_subcommand_or_arguments(container: str) -> RespError:
    """`container` has no such subcommand, or none that takes such arguments."""
    text = f"ERR unknown subcommand or wrong number of arguments for '{{}}'. Try {container.upper()} HELP."
    return RespError(text, quotes=1)


def no_such_group_to_read(key: bytes, group: bytes) -> RespError:
    """XREADGROUP found no stream, or no such group of it."""
    return RespError(
        f"NOGROUP No such key '{quotable(key)}' or consumer group '{quotable(group)}' in XREADGROUP with GROUP option"
    )


def subscribed(name: str) -> RespError:
    """A client that listens to channels, and speaks RESP2, may not use the command `name` (in lower case)."""
    return RespError(
        f"ERR Can't execute '{name}': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this "
        "context"
    )


def unwritten(problem: str) -> RespError:
    """The AOF cannot be written, for a reason that the system gave."""
    return RespError(f"MISCONF Errors writing to the AOF file: {problem}")


def no_such_group(key: bytes, group: bytes) -> RespError:
    """XPENDING, XCLAIM or XAUTOCLAIM found no stream, or no such group of it."""
    return RespError(f"NOGROUP No such key '{quotable(key)}' or consumer group '{quotable(group)}'")


def no_such_group_of_key(key: bytes, group: bytes) -> RespError:
    """XGROUP or XINFO CONSUMERS found the stream, but no such group of it."""
    return RespError(f"NOGROUP No such consumer group '{quotable(group)}' for key name '{quotable(key)}'")


def unknown_claim_option(word: bytes) -> RespError:
    """XCLAIM does not know the word behind the ids, or it is no id."""
    return RespError(f"ERR Unrecognized XCLAIM option '{quotable(word)}'")


def not_allowed(name: str) -> RespError:
    """The command `name` (in upper case) is one that an option, enable-...-command, has to allow."""
    return RespError(
        f'ERR {name} command not allowed. If the enable-{name.lower()}-command option is set to "local", you can run '
        "it from a local connection, otherwise you need to set this option in the configuration file, and then restart "
        "the server."
    )


def debug_unsupported(name: str, reason: str) -> RespError:
    """DEBUG's subcommand `name` (in upper case) is Redis's, but cannot be had here."""
    return RespError(f"ERR DEBUG {name} is not supported: {reason}")


def unknown_pfdebug_subcommand(name: bytes) -> RespError:
    """PFDEBUG has no subcommand `name`."""
    return RespError(f"ERR Unknown PFDEBUG subcommand '{quotable(name)}'")


def pfselftest_failed(reason: str) -> RespError:
    """PFSELFTEST found a fault of ours."""
    return RespError(f"TESTFAILED {reason}")


def forced_rewrite_failed(reason: str) -> RespError:
    """DEBUG CONFIG-REWRITE-FORCE-ALL could not read or write the file."""
    return RespError(f"ERR CONFIG-REWRITE-FORCE-ALL failed: {reason}")


def hello_option(word: bytes) -> RespError:
    """HELLO does not know the word, or not so near the end."""
    return RespError(f"ERR Syntax error in HELLO option '{quotable(word)}'")


def unknown_client_type(name: bytes) -> RespError:
    """CLIENT LIST and KILL know no clients of that type."""
    return RespError(f"ERR Unknown client type '{quotable(name)}'")


def prefixes_overlap(prefix: bytes, other: bytes, *, known: bool) -> RespError:
    """CLIENT TRACKING names a prefix that begins as another one does, which is `known` already or named, too."""
    kind = "an existing" if known else "another provided"
    return RespError(
        f"ERR Prefix '{quotable(prefix)}' overlaps with {kind} prefix '{quotable(other)}'. "
        "Prefixes for a single client must not overlap."
    )


def wrong_rule(rule: bytes, reason: str) -> RespError:
    """ACL SETUSER does not understand a rule."""
    return RespError(f"ERR Error in ACL SETUSER modifier '{quotable(rule)}': {reason}")


def command_not_permitted(name: str) -> RespError:
    """The user may not run the command `name` (in lower case, `container|subcommand`)."""
    return RespError(f"NOPERM this user has no permissions to run the '{name}' command")


def permission_taken_away(reason: str) -> RespError:
    """A request that was queued in MULTI is not permitted any more when EXEC is to run it."""
    return RespError(
        "NOPERM ACLs rules changed between the moment the transaction was accumulated and the EXEC call. "
        f"This command is no longer allowed for the following reason: {reason}"
    )


def users_not_loaded(name: str, reason: str) -> RespError:
    """The file of users cannot be read."""
    return RespError(f"ERR Error loading ACLs, opening file '{name}': {reason}")


def unknown_category(name: bytes) -> RespError:
    """ACL CAT knows no such category."""
    return RespError(f"ERR Unknown category '{quotable(name)}'")


def user_not_found(name: bytes) -> RespError:
    """ACL DRYRUN knows no such user."""
    return RespError(f"ERR User '{quotable(name)}' not found")


def command_not_found(name: bytes) -> RespError:
    """ACL DRYRUN knows no such command."""
    return RespError(f"ERR Command '{quotable(name)}' not found")


def no_such_user(name: bytes) -> RespError:
    """There is no such user whose clients CLIENT KILL could close."""
    return RespError(f"ERR No such user '{quotable(name)}'")


def no_input_keys(name: str) -> RespError:
    """The number of keys to combine, given to the command `name`, is not positive."""
    return RespError(f"ERR at least 1 input key is needed for '{name}' command")


def invalid_place(longitude: float, latitude: float) -> RespError:
    """There is no such place, or it is too near to a pole."""
    return RespError(f"ERR invalid longitude,latitude pair {longitude:f},{latitude:f}")


def geo_store_option(name: str) -> RespError:
    """Results shall be stored, as `name` says, and shown as well."""
    return RespError(f"ERR {name} is not compatible with WITHDIST, WITHHASH and WITHCOORD options")


def exactly_one_of(alternatives: str) -> RespError:
    """GEOSEARCH or GEOSEARCHSTORE lacks what it cannot do without."""
    return RespError(f"ERR exactly one of {alternatives} can be specified for {{}}", quotes=0)


def invalid_expire(name: str) -> RespError:
    """A time to live that is not positive or does not fit into 64 bits, given to the command `name`."""
    return RespError(f"ERR invalid expire time in '{name}' command")


def unsupported_expire_option(option: bytes) -> RespError:
    """EXPIRE and its kin do not know the word behind the time."""
    return RespError(f"ERR Unsupported option {quotable(option)}")


def exec_refused(cause: RespError) -> RespError:
    """EXEC itself was refused before it ran; that ends the transaction."""
    return RespError(f"EXECABORT Transaction discarded because of: {cause.text.removeprefix('ERR ')}")


def unknown_option(name: str) -> RespError:
    """CONFIG SET names an option that does not exist."""
    return RespError(f"ERR Unknown option or number of arguments for CONFIG SET - '{name}'")


def no_latency_samples(event: bytes) -> RespError:
    """LATENCY GRAPH has nothing to draw."""
    return RespError(f"ERR No samples available for event '{quotable(event)}'")


def unexpected_engine(engine: bytes) -> RespError:
    """A script's first line asks for another language than Lua."""
    return RespError(f"ERR Unexpected engine in script shebang: {quotable(engine)}")


def unknown_script_option(option: bytes) -> RespError:
    """A script's first line says something else than flags."""
    return RespError(f"ERR Unknown lua shebang option: {quotable(option)}")


def unexpected_script_flag(flag: str) -> RespError:
    """A script's first line has a flag that there is not."""
    return RespError(f"ERR Unexpected flag in script shebang: {flag}")


def unknown_library_option(option: bytes) -> RespError:
    """A library's first line says something else than its name."""
    return RespError(f"ERR Invalid metadata value given: {quotable(option)}")


def unknown_script_engine(name: bytes) -> RespError:
    """A library is for another engine than Lua."""
    return RespError(f"ERR Engine '{quotable(name)}' not found")


def library_exists(name: bytes) -> RespError:
    """FUNCTION LOAD brings a library whose name is taken."""
    return RespError(f"ERR Library '{quotable(name)}' already exists")


def library_is_there(name: bytes) -> RespError:
    """FUNCTION RESTORE does."""
    return RespError(f"ERR Library {quotable(name)} already exists")


def function_exists(name: bytes) -> RespError:
    """Another library has a function of this name."""
    return RespError(f"ERR Function {quotable(name)} already exists")


def unknown_list_argument(word: bytes) -> RespError:
    """FUNCTION LIST does not know the word, or has heard it before."""
    return RespError(f"ERR Unknown argument {quotable(word)}")


def unknown_load_option(word: bytes) -> RespError:
    """FUNCTION LOAD does not know the word before the code."""
    return RespError(f"ERR Unknown option given: {quotable(word)}")


def config_set_failed(name: str, reason: str) -> RespError:
    """CONFIG SET could not change anything because of the option `name`."""
    return RespError(f"ERR CONFIG SET failed (possibly related to argument '{name}') - {reason}")


def config_rewrite_failed(reason: str) -> RespError:
    """CONFIG REWRITE could not read or write the file."""
    return RespError(f"ERR Rewriting config file: {reason}")
