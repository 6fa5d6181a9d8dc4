"""The `respstore` command."""

import logging
import sys
from functools import partial

import trio


def main() -> int:
    from respstore.server.serve import serve

    logging.basicConfig(level=logging.INFO)
    trio.run(partial(serve, *sys.argv[2:]))
    return 0
