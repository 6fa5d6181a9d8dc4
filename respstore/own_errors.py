"""The errors of what respstore adds to Redis: barriers, namespaces of torch jobs, TCPStore's protocol.

Redis has no words for these, so each says what was wrong and what would be right. Otherwise they are as those of
errors.py, where Redis's own are.
"""

from respstore.errors import RespError
from respstore.wording import escaped, shown_member

# Barriers
PARTIES_OUT_OF_RANGE = "ERR parties must be an integer from 1 to 1000000"
EPOCH_OUT_OF_RANGE = "ERR epoch must be an integer from 0 to 9223372036854775806"

# Namespaces of torch jobs
NAMESPACE_DATABASE = "ERR namespaces are in database 0: SELECT it first"
NAMESPACE_NAME = "ERR a namespace is 1 to 200 characters of ASCII without spaces, and no slash at either end"
PORT_OUT_OF_RANGE = "ERR a port is an integer from 0 (any free port) to 65535"

# TCPStore clients, which see none of these: they are for the log
NOT_TCPSTORE = "it does not speak the protocol of torch's TCPStore"
TCPSTORE_HAS_NO_PASSWORD = (
    "it speaks the protocol of torch's TCPStore, which has no passwords, and this server requires one (requirepass)"
)
TCPSTORE_HAS_NO_USERS = (
    "it speaks the protocol of torch's TCPStore, which has no users, and the default user may not do everything here"
)


def barrier_option(word: bytes) -> RespError:
    """BARRIER has no such option, or it is there twice."""
    return RespError(
        f"ERR unknown or repeated option '{escaped(word)}': BARRIER takes MEMBER id, EPOCH n and TIMEOUT seconds"
    )


def wrong_epoch(name: bytes, epoch: int, named: int) -> RespError:
    """Somebody comes to a barrier for an epoch that is still to come."""
    return RespError(f"ERR barrier '{escaped(name)}' is at epoch {epoch}, not {named}")


def wrong_parties(name: bytes, parties: int, named: int) -> RespError:
    """Those who come to a barrier do not agree on how many have to."""
    return RespError(f"ERR barrier '{escaped(name)}' expects {parties} parties, not {named}")


def member_replaced(member: bytes | int) -> RespError:
    """A member that waits at a barrier has come there again; this is for the connection by which it came before."""
    return RespError(f"REPLACED member {shown_member(member)} arrived again from another connection")


def barrier_timeout(name: bytes, epoch: int, state: str) -> RespError:
    """Not all have come to a barrier in time; `state` tells who has."""
    return RespError(f"TIMEOUT barrier '{escaped(name)}' epoch {epoch}: {state}")


def barrier_reset(name: bytes, reason: bytes) -> RespError:
    """BARRIERRESET, for those who were waiting; the reason may be empty."""
    because = f": {escaped(reason)}" if reason else ""
    return RespError(f"BROKENBARRIER barrier '{escaped(name)}' was reset{because}")


def namespace_open(name: bytes, port: int) -> RespError:
    """C10D OPEN asks for a port, or for NOAUTH, that the namespace was not opened with."""
    return RespError(f"ERR namespace '{escaped(name)}' is open on port {port}, in another way: close it first")


def namespaces_overlap(name: bytes, other: bytes) -> RespError:
    """One namespace lies within the other."""
    return RespError(f"ERR namespaces '{escaped(name)}' and '{escaped(other)}' would have keys in common")


def namespace_not_opened(name: bytes, reason: str) -> RespError:
    """There is no port for a namespace."""
    return RespError(f"ERR namespace '{escaped(name)}' can't be opened: {reason}")


def no_such_namespace(name: bytes) -> RespError:
    """C10D CLOSE names one that nobody has opened, or whose keys are gone."""
    return RespError(f"ERR there is no namespace '{escaped(name)}'")
