"""How many files a process of the benchmark may open."""

import resource

from compat.servers import ServerError


def allow_open_files(count: int) -> None:
    """Raises this process's limit of open files to `count`. Raises ServerError where the system does not let it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < count:
        if hard != resource.RLIM_INFINITY and hard < count:
            raise ServerError(f"{count} open files are needed and the system allows {hard} (ulimit -Hn)")
        resource.setrlimit(resource.RLIMIT_NOFILE, (count, hard))
